import json
from itertools import pairwise, takewhile

import numpy as np
import pytest
from digits_table import Tree, in_tree_order, measure_all

from nastoolkit.benchmarks.digits_mbv3_table import N_CALIBRATION
from nastoolkit.benchmarks.members import members
from nastoolkit.measurements import Accuracy
from nastoolkit.tasks import TASKS

pytestmark = pytest.mark.slow


@pytest.fixture
def some(tiny):
    """Networks of a few trees that share blocks."""
    return members(tiny.space)[::40]


def test_the_tree_measures_what_accuracy_measures(tiny, some, supernet_of):
    supernet, task = supernet_of(tiny), TASKS["digits"]()
    tree = Tree(supernet, task)
    found = [tree.accuracies(genotype) for genotype in in_tree_order(supernet, some)]
    expected = [
        Accuracy(supernet, task, split, N_CALIBRATION)(in_tree_order(supernet, some))[:, 0] for split in ("validation", "test")
    ]
    np.testing.assert_array_equal(found, np.transpose(expected))


def test_in_the_trees_order_neighbours_share_most_blocks(tiny, supernet_of):
    def n_new(genotypes):
        plans = [tiny.plan(genotype) for genotype in genotypes]
        shared = [list(takewhile(lambda ab: ab[0] == ab[1], zip(*pair, strict=False))) for pair in pairwise(plans)]
        return sum(map(len, plans)) - sum(map(len, shared))

    genotypes = members(tiny.space)
    ordered = in_tree_order(supernet_of(tiny), genotypes)
    blocks = {tiny.plan(genotype)[:n] for genotype in genotypes for n in range(1, 11)}
    assert n_new(ordered) == len(blocks) < n_new(genotypes)
    np.testing.assert_array_equal(np.unique(ordered, axis=0), genotypes)


def test_a_killed_run_goes_on(tiny, some, supernet_of, tmp_path):
    supernet, task, file = supernet_of(tiny), TASKS["digits"](), tmp_path / "runs" / "table.jsonl"
    whole = measure_all(supernet, task, some, file)
    assert whole.shape == (len(some), 2)
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == len(some)
    first = json.loads(lines[0])
    lines[0] = json.dumps([first[0], [1.0, 2.0]]) + "\n"  # not measured again
    file.write_text("".join(lines[:4]) + lines[4][:9])  # the fifth was being written
    again = measure_all(supernet, task, some, file)
    (row,) = np.flatnonzero((some == first[0]).all(axis=1))
    assert again[row].tolist() == [1.0, 2.0]
    np.testing.assert_array_equal(np.delete(again, row, axis=0), np.delete(whole, row, axis=0))
