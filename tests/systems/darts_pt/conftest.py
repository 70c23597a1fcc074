import pytest

from nastoolkit.supernets import Supernet
from nastoolkit.systems.darts_pt import Darts
from nastoolkit.systems.darts_pt.comparison import family_of
from nastoolkit.tasks import load_task
from nastoolkit.training import Recipe


@pytest.fixture
def sizes_of(few_digits):
    """Cells of two channels that choose between an operation without weights and convolutions."""
    return lambda first: {
        "image_size": 8,
        "channels": 2,
        "n_cells": 1,
        "n_stages": 1,
        "operations": [first, "sep_conv_3x3"],
    }


@pytest.fixture
def search_of(sizes_of):
    """A search that has not begun."""

    def search_of(first="noise", rate=0.1):
        task, recipe = load_task("few"), Recipe(8, 8, 0.1, seed=100, optimizer="sgd", warm_up=0.0)
        return Darts(Supernet(family_of(task, sizes_of(first)), seed=100), task, recipe, rate, 40)

    return search_of
