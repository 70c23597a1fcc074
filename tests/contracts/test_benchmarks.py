"""What every entry of BENCHMARKS keeps; a new one is tested by being there."""

import pickle
import sys

import numpy as np
import pytest

from nastoolkit import pareto
from nastoolkit.benchmarks import BENCHMARKS, Benchmark
from nastoolkit.benchmarks.members import members
from nastoolkit.objectives import check_objectives, signs
from nastoolkit.studies import optimize

N = 300


SHIPPED = {"digits-mbv3-table"}  # the others are of published data


@pytest.fixture(scope="module", params=BENCHMARKS)
def problem(request):
    with pytest.MonkeyPatch.context() as patch:
        if request.param not in SHIPPED:
            patch.setenv("NASTOOLKIT_DATA", str(request.getfixturevalue("data_folder")))
        try:
            yield BENCHMARKS[request.param]()
        except FileNotFoundError as missing:
            pytest.skip(str(missing))


@pytest.fixture(scope="module")
def genotypes(problem):
    return problem.space.sample(N, np.random.default_rng(0))


def test_values_have_a_column_for_each_measured_objective(problem, genotypes):
    check_objectives(problem.objectives)
    measured = [objective for objective in problem.objectives if objective.exact is None]
    values = problem.evaluate(genotypes)
    assert values.shape == (N, len(measured)) and np.isfinite(values).all()
    history = problem.history(genotypes)
    assert history.values.shape == (N, len(problem.objectives)) and history.objectives == problem.objectives
    for column, objective in zip(history.values.T, problem.objectives, strict=True):
        expected = values[:, measured.index(objective)] if objective.exact is None else objective.exact(genotypes)
        np.testing.assert_array_equal(column, expected)


def test_a_value_is_its_genotypes_own(problem, genotypes):
    together = problem.history(genotypes).values
    alone = np.concatenate([problem.history(genotype).values for genotype in genotypes[:20]])
    np.testing.assert_allclose(alone, together[:20], rtol=1e-12)
    np.testing.assert_array_equal(problem.history(genotypes).values, together)


def test_it_is_the_same_in_another_process(problem, genotypes):
    copy = pickle.loads(pickle.dumps(problem))  # what a worker gets
    assert type(copy) is type(problem) and copy.space.size == problem.space.size
    np.testing.assert_array_equal(copy.history(genotypes).values, problem.history(genotypes).values)
    evaluate = pickle.loads(pickle.dumps(problem.evaluate))
    np.testing.assert_array_equal(evaluate(genotypes), problem.evaluate(genotypes))
    for objective in problem.objectives:
        if objective.exact is not None:
            exact = pickle.loads(pickle.dumps(objective.exact))
            np.testing.assert_array_equal(exact(genotypes), objective.exact(genotypes))


def test_the_reference_point_is_dominated_by_part_of_the_space(problem, genotypes):
    factors = signs(problem.objectives)
    better = (problem.history(genotypes).values * factors < np.array(problem.reference_point) * factors).all(axis=1)
    assert 0.1 < better.mean()
    assert problem.history(genotypes).hypervolume(problem.reference_point) > 0


def test_the_objectives_are_in_conflict(problem, genotypes):
    assert len(problem.history(genotypes).front()) > 3
    assert all(len(np.unique(column)) > 10 for column in problem.history(genotypes).values.T)


def test_targets_can_be_reached(problem, genotypes):
    assert all(value > 0 for value in problem.targets.values())
    if problem.front is not None:
        assert max(problem.targets.values(), default=0) <= problem.front.hypervolume(problem.reference_point) + 1e-9


def test_the_front_is_that_of_the_whole_space(problem):
    if problem.front is None:  # too large a space
        assert problem.space.size > 10**6
        return
    whole, factors = problem.history(members(problem.space)), signs(problem.objectives)
    assert len(whole) == problem.space.size
    np.testing.assert_array_equal(problem.front.values, problem.history(problem.front.genotypes).values)
    assert pareto.non_dominated(problem.front.values * factors).all()
    volumes = [history.hypervolume(problem.reference_point) for history in (whole, problem.front)]
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-12)


def test_searches_run_on_it(problem):
    history = optimize(problem.space, problem.evaluate, problem.objectives, "nsga2", 60, population=20, progress=False)
    assert len(history) == 60
    np.testing.assert_allclose(problem.history(history.genotypes).values, history.values, rtol=1e-12)


def test_the_registry_is_documented():
    for name, benchmark in BENCHMARKS.items():
        module = sys.modules[benchmark.__module__]
        assert issubclass(benchmark, Benchmark) and benchmark.__doc__
        assert module.__name__.endswith(f".{name.replace('-', '_')}") and "[" in module.__doc__
