import numpy as np
import pytest

from nastoolkit.benchmarks.digits_mbv3_table import FILE, N_CALIBRATION, DigitsTable
from nastoolkit.benchmarks.members import members
from nastoolkit.families import FAMILIES
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import load_supernet
from nastoolkit.tasks import TASKS


@pytest.fixture(scope="module")
def table():
    return DigitsTable()


def test_it_is_a_small_file_of_a_large_part_of_the_space(table):
    assert table.space.size == 10_648 and sum(len(allowed) > 1 for allowed in table.space.allowed) == 15
    assert FILE.stat().st_size < 300_000
    assert table.space.fingerprint == FAMILIES["digits-mbv3"]().space.fingerprint


def test_costs_are_the_familys(table):
    family, genotypes = FAMILIES["digits-mbv3"](), members(table.space)
    np.testing.assert_array_equal(table.look_up("params", genotypes), family.params(genotypes))
    np.testing.assert_array_equal(table.look_up("mmacs", genotypes), family.macs(genotypes) / 1e6)
    latencies = table.look_up("latency_ms", genotypes)
    assert np.corrcoef(latencies, family.macs(genotypes))[0, 1] > 0.8 and latencies.min() > 0


def test_accuracies_are_those_of_the_embedded_supernet(table):
    supernet, genotypes = load_supernet("digits-mbv3"), table.space.sample(3, np.random.default_rng(0))
    assert table.conditions["weights"] == supernet.fingerprint
    for split, name in (("validation", "accuracy_top1"), ("test", "accuracy_test")):
        measured = Accuracy(supernet, TASKS["digits"](), split, N_CALIBRATION)(genotypes)[:, 0]
        np.testing.assert_allclose(table.look_up(name, genotypes), measured, atol=0.11)  # an image or two, on other machines


def test_validation_tells_of_test(table):
    genotypes = members(table.space)
    assert np.corrcoef(table.evaluate(genotypes)[:, 0], table.look_up("accuracy_test", genotypes))[0, 1] > 0.7


@pytest.mark.parametrize("cost", ["latency_ms", "mmacs", "params"])
def test_it_can_be_weighed_against_each_cost(cost):
    problem = DigitsTable(cost)
    assert [objective.name for objective in problem.objectives] == ["accuracy_top1", cost]
    inside = problem.history(members(problem.space)).values[:, 1] < problem.reference_point[1]
    assert inside.all() and len(problem.front) > 5
