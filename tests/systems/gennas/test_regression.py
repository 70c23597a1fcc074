"""The score of a network: what is learned, that a seed decides, and that no number survives as the worst one."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet
from nastoolkit.systems.gennas.regression import WORST, GenNAS, Regressor, error
from nastoolkit.systems.gennas.tasks import COMBO, TASKS, TRANSFERRED
from nastoolkit.tasks import TASKS as IMAGES

CELLS = CellsFamily("small", replace(DIGITS, channels=2))
TWO = np.stack([CELLS.space.smallest, CELLS.space.largest])
AGAIN = """
from dataclasses import replace
from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.supernets import Supernet
from nastoolkit.systems.gennas.regression import GenNAS
from nastoolkit.systems.gennas.tasks import TASKS
from nastoolkit.tasks import TASKS as IMAGES
cells = CellsFamily("small", replace(DIGITS, channels=2))
print(GenNAS(Supernet(cells), IMAGES["digits"](), TASKS["found on NAS-Bench-101"], 3, 4, seed=5)(cells.space.largest).item())
"""


def gennas(n_steps=3, seed=0, signals=COMBO, family=CELLS, task="digits"):
    return GenNAS(Supernet(family), IMAGES[task](), TASKS[signals], n_steps, 4, seed)


def test_heads_give_out_what_stages_are_to_become():
    images, network = torch.randn(3, 1, 16, 16), CELLS.build(CELLS.space.largest)
    targets = TASKS[TRANSFERRED].targets(images, 4, 0)
    outputs = Regressor(network, images, targets)(images)
    assert [output.shape for output in outputs] == [target.shape for target in targets]
    squares = [(output - target).square().mean().item() for output, target in zip(outputs, targets, strict=True)]
    assert error(outputs, targets).item() == pytest.approx(np.dot([0.25, 0.5, 1.0], squares), rel=1e-5)


def test_a_head_normalises_what_its_stage_gives_out_and_projects_it():
    images, network = torch.randn(3, 1, 16, 16), CELLS.build(CELLS.space.largest).eval()
    targets = [torch.zeros(3, channels, 4, 4) for channels in (5, 6, 7)]
    regressor = Regressor(network, images, targets).eval()
    x = network.stage1(network.stem(images))
    norm, projection = regressor.heads[0]
    torch.testing.assert_close(regressor(images)[0], projection(norm(x[..., ::4, ::4])))


def test_more_steps_leave_less_error_and_the_supernet_as_it_was():
    few, many = gennas(1), gennas(15)
    before = many.supernet.fingerprint
    assert many(TWO[1]) < few(TWO[1]) and many.supernet.fingerprint == before


def test_the_seed_decides_in_another_process_too():
    measured = gennas(seed=5, signals=TRANSFERRED)
    state = torch.get_rng_state()
    score = measured(TWO[1])
    assert score.shape == (1, 1) and (torch.get_rng_state() == state).all()
    ended = subprocess.run(
        [sys.executable, "-c", AGAIN], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": "7"}
    )
    assert float(ended.stdout) == score.item() == gennas(seed=5, signals=TRANSFERRED)(TWO[1]).item()
    assert gennas(seed=6, signals=TRANSFERRED)(TWO[1]).item() != score.item()


def test_what_is_no_number_is_the_worst_score_and_a_search_goes_on():
    measured = gennas(1)
    with torch.no_grad():
        for weight in measured.supernet.shared.get_submodule("stem").parameters():
            weight.fill_(float("nan"))
    assert measured(TWO[1]).tolist() == [[WORST]] and measured(TWO[0]) < WORST  # through which nothing comes
    history = optimize(CELLS.space, measured, [Objective("error", "min")], "regularised_evolution", 3, progress=False)
    assert len(history) == 3 and not history.failed.any()


def test_any_family_with_three_stages_has_a_score():
    family = FAMILIES["digits-mbv3"]()
    assert np.isfinite(gennas(1, family=family)(family.space.smallest)).all()


def test_what_a_score_needs_is_asked_for_before_anything_is_trained(tiny):
    with pytest.raises(ValueError, match="'small' takes inputs .*, task 'number-words' has"):
        gennas(task="number-words")
    with pytest.raises(
        ValueError, match="^GenNAS learns signals from images, and the inputs of task 'help-topics' are not images$"
    ):
        gennas(family=FAMILIES["text-bert"](), task="help-topics")
    with pytest.raises(ValueError, match="^GenNAS taps stage1, stage2, stage3, and networks of 'tiny' have no stage3$"):
        gennas(family=tiny)


def test_settings_tell_scores_apart():
    assert gennas().settings == gennas().settings
    others = (gennas(4), gennas(seed=1), gennas(signals=TRANSFERRED))
    assert all(other.settings != gennas().settings for other in others)
