"""Regression tasks: the authors' are as their code has them, and each genotype of the space is one."""

import numpy as np
import torch

from nastoolkit.systems.gennas.signals import GDot, Sin2D
from nastoolkit.systems.gennas.tasks import BANDS, COMBO, COMBO_WHITE, SPACE, TASKS, TRANSFERRED, signals_of

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_the_authors_tasks_have_their_bases():
    names = [[type(basis).__name__ for basis in stage.bases] for stage in TASKS[COMBO].stages]
    assert names == [["Sin1D", "Sin2D", "Dot"], ["Sin1D", "Sin2D", "Resize"], ["Sin1D", "Dot", "Resize"]]
    transferred = TASKS[TRANSFERRED]
    assert [len(stage.bases) for stage in transferred.stages] == [1, 4, 4] and transferred.noise == 0.1
    assert [target.shape[1] for target in transferred.targets(IMAGES, 4, 0)] == [64, 48, 16]
    assert TASKS[COMBO_WHITE].stages == TASKS[COMBO].stages and TASKS[COMBO_WHITE].is_white


def test_a_genotype_says_all_of_a_task():
    options = {name: 0.0 for name in SPACE.names if name.endswith("level")} | {"noise": 0.3}
    options |= {f"stage{stage}.width": 0.5 for stage in (1, 2, 3)}
    options |= {"stage1.sin2d.level": 1.7, "stage1.sin2d.band": "low", "stage1.sin2d.local": "for all images"}
    options |= {"stage3.gdot.level": 0.5, "stage3.gdot.share": 0.75, "stage3.gdot.local": "for each image"}
    found = signals_of(SPACE.encode(options))
    assert found.noise == 0.3 and {stage.width for stage in found.stages} == {0.5}
    assert found.stages[0].bases == (Sin2D(level=1.7, local=False, band=BANDS["low"]),)
    assert found.stages[1].bases == () and found.stages[2].bases == (GDot(level=0.5, share=0.75),)


def test_every_task_of_the_space_can_be_drawn():
    for genotype in SPACE.sample(20, np.random.default_rng(0)):
        targets = signals_of(genotype).targets(IMAGES, 4, 0)
        assert len(targets) == 3 and all(torch.isfinite(target).all() for target in targets)
