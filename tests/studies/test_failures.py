"""Searches of which many sub-networks cannot be measured: too large ones, those with an option, or any."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nastoolkit.families import FAMILIES
from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.search.feasibility import PRIOR_VARIANCES, Feasibility
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import Running, optimize
from nastoolkit.studies.failures import EvaluationError

SPACE = SearchSpace(Choice(f"stage{i // 3}.block{i}.{'expand' if i % 3 else 'kernel'}", (3, 5, 7)) for i in range(12))
GAIN, COST = np.random.default_rng(3).integers(5, 20, (2, 12))
QUICK = {
    "linas": {"generations": 10},
    "full": {"generations": 10, "sample": 20},
    "nat": {"generations": 4, "predictor": "ridge"},
    "weaknas": {"pool": 500, "top": 50, "predictor": "ridge"},
}

pytestmark = pytest.mark.filterwarnings("ignore:.* evaluations failed", "ignore:no measured sub-network")


def size(genotypes):
    return (genotypes + 1.0) @ COST


def accuracy(genotypes):
    return 50 + np.sqrt((genotypes + 1.0) @ GAIN)


def at_the_optimum(share):
    return lambda genotypes: size(genotypes) > np.quantile(size(SPACE.sample(4000, np.random.default_rng(0))), 1 - share)


def at_the_other_end(genotypes):
    return size(genotypes) < np.quantile(size(SPACE.sample(4000, np.random.default_rng(0))), 0.3)


def by_option(genotypes):
    return genotypes[:, 4] == 2


def at_random(genotypes):
    return (genotypes @ 7919 ** np.arange(12) % 1009) % 10 < 4


NAMES = ["at the optimum", "at the other end", "by option", "at random"]


def search(fails, algorithm="default", budget=60, evaluate=None, space=SPACE, **settings):
    """By accuracy, which is measured unless ``fails``, and by size, which is exact, with a bound where it must have one."""
    bound = 320.0 if algorithm in ALGORITHMS and ALGORITHMS[algorithm].n_goals[1] == 1 else None
    objectives = [Objective("accuracy", "max"), Objective("size", "min", exact=size, at_most=bound)]
    measure = evaluate or (lambda genotypes: np.where(fails(genotypes), np.nan, accuracy(genotypes)))
    settings = {"population": 10, "progress": False} | QUICK.get(algorithm, {}) | settings
    return optimize(space, measure, objectives, algorithm, budget, **settings)


def assert_same(one, other):
    np.testing.assert_array_equal(one.genotypes, other.genotypes)
    assert one.values.tobytes() == other.values.tobytes()


@pytest.mark.parametrize(
    "fails", [at_the_optimum(0.5), at_the_other_end, by_option, at_random], ids=lambda fails: fails.__name__
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_spends_its_budget(algorithm, fails):
    history = search(fails, algorithm, 30)
    assert len(history) == 30 == len(np.unique(history.genotypes, axis=0))
    np.testing.assert_array_equal(history.failed, fails(history.genotypes))


@pytest.mark.parametrize("algorithm", ["linas", "full", "weaknas", "nat"])
def test_those_that_predict_lose_less_than_chance(algorithm):
    history = search(at_the_optimum(0.5), algorithm, 80)
    assert history.failed.sum() < 0.6 * search(at_the_optimum(0.5), "random", 80).failed.sum()


@pytest.mark.slow
@pytest.mark.parametrize(("share", "seed"), [(0.1, 0), (0.3, 1), (0.5, 0)])
def test_the_default_loses_a_fifth_at_most_and_finds_the_front_of_what_can_be_measured(share, seed):
    fails, reference = at_the_optimum(share), (50.0, 500.0)
    history = search(fails, budget=100, seed=seed, population=50)
    bound = np.quantile(size(SPACE.sample(4000, np.random.default_rng(0))), 1 - share)
    objectives = [Objective("accuracy", "max"), Objective("size", "min", exact=size, at_most=bound)]
    restricted = optimize(SPACE, accuracy, objectives, budget=100, seed=seed, progress=False)
    assert history.failed.sum() <= 20
    assert history.hypervolume(reference) > 0.99 * restricted.hypervolume(reference)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "seed"), [(0.1, 0), (0.3, 0), (0.5, 1)])
def test_the_default_loses_a_fifth_at_most_of_a_space_of_several_roles(share, seed):
    family = FAMILIES["digits-mbv3"]()
    too_large = np.quantile(family.params(family.space.sample(5000, np.random.default_rng(0))), 1 - share)

    def evaluate(genotypes):
        params = family.params(genotypes)
        return np.where(params > too_large, np.nan, -((params / 1e3 - 300) ** 2) / 1e3)

    objectives = [Objective("accuracy", "max"), Objective("mmacs", "min", exact=family.mmacs)]
    history = optimize(family.space, evaluate, objectives, budget=150, seed=seed, progress=False)
    assert history.failed.sum() <= 30


@pytest.mark.slow
def test_the_default_learns_which_option_fails():
    history = search(by_option, budget=100)
    restricted = search(by_option, budget=100, space=SPACE.restrict({SPACE.names[4]: (3, 5)}))
    assert history.failed.sum() <= 10
    assert history.hypervolume((50.0, 500.0)) > 0.995 * restricted.hypervolume((50.0, 500.0))


@pytest.mark.parametrize("algorithm", ["default", "nsga2", "linas"])
def test_a_generation_that_fails_as_a_whole_ends_no_search(algorithm):
    measured = []

    def evaluate(genotypes):
        measured.append(genotypes.tobytes())
        return np.where(10 <= measured.index(genotypes.tobytes()) < 25, np.nan, accuracy(genotypes))

    history = search(None, algorithm, 30, evaluate, executor=Running(chunk_size=1))
    assert history.failed[10:20].all() and not history.failed[-5:].any() and len(history) == 30 < len(measured)


def test_a_measurement_that_breaks_ends_the_search():
    measured = []

    def evaluate(genotypes):
        measured.append(genotypes)
        return np.where(len(measured) > 20, np.nan, accuracy(genotypes))

    with pytest.raises(EvaluationError, match="10 of the last 10 evaluations failed"):
        search(None, "nsga2", evaluate=evaluate, executor=Running(chunk_size=1))
    assert len(measured) == 20 + 10 + 3


@pytest.mark.parametrize("algorithm", ["default", "linas", "nsga2"])
def test_failures_are_replayed_to_the_same_search(tmp_path, algorithm):
    fails, store = at_the_optimum(0.5), tmp_path / "a.sqlite"

    def interrupted(genotypes, seen=[]):  # noqa: B006
        seen.extend(genotypes)
        if len(seen) == 20:
            raise KeyboardInterrupt
        return np.where(fails(genotypes), np.nan, accuracy(genotypes))

    undisturbed = search(fails, algorithm, 30)
    with pytest.raises(KeyboardInterrupt):
        search(None, algorithm, 30, interrupted, store=store)
    assert_same(search(fails, algorithm, 30, store=store), undisturbed)
    assert_same(search(None, algorithm, 30, evaluate=lambda genotypes: 1 / 0, store=store), undisturbed)


def test_an_asynchronous_search_learns_from_failures_too():
    with ThreadPoolExecutor(1) as executor:
        history = search(at_the_optimum(0.5), budget=25, executor=Running(executor=executor, in_flight=1))
    assert_same(history, search(at_the_optimum(0.5), budget=25))


def known_to_fail(fails, n=60):
    rng = np.random.default_rng(1)
    genotypes, others = SPACE.sample(n, rng), SPACE.sample(500, rng)
    feasibility = Feasibility(SPACE)
    feasibility.add_failed(genotypes[fails(genotypes)])
    feasibility.fit(genotypes[~fails(genotypes)], values)
    return feasibility, others, feasibility.chances(others, values(others))


def values(genotypes):
    return np.stack([accuracy(genotypes), size(genotypes)], axis=1)


@pytest.mark.parametrize("fails", [at_the_optimum(0.5), at_the_other_end, by_option], ids=NAMES[:3])
def test_chances_tell_what_fails_from_what_does_not(fails):
    feasibility, others, chances = known_to_fail(fails)
    assert ((chances < 0.5) == fails(others)).mean() > 0.9
    np.testing.assert_array_equal(feasibility.risks(others, values(others)) > 0, chances < feasibility._least)


def test_failures_that_nothing_explains_are_blamed_on_nothing():
    feasibility, _, chances = known_to_fail(at_random)
    assert feasibility._model.C == PRIOR_VARIANCES[0] and np.ptp(chances) < 0.2
    assert not feasibility.risks(SPACE.largest[None], values(SPACE.largest[None])).any()


def test_without_failures_all_may_be_measured():
    feasibility, others, chances = known_to_fail(lambda genotypes: np.zeros(len(genotypes), dtype=bool))
    assert (chances == 1).all() and feasibility.caution == 1
    nothing_works, others, chances = known_to_fail(lambda genotypes: np.ones(len(genotypes), dtype=bool))
    assert (chances == 1).all() and not nothing_works.risks(others, values(others)).any()
