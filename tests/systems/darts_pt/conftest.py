import pytest

from nastoolkit.benchmarks import CellsProblem
from nastoolkit.supernets import Supernet
from nastoolkit.systems.darts_pt import Darts
from nastoolkit.training import Recipe


@pytest.fixture
def problem_of(few_digits):
    """Cells of two channels that choose between an operation without weights and convolutions."""

    def problem_of(first):
        sizes = {"image_size": 8, "channels": 2, "n_cells": 1, "n_stages": 1, "n_judged": 1}
        return CellsProblem(task_name="few", truth="alone", operations=[first, "sep_conv_3x3"], **sizes)

    return problem_of


@pytest.fixture
def search_of(problem_of):
    """A search that has not begun."""

    def search_of(first="noise", rate=0.1):
        given, recipe = problem_of(first), Recipe(8, 8, 0.1, seed=100, optimizer="sgd", warm_up=0.0)
        return Darts(Supernet(given.family, seed=100), given.task, recipe, rate, 40)

    return search_of
