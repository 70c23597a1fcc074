"""The authors' searches: generation by generation what their operators give under the versions that they used."""

import json
from pathlib import Path

import numpy as np
import pytest

from nastoolkit import BENCHMARKS
from nastoolkit.systems.ofa_squared.authors import GENES, AuthorsProblem, hypervolumes
from nastoolkit.systems.ofa_squared.authors_selection import SELECTIONS

GOLDEN = json.loads((Path(__file__).parent / "authors_trace.json").read_text())["hypervolumes"]


@pytest.fixture(scope="module")
def note10(data_folder):
    return AuthorsProblem(BENCHMARKS["ofa-mbv3-note10"](data_folder))


@pytest.mark.parametrize("algorithm", SELECTIONS)
def test_fifty_generations_are_those_of_pymoo_0_6_0_1(algorithm, note10):
    expected = GOLDEN[algorithm]
    assert f"{expected[0]:.4f}" == "555.6247"  # as the authors' notebook prints it
    np.testing.assert_allclose(hypervolumes(note10, algorithm, 1, len(expected)), expected, rtol=1e-12)


def test_genes_of_absent_blocks_do_not_count(note10):
    genomes = np.random.default_rng(0).integers(0, 3, (20, len(GENES)))
    genomes[:, 40:45] = 0  # the least depth: the third and fourth block of every stage are absent
    others = genomes.copy()
    others[:, [2, 3, 22, 23]] = 2 - others[:, [2, 3, 22, 23]]
    np.testing.assert_array_equal(note10.costs(others), note10.costs(genomes))
