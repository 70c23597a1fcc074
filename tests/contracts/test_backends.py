"""What every entry of BACKENDS keeps; a new one is tested by being there."""

import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.blocks import Conv
from nastoolkit.families import FAMILIES
from nastoolkit.measurements import BACKENDS, LookupTable, measure
from nastoolkit.measurements.latency import measure_blocks

NARROW, WIDE = (Conv(channels, channels, 3, 1, 24, "relu") for channels in (8, 80))


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture(scope="module", params=["tiny", "number-words-transformer"])
def case(request, tiny):
    family = tiny if request.param == "tiny" else FAMILIES[request.param]()
    genotype = family.space.largest
    names = [name for name, _ in family.plan(genotype)]
    return family.build(genotype), family.example_inputs(genotype, n=2), names


def test_it_runs_what_the_network_computes(backend, case):
    network, inputs, _ = case
    outputs = BACKENDS[backend](network, inputs, 1)()
    (outputs,) = outputs if isinstance(outputs, list) else (outputs.numpy(),)
    with torch.no_grad():
        np.testing.assert_allclose(outputs, network.eval()(inputs).numpy(), atol=1e-4)


def test_every_block_has_its_time_in_every_run(backend, case):
    network, inputs, names = case
    if backend == "onnxruntime" and not isinstance(network, nn.Sequential):
        with pytest.raises(ValueError, match="does not tell blocks of this network apart: encoder.layer1"):
            BACKENDS[backend](network, inputs, 1).block_seconds(names, n_runs=4)
        return
    runs = BACKENDS[backend](network, inputs, 1).block_seconds(names, n_runs=4)
    assert list(runs) == names and {len(seconds) for seconds in runs.values()} == {4}
    assert all(second >= 0 for seconds in runs.values() for second in seconds)
    assert sum(np.median(seconds) > 0 for seconds in runs.values()) >= len(names) - 2  # some are fused into others
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_the_times_of_all_blocks_add_up_to_the_network(backend, tiny):
    genotype = tiny.space.largest
    network, inputs = tiny.build(genotype), tiny.example_inputs(genotype, n=8)
    blocks = measure_blocks(network, inputs, dict(tiny.plan(genotype)), seconds=0.2, backend=backend)
    whole = measure(network, inputs, seconds=0.2, backend=backend)
    assert 0.3 < sum(timing.median_ms for timing in blocks.values()) / whole.median_ms < 3.0  # whatever else the machine does


def test_a_wide_block_takes_longer_than_a_narrow_one_beside_it(backend):
    network = nn.Sequential(NARROW.build(), nn.Conv2d(8, 80, 1), WIDE.build())
    timings = measure_blocks(network, torch.randn(4, *NARROW.input_shape), ["0", "1", "2"], seconds=0.1, backend=backend)
    assert timings["2"].median_ms > timings["0"].median_ms


def test_a_table_is_made_and_holds_for_its_backend(backend, narrow):

    table = LookupTable.measure(narrow, backend, batch_size=2, n_contexts=2, progress=False)
    assert table.conditions["backend"] == backend and set(table.timings) == set(narrow.block_specs)
    check = table.validate(2, seconds=0.05, progress=False)
    assert (check.table_ms > 0).all() and (check.measured_ms > 0).all() and np.isfinite(check.clock_percent)
