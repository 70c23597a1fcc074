"""What every entry of BACKENDS keeps; a new one is tested by being there.

The compiler takes most of a minute for each network and has one test of its own.
"""

import shutil
import sys
import warnings
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.blocks import Conv
from nastoolkit.families import FAMILIES
from nastoolkit.latency import BACKENDS, LookupTable, contexts, measure
from nastoolkit.latency.contexts import covering_genotypes

NARROW, WIDE = (Conv(channels, channels, 3, 1, 24, "relu") for channels in (8, 240))  # far apart: others may interrupt
TELLS_BLOCKS = {"torch", "onnxruntime", "onnxruntime-int8", "openvino", "openvino-int8"}  # of networks that are chains
TOLERANCE = {"onnxruntime-int8": 0.5, "openvino-int8": 0.5, "cuda": 1e-2}


@pytest.fixture(params=[name for name in BACKENDS if name != "torch-compile"])
def backend(request):
    try:
        BACKENDS[request.param](nn.Linear(2, 2), torch.randn(1, 2), 1)
    except ValueError as error:
        pytest.skip(str(error))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*the machine is not quiet")
        yield request.param


@pytest.fixture(scope="module", params=["tiny", "number-words-transformer"])
def case(request, tiny):
    """A network, its inputs, the names of its blocks, and its runners by backend, as making one may take seconds."""
    family = tiny if request.param == "tiny" else FAMILIES[request.param]()
    genotype = family.space.largest
    names = [name for name, _ in family.plan(genotype)]
    network, inputs = family.build(genotype), family.example_inputs(genotype, n=2)
    return network, inputs, names, cache(lambda backend: BACKENDS[backend](network, inputs, 1))


def test_it_runs_what_the_network_computes(backend, case):
    network, inputs, _, runner_of = case
    with torch.no_grad():
        expected = network.eval()(inputs).numpy()
    outputs = runner_of(backend)()
    (outputs,) = outputs if isinstance(outputs, list) else (outputs.cpu().numpy(),)
    np.testing.assert_allclose(outputs, expected, atol=TOLERANCE.get(backend, 1e-4) * np.abs(expected).max())


def test_it_tells_what_it_is_and_how_long_it_took(backend, case):
    runner = case[-1](backend)
    assert all(isinstance(fact, str) and fact for fact in (runner.precision, runner.library, runner.device))
    assert runner.elapsed_ms() > 0 and runner.threads == 1


def test_blocks_share_the_time_of_the_network_or_it_is_said_that_they_cannot_be_told(backend, case):
    network, _, names, runner_of = case
    shares = runner_of(backend).block_shares(names, n_runs=4)
    assert (shares is not None) == (backend in TELLS_BLOCKS and (backend == "torch" or isinstance(network, nn.Sequential)))
    if shares is not None:
        assert shares.shape == (len(names),) and shares.sum() == pytest.approx(1)
        assert (shares >= 0).all() and (shares > 0).sum() >= len(names) - 2  # some are fused into others
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_wide_block_has_a_greater_share_than_a_narrow_one_beside_it(backend):
    network = nn.Sequential(NARROW.build(), nn.Conv2d(8, 240, 1), WIDE.build())
    shares = BACKENDS[backend](network, torch.randn(4, *NARROW.input_shape), 1).block_shares(["0", "1", "2"], n_runs=5)
    assert shares is None or shares[2] > shares[0]


def test_a_wide_network_takes_longer_than_a_narrow_one(backend):
    batches = {spec: torch.randn(4, *spec.input_shape) for spec in (NARROW, WIDE)}
    narrow, wide = (measure(spec.build(), batch, backend=backend, seconds=0.05) for spec, batch in batches.items())
    assert 0 < narrow.median_ms < wide.median_ms


def test_a_table_is_made_and_holds_for_its_backend(backend, narrow):
    table = LookupTable.measure(narrow, backend, batch_size=2, n_contexts=2, progress=False)
    assert table.conditions["backend"] == backend and set(table.timings) == set(narrow.block_specs)
    check = table.validate(2, seconds=0.05, progress=False)
    assert (check.table_ms > 0).all() and (check.measured_ms > 0).all() and np.isfinite(check.clock_percent)


def test_the_blocks_of_a_table_add_up_to_the_network(backend, narrow, monkeypatch):
    (genotype,) = covering_genotypes(narrow, 1, np.random.default_rng(0))
    monkeypatch.setattr(contexts, "steady", lambda times: np.full(len(times()), 2.5))  # times the reference's, whoever is busy
    table = LookupTable.measure(narrow, backend, n_contexts=1, progress=False)
    assert table.latency_ms(genotype) == pytest.approx(2.5 * table.reference_ms)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="PyTorch's compiler needs a C++ compiler")
def test_the_compiler_runs_what_the_network_computes():
    network, inputs = nn.Sequential(NARROW.build(), nn.Flatten(), nn.LazyLinear(3)).eval(), torch.randn(2, *NARROW.input_shape)
    network(inputs)
    runner = BACKENDS["torch-compile"](network, inputs, 1)
    with torch.no_grad():
        np.testing.assert_allclose(runner().numpy(), network.eval()(inputs).numpy(), atol=1e-4)
    assert runner.block_shares(["stem"], 1) is None and runner.elapsed_ms() > 0


def test_a_library_that_is_missing_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ValueError, match=r"needs openvino; install it with: pip install 'nastoolkit\[openvino\]'"):
        BACKENDS["openvino"](nn.Linear(2, 2), torch.randn(1, 2), 1)
