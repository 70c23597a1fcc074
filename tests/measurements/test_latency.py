import time

import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.blocks import Conv
from nastoolkit.measurements.latency import Timing, _summary, measure, measure_all, measure_blocks, summarise

NARROW, WIDE = (Conv(channels, channels, 3, 1, 24, "relu") for channels in (8, 80))


def case(spec):
    return spec.build(), torch.randn(1, *spec.input_shape)


def test_more_channels_take_longer():
    narrow, wide = measure_all([case(NARROW), case(WIDE)], seconds=0.05, n_rounds=2)
    assert wide.median_ms > 2 * narrow.median_ms > 0
    assert measure(*case(WIDE), seconds=0.02).median_ms > measure(*case(NARROW), seconds=0.02).median_ms


def test_milliseconds_are_meant():
    class Sleeping(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            time.sleep(0.005)
            return x

    network = Sleeping()
    timing = measure(network, torch.randn(1, 3), seconds=0.05)
    assert 0 < timing.n_runs <= network.calls
    assert 4.9 < timing.median_ms < 4900  # neither seconds nor microseconds, however slow the machine
    assert measure_blocks(nn.Sequential(network), torch.randn(1, 3), ["0"], seconds=0.02)["0"].median_ms > 4.9


def test_timing_happens_in_evaluation_mode_without_gradients():
    seen = []

    class Looking(nn.Linear):
        def forward(self, x):
            seen.append((self.training, torch.is_grad_enabled(), torch.get_num_threads()))
            return super().forward(x)

    measure(Looking(2, 2), torch.randn(1, 2), threads=1, seconds=0.01)
    assert set(seen) == {(False, False, 1)}


def test_blocks_are_timed_inside_their_network_and_left_as_they_were(tiny):
    genotype = tiny.space.largest
    network, names = tiny.build(genotype), [name for name, _ in tiny.plan(genotype)]
    timings = measure_blocks(network, torch.randn(2, *tiny.input_shape(genotype)), names, seconds=0.05)
    assert list(timings) == names
    assert all(timing.median_ms > 0 and timing.iqr_ms >= 0 and timing.n_runs > 0 for timing in timings.values())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_wide_block_takes_longer_than_a_narrow_one_beside_it():
    network = nn.Sequential(NARROW.build(), nn.Conv2d(8, 80, 1), WIDE.build())
    timings = measure_blocks(network, torch.randn(1, *NARROW.input_shape), ["0", "2"], seconds=0.05)
    assert timings["2"].median_ms > timings["0"].median_ms


def test_hooks_go_when_the_network_fails():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(3, 4))
    with pytest.raises(RuntimeError, match="shapes"):
        measure_blocks(network, torch.randn(1, 3), ["0"])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_an_unknown_block_is_an_error():
    with pytest.raises(AttributeError, match="stem"):
        measure_blocks(nn.Sequential(nn.Linear(3, 4)), torch.randn(1, 3), ["stem"])


def test_a_timing_is_the_median_and_the_spread_of_its_runs():
    assert _summary(np.array([2.0, 1.0, 10.0, 3.0])) == Timing(2.5, 3.0, 4)


def test_a_summary_is_the_median_and_how_far_medians_lie_apart():
    timings = [Timing(median_ms, 99.0, 2) for median_ms in (10.0, 1.0, 3.0, 2.0)]
    assert summarise(timings) == Timing(2.5, 3.0, 8)
    assert summarise(timings[:1]) == Timing(10.0, 0.0, 2)
