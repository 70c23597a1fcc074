import numpy as np
import pytest

from nastoolkit.benchmarks.members import members
from nastoolkit.benchmarks.tables import Table
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace([Choice("depth", (1, 2)), Choice("kernel", (3, 5, 7)), Choice("second", (3, 5, 7), when=("depth", (2,)))])


class Small(Table):
    """Accuracy is the number of the row, and so is the cost: every network is on the front."""

    quality = (Objective("accuracy_top1", "max", "%"), -1.0)
    costs = {"mmacs": (Objective("mmacs", "min"), 100.0), "params": (Objective("params", "min"), 200.0)}

    def __init__(self, cost="mmacs", space=SPACE, genotypes=None):
        genotypes = members(space)[::-1] if genotypes is None else genotypes  # in another order than they are looked up
        number = np.arange(len(genotypes))
        super().__init__(space, genotypes, {"accuracy_top1": number, "mmacs": number, "params": 2 * number}, cost)


def test_members_are_all_subnetworks_once():
    genotypes = members(SPACE)
    assert len(genotypes) == SPACE.size == 12 and len(np.unique(genotypes, axis=0)) == 12
    np.testing.assert_array_equal(SPACE.canonical(genotypes), genotypes)
    np.testing.assert_array_equal(genotypes, genotypes[np.lexsort(genotypes.T[::-1])])


def test_members_of_a_restricted_space_use_what_is_left():
    space = SPACE.restrict({"kernel": (5,), "second": (5, 7)})
    np.testing.assert_array_equal(members(space), [[0, 1, 0], [1, 1, 1], [1, 1, 2]])


def test_rows_are_found_whatever_their_order():
    table, genotypes = Small(), members(SPACE)[::-1]
    shuffled = np.random.default_rng(0).permutation(12)
    np.testing.assert_array_equal(table.evaluate(genotypes[shuffled])[:, 0], shuffled)
    np.testing.assert_array_equal(table.look_up("params", genotypes[shuffled]), 2 * shuffled)
    assert table.evaluate(genotypes[3]).shape == (1, 1)


def test_dead_genes_do_not_matter():
    table = Small()
    np.testing.assert_array_equal(table.evaluate(np.array([[0, 1, 2]])), table.evaluate(np.array([[0, 1, 0]])))


def test_the_cost_is_a_choice():
    by_params = Small("params")
    assert [o.name for o in by_params.objectives] == ["accuracy_top1", "params"] and by_params.reference_point == (-1.0, 200.0)
    assert by_params.history(members(SPACE)[0]).values.tolist() == [[11, 22]]
    with pytest.raises(ValueError, match="unknown cost 'dollars'; known: mmacs, params"):
        Small("dollars")


def test_front_and_targets_follow_from_the_table():
    table = Small()
    assert len(table.front) == 12
    whole = table.front.hypervolume((-1.0, 100.0))
    assert table.targets == {f"{share}% of the front": pytest.approx(share / 100 * whole) for share in (90, 95, 99)}


@pytest.mark.parametrize("rows", [slice(1, None), [0, *range(11)]])
def test_a_table_is_complete(rows):
    with pytest.raises(ValueError, match="needs each of its sub-networks once"):
        Small(genotypes=members(SPACE)[rows])


def test_genotypes_of_another_part_of_the_space_are_refused():
    table = Small(space=SPACE.restrict({"kernel": (3, 5)}))
    with pytest.raises(ValueError, match="'kernel' that this restricted space leaves out"):
        table.evaluate(np.array([[0, 2, 0]]))
