"""A problem without networks, with the methods of those that the notebooks search."""

import numpy as np
import pytest

from nastoolkit.benchmarks.supernet_problem import MACS
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.systems.hardware_aware_nas import concurrent, past_searches, warm_start

WEIGHTS = {MACS: np.ones(6), "old": np.array([1.0, 2, 3, 1, 2, 3]), "new": np.array([3.0, 2, 1, 3, 2, 1])}


class Toy:
    """Sums of six genes as qualities, and weighted sums as costs; judged by qualities that are lower by one."""

    space = SearchSpace([Choice(f"kernel{i}", (3, 5, 7), kind="kernel") for i in range(6)])
    quality = Objective("accuracy_top1", "max", "%")

    def cost(self, name):
        return Objective("cost", "min", exact=lambda genotypes: genotypes @ WEIGHTS[name])

    def accuracy(self, genotypes):
        return (genotypes + 0.1 * genotypes**2).sum(axis=1, keepdims=True)

    def search(self, cost, algorithm, budget, seed, space=None, **settings):
        objectives = [self.quality, self.cost(cost)]
        return optimize(space or self.space, self.accuracy, objectives, algorithm, budget, seed, progress=False, **settings)

    def judged(self, histories):
        return [History(h.space, h.objectives, h.genotypes, h.values - [1.0, 0.0]) for h in histories]


@pytest.fixture
def toy(monkeypatch):
    """The problem, and whatever values ask for a problem get it."""
    problem = Toy()
    for module in (concurrent, past_searches, warm_start):
        monkeypatch.setattr(module, "problem_from", lambda argument: problem)
    return problem
