import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import optimize
from nastoolkit.search.nsga2 import NSGA2
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace([Choice(f"c{i}", tuple(range(4))) for i in range(12)])
WEIGHTS = np.random.default_rng(0).random((12, 4))


def values(genotypes):
    """``(n, 4)``; the front of the first two is every way to choose between them."""
    return np.stack([genotypes @ column for column in WEIGHTS.T], axis=1)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_evolution_gains_on_random_search(m):
    directions = ["max", "min", "max", "min"][:m]
    objectives = [Objective(f"f{i}", direction) for i, direction in enumerate(directions)]
    reference = [0.0 if direction == "max" else 25.0 for direction in directions]
    volumes = {
        name: np.median(
            [
                optimize(
                    SPACE, lambda g: values(g)[:, :m], objectives, name, 400, seed, progress=False, population=20
                ).hypervolume(reference)
                for seed in range(3)
            ]
        )
        for name in ("nsga2", "random")
    }
    assert volumes["nsga2"] > volumes["random"]


def test_it_starts_from_what_it_is_told():
    objectives = [Objective("f", "max")]
    best = np.full((1, 12), 3)
    search = NSGA2(SPACE, objectives, population=10)
    search.tell(best, np.array([[100.0]]))
    children = search.ask()
    assert (children == 3).mean() > 0.7 and not (children == 3).all(axis=1).any()
