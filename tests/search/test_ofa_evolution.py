import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

SPACE = SearchSpace([Choice(f"block{i}", (3, 5, 7)) for i in range(20)])
GAIN, COST = np.random.default_rng(0).random((2, 20))


def search(latency, name="ofa_evolution"):
    evaluate = (lambda g: g @ GAIN) if latency.exact else (lambda g: np.stack([g @ GAIN, g @ COST], axis=1))
    return optimize(SPACE, evaluate, [Objective("accuracy", "max"), latency], name, 400, population=40, progress=False)


def test_exact_bounds_are_kept_before_anything_is_measured():
    latency = Objective("latency_ms", "min", "ms", exact=lambda g: g @ COST, at_most=8.0)
    history = search(latency)
    assert history.feasible.all()
    assert history.values[:, 0].max() > 1.1 * search(latency, "random").front().values[0, 0]


def test_measured_bounds_are_learnt():
    history = search(Objective("latency_ms", "min", "ms", at_most=8.0))
    assert history.feasible[-100:].mean() > 2 * history.feasible[:40].mean()
    assert history.front().values[0, 0] > history[:40].front().values[0, 0]
