import numpy as np
import pytest

from nastoolkit.published import nas_bench_macro


@pytest.fixture(scope="module")
def networks(data_folder):
    return nas_bench_macro(data_folder)


def test_every_network_is_there_once(networks):
    assert networks.space.size == 3**8 == len(networks.genotypes) == len(np.unique(networks.genotypes, axis=0))
    assert networks.accuracy_top1.shape == (6561, 3) and networks.params.shape == networks.macs.shape == (6561,)


@pytest.mark.parametrize(
    ("digits", "mean_accuracy", "params", "macs"),
    [("22212220", 93.1267, None, None), ("00000000", 45.3633, 387_882, 7_713_280), ("22222222", None, 2_932_586, 105_660_928)],
)
def test_known_networks(networks, digits, mean_accuracy, params, macs):
    (row,) = np.flatnonzero((networks.genotypes == list(map(int, digits))).all(axis=1))
    assert mean_accuracy is None or networks.accuracy_top1[row].mean() == pytest.approx(mean_accuracy, abs=1e-4)
    assert params is None or (networks.params[row], networks.macs[row]) == (params, macs)


def test_the_ranges(networks):
    means = networks.accuracy_top1.mean(axis=1)
    assert (means.argmax(), means.argmin()) == tuple(
        np.flatnonzero((networks.genotypes == list(map(int, digits))).all(axis=1)).item() for digits in ("22212220", "0" * 8)
    )
    assert (networks.params.min(), networks.params.max()) == (387_882, 2_932_586)
    assert (networks.macs.min(), networks.macs.max()) == (7_713_280, 105_660_928)


def test_an_identity_costs_less_than_a_block(networks):
    space = networks.space
    assert space.decode(networks.genotypes[0]).keys() == {f"layer{i}" for i in range(1, 9)}
    assert space.encode(dict.fromkeys(space.names, "mbconv_e6_k5")).tolist() == [2] * 8
