import numpy as np
import pandas as pd
import pytest

from nastoolkit.published.nas_bench_mr import COSTS, FILE, nas_bench_mr


@pytest.fixture(scope="module")
def networks(data_folder):
    return nas_bench_mr(data_folder)


def test_the_code_of_a_network_is_its_genotype(networks, data_folder):
    row = pd.read_csv(data_folder / "nas-bench-mr" / FILE).iloc[2282]  # 64 channels, 2 modules and 2 units everywhere
    options = networks.space.decode(networks.genotypes[2282])
    assert set(options.values()) == {64, 2} and options["stage3.modules"] == 2 and options["stage4.branch2.width"] == 64
    assert networks.space.n_genes == 27 and len(np.unique(networks.genotypes, axis=0)) == len(networks.genotypes) == 2507
    assert networks.measured["seg_mIoU"][2282] == row["seg_mIoU"]


@pytest.mark.parametrize("name", COSTS)
def test_costs_are_those_of_all_published_networks_to_the_last_digit(networks, name):
    np.testing.assert_allclose(networks.cost(name, networks.genotypes), networks.costs[name], rtol=0, atol=1.1e-6)


def test_costs_of_others_are_counted(networks):
    options = networks.space.decode(networks.space.smallest)
    more = {**options, "stage2.branch1.width": 32, "stage2.branch1.units": 3, "stage2.modules": 2}
    fewer = {**more, "stage2.branch1.units": 2}
    params, mmacs = (
        [networks.cost(name, networks.space.encode(network))[0] for network in (more, fewer)] for name in ("params_m", "mmacs")
    )
    # a unit is two 3 x 3 convolutions, each with a normalisation of two parameters a channel; images have 32 x 32 pixels there
    assert params[0] - params[1] == pytest.approx(2 * 2 * (9 * 32**2 + 2 * 32) / 1e6, abs=2e-6)
    assert mmacs[0] - mmacs[1] == pytest.approx(2 * 2 * 9 * 32**2 * 32 * 32 / 1e6, rel=0.02)


def test_a_missing_column_is_told(data_folder, tmp_path):
    table = pd.read_csv(data_folder / "nas-bench-mr" / FILE, nrows=3)
    table.drop(columns="s3_width2").to_csv(tmp_path / FILE)
    with pytest.raises(ValueError, match=r"no columns \['s3_width2'\]; it has "):
        nas_bench_mr(tmp_path)


def test_a_missing_file_says_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no nas_bench_mr.csv in .*nas_bench_mr.py.*NASTOOLKIT_DATA=DIR"):
        nas_bench_mr()
