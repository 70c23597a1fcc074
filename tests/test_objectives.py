from dataclasses import replace

import numpy as np
import pytest

from nastoolkit.objectives import Objective, check_objectives, complete, signs, violations

ACCURACY = Objective("accuracy_top1", "max", unit="%")
DOUBLE = Objective("double", "min", exact=lambda genotypes: 2 * genotypes[:, 0])
LATENCY = Objective("latency_ms", "min", unit="ms")


def test_exact_columns_are_computed_and_measured_ones_keep_their_order():
    genotypes = np.array([[1, 0], [2, 0], [3, 0]])
    measured = np.array([[70.0, 5.0], [71.0, 6.0], [72.0, 7.0]])
    values = complete([ACCURACY, DOUBLE, LATENCY], genotypes, measured)
    np.testing.assert_array_equal(values, [[70, 2, 5], [71, 4, 6], [72, 6, 7]])
    np.testing.assert_array_equal(complete([DOUBLE], genotypes, np.empty((3, 0))), [[2], [4], [6]])


@pytest.mark.parametrize("values", [np.zeros((3, 1)), np.zeros(2), np.array([1, np.nan, 2])])
def test_an_exact_objective_must_give_a_finite_number_a_genotype(values):
    broken = Objective("broken", "min", exact=lambda genotypes: values)
    with pytest.raises(ValueError, match="'broken' must give 3 finite numbers"):
        complete([broken], np.zeros((3, 2), dtype=int), np.empty((3, 0)))


def test_signs_and_labels():
    np.testing.assert_array_equal(signs([ACCURACY, DOUBLE, LATENCY]), [-1, 1, 1])
    assert ACCURACY.label == "accuracy (top-1, %)" and DOUBLE.label == "double"


def test_violations_are_shares_of_the_bounds():
    objectives = [ACCURACY, replace(LATENCY, at_most=30.0), Objective("gain", "max", at_least=0.0, at_most=2.0)]
    values = np.array([[1, 30, 0], [1, 33, 2], [1, 27, -0.5], [1, 60, 4]])
    np.testing.assert_allclose(violations(objectives, values), [0, 0.1, 0.5, 2])
    assert [o.is_bounded for o in objectives] == [False, True, True]
    assert [o.bounds for o in objectives] == ["", "latency_ms <= 30.0", "gain >= 0.0 and gain <= 2.0"]


def test_objectives_that_make_no_sense():
    for bounds in ({"at_most": np.nan}, {"at_least": -np.inf}, {"at_least": 2.0, "at_most": 1.0}):
        with pytest.raises(ValueError, match="'latency_ms' cannot be at least .* and at most"):
            replace(LATENCY, **bounds)
    with pytest.raises(ValueError, match="'maximise'.*known: 'min', 'max'"):
        Objective("accuracy_top1", "maximise")
    for objectives in ([], [ACCURACY, ACCURACY]):
        with pytest.raises(ValueError, match="different names"):
            check_objectives(objectives)
