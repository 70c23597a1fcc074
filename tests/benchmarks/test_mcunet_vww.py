import numpy as np
import pytest

from nastoolkit.benchmarks.mcunet_vww import MCUNetVWW, RidgeByScale
from nastoolkit.predictors import kendall_tau, splits
from nastoolkit.published import mcunet_vww


@pytest.fixture(scope="module")
def problem(data_folder):
    return MCUNetVWW(folder=data_folder)


@pytest.fixture(scope="module")
def measured(data_folder):
    return mcunet_vww(data_folder)


def test_the_predictors_error_is_the_stated_one(measured):
    (unseen, others), *_ = splits(len(measured.genotypes), 10_000, 1)
    truth = measured.accuracy_top1[unseen]
    fitted = RidgeByScale(measured.family.space).fit(measured.genotypes[others], measured.accuracy_top1[others])
    predicted = fitted.predict(measured.genotypes[unseen])
    assert np.sqrt(np.mean((predicted - truth) ** 2)) == pytest.approx(MCUNetVWW.rmse, abs=2e-3)
    assert kendall_tau(predicted, truth) == pytest.approx(MCUNetVWW.tau, abs=2e-3)


def test_measured_networks_have_what_was_measured(problem, measured):
    np.testing.assert_array_equal(problem.evaluate(measured.genotypes[:500])[:, 0], measured.accuracy_top1[:500])


def test_others_have_what_is_predicted_of_them(problem, measured):
    near = measured.genotypes[:200].copy()
    gene = problem.space.names.index("stage6.block1.expand")
    near[:, gene] = (near[:, gene] + 1) % 3
    assert np.abs(problem.evaluate(near)[:, 0] - measured.accuracy_top1[:200]).max() < 1.2


def test_a_width_that_nobody_measured_is_left_out(problem):
    assert [problem.space.choices[1].options[option] for option in problem.space.allowed[1]] == [0.5, 0.75]


@pytest.mark.parametrize(("cost", "ends"), [("mmacs", [7.237104, 204.71064]), ("peak_kib", [72, 750])])
def test_the_ends_of_the_costs(data_folder, cost, ends):
    problem = MCUNetVWW(cost, data_folder)
    assert problem.objectives[1].exact(np.stack([problem.space.smallest, problem.space.largest])).tolist() == ends


def test_an_unknown_cost_is_told():
    with pytest.raises(ValueError, match="unknown cost 'latency_ms'; known: mmacs, peak_kib"):
        MCUNetVWW("latency_ms")
