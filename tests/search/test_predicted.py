"""Full search, WeakNAS and LINAS with other inner searches, on 45 genes."""

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import EVOLUTIONARY
from nastoolkit.search.full import Full
from nastoolkit.search.linas import LINAS
from nastoolkit.search.weaknas import WeakNAS
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

SPACE = SearchSpace([Choice(f"block{i}", (3, 5, 7)) for i in range(20)])
GAIN, COST = np.random.default_rng(0).random((2, 60))
QUALITY = Objective("quality", "max")
LATENCY = Objective("latency_ms", "min", "ms", exact=lambda genotypes: SPACE.one_hot(genotypes) @ COST)


def measure(genotypes):
    return np.sqrt(SPACE.one_hot(genotypes) @ (GAIN * COST))


def search(name, objectives=(QUALITY, LATENCY), budget=120, **settings):
    return optimize(SPACE, measure, objectives, name, budget, progress=False, population=20, **settings)


@pytest.mark.parametrize("inner", EVOLUTIONARY)
def test_any_evolution_may_be_the_inner_search_of_linas(inner):
    bounded = [QUALITY, Objective("latency_ms", "min", "ms", exact=LATENCY.exact, at_most=9.0)]
    found, drawn = search("linas", bounded, inner=inner, generations=20), search("random", bounded)
    assert found.values[found.feasible, 0].max() > drawn.values[drawn.feasible, 0].max()


def test_full_search_fits_once_to_its_sample_and_measures_what_it_predicts_best():
    full = Full(SPACE, [QUALITY, LATENCY], population=20, sample=50, generations=20)
    asked = []
    for _ in range(5):
        asked.append(full.ask())
        full.tell(asked[-1], np.stack([measure(asked[-1]), LATENCY.exact(asked[-1])], axis=1))
    drawn = optimize(SPACE, measure, [QUALITY, LATENCY], "random", 60, population=20, progress=False)
    np.testing.assert_array_equal(np.concatenate(asked[:3]), drawn.genotypes)
    reference = (0.0, 14.0)
    volumes = [search("full", budget=n, sample=50, generations=20).hypervolume(reference) for n in (60, 80, 120)]
    assert volumes[1] > 1.02 * volumes[0] and volumes[2] >= volumes[1] > drawn.hypervolume(reference)


def test_weaknas_draws_from_the_predicted_best_of_its_pool():
    weak = WeakNAS(SPACE, [QUALITY], population=20, pool=400, top=40, predictor="ridge")
    pool = {row.tobytes() for row in weak._pool}
    first = weak.ask()
    weak.tell(first, measure(first)[:, None])
    second = weak.ask()
    assert {row.tobytes() for row in np.concatenate([first, second])} <= pool
    left = np.array([np.frombuffer(key, dtype=np.int64) for key in pool - {row.tobytes() for row in first}])
    threshold = np.sort(weak._predict(left)[:, 0])[-40]
    assert (weak._predict(second)[:, 0] >= threshold).all() and measure(second).mean() > measure(first).mean()


def test_weaknas_looks_for_one_network_between_two_costs():
    costs = LATENCY.exact(SPACE.sample(1000, np.random.default_rng(1)))
    low, high = np.quantile(costs, (0.7, 0.8))
    within = [QUALITY, Objective("latency_ms", "min", "ms", exact=LATENCY.exact, at_least=low, at_most=high)]
    one, two = (search("weaknas", within, pool=400, top=40, single_objective=alone) for alone in (True, False))
    assert one.feasible.all() and two.feasible.all() and one.values[:, 0].mean() > two.values[:, 0].mean()
    few = WeakNAS(SPACE, [QUALITY, Objective("latency_ms", "min", exact=LATENCY.exact, at_most=0.0)], pool=10)
    assert len(few._pool) == 0 and len(few.ask()) == 50


def test_weaknas_gains_on_chance():
    assert search("weaknas", pool=1000, top=100).hypervolume((0.0, 14.0)) > search("random").hypervolume((0.0, 14.0))


@pytest.mark.parametrize(
    ("algorithm", "settings", "message"),
    [
        (LINAS, {"inner": "linas"}, r"unknown inner search 'linas'; known: \['agemoea'"),
        (LINAS, {"inner": "ga"}, r"GA optimises \['quality'\] only; \['latency_ms'\] need a bound"),
        (Full, {"sample": 1}, "sample must be at least 2, got 1"),
        (Full, {"generations": 0}, "generations must be at least 1, got 0"),
        (WeakNAS, {"top": 0}, "top must be at least 1, got 0"),
    ],
)
def test_settings_that_make_no_sense(algorithm, settings, message):
    with pytest.raises(ValueError, match=message):
        algorithm(SPACE, [QUALITY, LATENCY], **settings)
