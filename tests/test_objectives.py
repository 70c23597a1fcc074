import numpy as np
import pytest

from nastoolkit.objectives import Objective, check_objectives, complete, signs

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
    assert ACCURACY.label == "accuracy_top1 [%]" and DOUBLE.label == "double"


def test_objectives_that_make_no_sense():
    with pytest.raises(ValueError, match="'maximise'.*known: 'min', 'max'"):
        Objective("accuracy_top1", "maximise")
    for objectives in ([], [ACCURACY, ACCURACY]):
        with pytest.raises(ValueError, match="different names"):
            check_objectives(objectives)
