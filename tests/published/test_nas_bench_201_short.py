import numpy as np
import pytest

from nastoolkit.published.nas_bench_201_short import FILE, nas_bench_201_short


def write(folder, *lines):
    (folder / FILE).write_text("\n".join(lines))
    return folder


def test_a_code_is_a_genotype(tmp_path):
    cells = nas_bench_201_short(write(tmp_path, "index,code,cifar10_val_12ep,flops_m", "0,000123,50.5,3", "1,421211,63.25,4"))
    assert cells.genotypes.tolist() == [[0, 0, 0, 1, 2, 3], [4, 2, 1, 2, 1, 1]]
    assert {name: values.tolist() for name, values in cells.measured.items()} == {"cifar10_val_12ep": [50.5, 63.25]}
    assert cells.space.decode(cells.genotypes[1])["node1.input0"] == "avg_pool_3x3"


def test_the_published_trainings_are_those_of_all_cells(data_folder):
    cells = nas_bench_201_short(data_folder)
    assert len(np.unique(cells.genotypes, axis=0)) == len(cells.genotypes) == cells.space.size == 15_625
    assert cells.measured["cifar10_test_12ep"][0] == 69.55 and cells.genotypes[0].tolist() == [4, 2, 1, 2, 1, 1]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["code,flops_m", "000000,3"], r"no codes or no accuracies; its columns are \['code', 'flops_m'\]"),
        (["code,a_12ep", "00000,3"], "'00000' is not a cell of NAS-Bench-201: it has six digits from 0 to 4"),
        (["code,a_12ep", "000005,3"], "'000005' is not a cell of NAS-Bench-201"),
        (["code,a_12ep", "000000,"], r"NaN or infinity among \['a_12ep'\]"),
    ],
)
def test_what_is_no_such_table_is_told(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        nas_bench_201_short(write(tmp_path, *lines))


def test_a_missing_file_says_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no nas_bench_201_mini.csv in .*nas_bench_201_short.py.*NASTOOLKIT_DATA=DIR"):
        nas_bench_201_short()
