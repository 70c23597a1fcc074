import numpy as np
import pandas as pd
import pytest
import torch

from nastoolkit import FAMILIES, TASKS
from nastoolkit.statistics import equivalence
from nastoolkit.systems.efficient_tdnn import speakers
from nastoolkit.verdicts import AGREES, INCONCLUSIVE, NO_EFFECT, NOT_TESTED

SPACE = FAMILIES["speakers-tdnn"]().space
MADE_UP, SMALL = ("made-up-speakers", "speakers-tdnn"), {"n_steps": 1, "batch_size": 8}


def options(space, name):
    gene = space.names.index(name)
    return [space.choices[gene].options[place] for place in space.allowed[gene]]


def test_stages_open_kernels_then_depths_then_widths_in_two_steps():
    opened = speakers.stages(speakers.seen(SPACE))
    assert [stage.name for stage in opened] == ["largest", "kernel", "depth", "width1", "width2"]
    found = [[options(stage.space, name) for name in ("block1.kernel", "depth", "block1.width")] for stage in opened]
    assert found == [
        [[5], [3], [32]],
        [[1, 3, 5], [3], [32]],
        [[1, 3, 5], [1, 2, 3], [32]],
        [[1, 3, 5], [1, 2, 3], [16, 24, 32]],
        [[1, 3, 5], [1, 2, 3], [8, 16, 24, 32]],
    ]
    assert options(opened[3].space, "aggregation.width") == [32, 48, 64]


def test_unseen_networks_have_no_width_that_training_had():
    fine = speakers._unseen(SPACE, 50, np.random.default_rng(0))
    for network in map(SPACE.decode, fine):
        assert network.pop("aggregation.width") not in (16, 32, 48, 64)
        widths = [width for name, width in network.items() if name.endswith(".width")]
        assert len(widths) == network["depth"] + 1 and set(widths).isdisjoint((8, 16, 24, 32))


def test_a_job_judges_all_arms_within_their_budgets():
    kept = {"n_labels": 5, "n_random": 2, "shares": [1.0, 0.2], "n_calibration": 20}
    rows = pd.DataFrame(speakers.budgets_and_widths(*MADE_UP, seed=0, **SMALL, **kept))
    largest = float(FAMILIES["speakers-tdnn"]().with_classes(40).mmacs(SPACE.largest))
    within = rows.dropna(subset="share")
    assert (within.mmacs < within.share * 0.75 * largest).all() and within.eer.between(0, 100).all()
    assert within.groupby(["share", "arm"]).size().to_dict() == {
        (share, arm): n for share in (1.0, 0.2) for arm, n in (("searched", 1), ("random", 2), ("best of random", 1))
    }
    random = within[within.arm == "random"]
    assert (random.mmacs >= 0.8 * random.share * 0.75 * largest).all()
    best = within[within.arm == "best of random"]
    assert set(best.eer) <= set(random.eer) and rows.arm.value_counts()["unseen widths"] == 2


def test_a_supernet_goes_through_all_stages_and_learns_transforms():
    task = TASKS["made-up-speakers"]()
    torch.manual_seed(0)
    supernet = speakers.trained(task, "speakers-tdnn", 0, 2, 8)
    matrices = {name: weight for name, weight in supernet.shared.named_parameters() if name.endswith("matrix")}
    assert any(not torch.equal(weight, torch.eye(len(weight))) for weight in matrices.values()) and len(matrices) > 4


def test_residuals_compare_networks_of_equal_macs():
    mmacs = np.array([0.1, 0.2, 0.4, 0.8])
    line = 30 - 5 * np.log(mmacs)
    arms = {"seen widths": line, "unseen widths": line + 2}
    found = pd.DataFrame([(0, arm, m, e) for arm, errors in arms.items() for m, e in zip(mmacs, errors, strict=True)])
    found.columns = ["seed", "arm", "mmacs", "eer"]
    assert speakers.residuals(found).points.tolist() == pytest.approx([2.0])


def test_the_word_on_a_difference_that_is_not_to_be_there():
    words = [speakers.word_of(equivalence(points, 1.0)) for points in ([0.1, -0.1, 0, 0.1, 0], [3, 3.1, 2.9, 3, 3])]
    assert words == [AGREES, NO_EFFECT]
    assert speakers.word_of(equivalence([-3, 3, -2, 2, 1], 1.0)) == INCONCLUSIVE
    assert speakers.word_of(equivalence([0.1, 0.0], 1.0)) == NOT_TESTED
