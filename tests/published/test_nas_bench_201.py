import csv

import numpy as np
import pytest

from nastoolkit.benchmarks.members import members
from nastoolkit.benchmarks.nas_bench_201 import NASBench201
from nastoolkit.published.nas_bench_201 import EDGES, OPERATIONS, encode_cell, nas_bench_201
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace(Choice(edge, OPERATIONS) for edge in EDGES)
HEADER = ["architecture", "valid-accuracy", "test-accuracy", "flops", "params"]


def cell(genotype):
    a, b, c, d, e, f = (OPERATIONS[gene] for gene in genotype)
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


def numbers(genotype):
    """Invented ones of the right size: a convolution costs and helps."""
    threes, ones = sum(gene == 3 for gene in genotype), sum(gene == 2 for gene in genotype)
    return [60 + 4 * threes + 2 * ones, 59 + 4 * threes + 2 * ones, 8 + 33.75 * threes + 3.75 * ones, 0.1 + 0.2 * threes]


def write(file, genotypes, header=HEADER):
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([header, *([cell(genotype), *numbers(genotype)] for genotype in genotypes)])
    return file


def test_a_table_is_read(tmp_path):
    genotypes = SPACE.sample(20, np.random.default_rng(0))
    cells = nas_bench_201(write(tmp_path / "mine.csv", genotypes))
    np.testing.assert_array_equal(cells.genotypes, genotypes)
    found = np.stack([cells.accuracy_validation, cells.accuracy_test, cells.mmacs, cells.params], axis=1)
    np.testing.assert_allclose(found, [numbers(genotype) for genotype in genotypes])


def test_a_cell_names_the_operations_of_its_edges():
    genotype = encode_cell(SPACE, "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|")
    assert SPACE.decode(genotype) == {
        "node1.input0": "nor_conv_3x3",
        "node2.input0": "none",
        "node2.input1": "avg_pool_3x3",
        "node3.input0": "skip_connect",
        "node3.input1": "nor_conv_1x1",
        "node3.input2": "none",
    }


@pytest.mark.parametrize("text", ["", "|none~0|", "|none~0|+|none~0|none~0|+|none~0|none~1|none~2|"])
def test_what_is_no_cell(text):
    with pytest.raises(ValueError, match="is not a cell of NAS-Bench-201"):
        encode_cell(SPACE, text)


def test_an_unknown_operation():
    with pytest.raises(ValueError, match="'node1.input0' has no option 'dil_conv'"):
        encode_cell(SPACE, "|dil_conv~0|+|none~0|none~1|+|none~0|none~1|none~2|")


def test_a_missing_column_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"no columns \['params'\]; it has \['architecture'"):
        nas_bench_201(write(tmp_path / "mine.csv", [], HEADER[:-1]))


def test_a_missing_file_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no nas-bench-201.csv in .*nas_bench_201.py.*NASTOOLKIT_DATA=DIR"):
        nas_bench_201()


@pytest.mark.parametrize("cost", ["mmacs", "params_m"])
def test_the_benchmark_is_the_whole_table(tmp_path, monkeypatch, cost):
    (tmp_path / "nas-bench-201").mkdir()
    genotypes = np.random.default_rng(0).permutation(members(SPACE))
    write(tmp_path / "nas-bench-201" / "nas-bench-201.csv", genotypes)
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    problem = NASBench201(cost)
    assert problem.space.size == 15_625
    values = problem.history(genotypes[:50]).values
    np.testing.assert_allclose(values, [[numbers(g)[0], numbers(g)[2 if cost == "mmacs" else 3]] for g in genotypes[:50]])
    assert problem.front.values[-1].tolist() == pytest.approx([60, 8] if cost == "mmacs" else [72, 0.1])
