import numpy as np
import pytest

from nastoolkit.systems.dna_family.blocks import cut, trained_alone
from nastoolkit.systems.dna_family.comparison import family_of
from nastoolkit.tasks import load_task
from nastoolkit.tasks.imitation import Teacher
from nastoolkit.training import Recipe

SIZES = {
    "image_size": 8,
    "stem": 4,
    "stem_stride": 1,
    "channels": [4, 6],
    "strides": [1, 2],
    "n_layers": [1, 2],
    "operations": ["mb1_k3", "mb2_k3", "mb2_k5"],
}


@pytest.fixture
def sizes():
    """Two stages with three layers of three operations."""
    return SIZES


@pytest.fixture
def problem(few_digits):
    """A task, its family, the family's two blocks, and a teacher of wider layers that is cut like them."""
    task, family = load_task("few"), family_of("few", SIZES)
    wide = family_of("few", {**SIZES, "operations": ["mb3_k3"]})
    network = trained_alone(wide, np.zeros(3, int), task, Recipe(3, 8, 0.01, seed=100))
    ends = ["stage1", "stage2"]
    blocks = cut(family, ends)
    return task, family, blocks, Teacher(network, task, blocks, ends, 30)
