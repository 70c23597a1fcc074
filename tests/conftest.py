import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("nastoolkit", deadline=None)  # a slow machine fails no test
settings.load_profile("nastoolkit")


@pytest.fixture(scope="session")
def data_folder():
    """Published measurements, which are no part of the repository: beside it, or where NASTOOLKIT_DATA points."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NASTOOLKIT_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"the published data are not at {folder}; set NASTOOLKIT_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def tiny():
    """A family of 400 networks for the digits that run in a few milliseconds."""
    from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family

    table = replace(
        DIGITS, depths=(1, 2), kernels=(3, 5), expands=(2, 4), stages=DIGITS.stages[:2], final_expand=48, feature_mix=32
    )
    return MobileNetV3Family("tiny", table)


@pytest.fixture(scope="session")
def narrow(tiny):
    """A family of two networks, whose blocks are soon timed."""
    return type(tiny)("narrow", replace(tiny.table, kernels=(3,), expands=(2,), stages=tiny.table.stages[:1]))


@pytest.fixture(scope="session")
def supernet_of():
    """Makes a supernet with random statistics, scales and biases too, as a trained one has them."""
    import torch

    from nastoolkit.supernet import Supernet

    def make(family, seed=0):
        supernet, generator = Supernet(family, seed=seed), torch.Generator().manual_seed(seed)
        for name, tensor in supernet.shared.state_dict().items():
            if name.endswith("running_mean"):
                tensor.uniform_(-0.2, 0.2, generator=generator)
            elif tensor.dim() == 1:
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif tensor.is_floating_point():
                tensor.mul_(2.0)  # as large behind the layer as before it
        return supernet

    return make
