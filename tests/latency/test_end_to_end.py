import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.blocks import Conv
from nastoolkit.latency import NetworkLatency, Timing, measure
from nastoolkit.latency.end_to_end import fresh_case, steady, summary
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize

NARROW, WIDE = (Conv(channels, channels, 3, 1, 24, "relu") for channels in (8, 80))


@pytest.fixture(autouse=True)
def _any_machine():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*the machine is not quiet")
        yield


def case(spec):
    return spec.build(), torch.randn(1, *spec.input_shape)


def test_more_channels_take_longer():
    narrow, wide = (measure(*case(spec), seconds=0.05) for spec in (NARROW, WIDE))
    assert wide.median_ms > 2 * narrow.median_ms > 0


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


def test_timing_happens_in_evaluation_mode_without_gradients():
    seen = []

    class Looking(nn.Linear):
        def forward(self, x):
            seen.append((self.training, torch.is_grad_enabled(), torch.get_num_threads()))
            return super().forward(x)

    measure(Looking(2, 2), torch.randn(1, 2), threads=1, seconds=0.01)
    assert set(seen) == {(False, False, 1)}


@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
def test_a_measurement_tells_what_it_depends_on(backend):
    latency = measure(*case(NARROW), batch_size=4, seconds=0.02, backend=backend)
    assert (latency.batch_size, latency.threads, latency.precision, latency.backend) == (4, 1, "float32", backend)
    assert latency.device and any(character.isdigit() for character in latency.library)
    assert measure(NARROW.build(), torch.randn(6, *NARROW.input_shape), seconds=0.02).batch_size == 6


def test_one_input_is_repeated_to_a_batch():
    seen = []

    class Looking(nn.Module):
        def forward(self, x):
            seen.append(tuple(x.shape))
            return x

    measure(Looking(), torch.randn(1, 3, 2), batch_size=5, seconds=0.01)
    assert set(seen) == {(5, 3, 2)}


def test_a_wide_spread_is_warned_of():
    class Restless(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            time.sleep(0.001 * (self.calls % 4))
            return x

    with pytest.warns(UserWarning, match=r"the runs are \d+% apart"):
        assert measure(Restless(), torch.randn(1), seconds=0.02).noisy


def test_restless_runs_are_made_again_and_the_closest_kept():
    wide, narrow = np.array([1.0, 2, 3, 4]), np.array([1.0, 1.4, 1.4, 1.6])
    quiet = np.array([1.0, 1, 1, 1.01])
    tries = iter([wide, narrow, wide, quiet])
    assert steady(lambda: next(tries)) is narrow  # of three tries
    assert steady(lambda: next(tries)) is quiet and next(tries, None) is None


def test_a_timing_is_the_median_and_the_spread_of_its_runs():
    assert summary(np.array([2.0, 1.0, 10.0, 3.0])) == Timing(2.5, 3.0, 4)
    assert Timing(10.0, 1.1, 4).noisy and not Timing(10.0, 0.9, 4).noisy


def test_sub_networks_are_timed_side_by_side(tiny):
    latency = NetworkLatency(tiny, batch_size=8, seconds=0.05)
    smallest, largest = latency(np.stack([tiny.space.smallest, tiny.space.largest]))[:, 0]
    assert 0 < smallest < largest
    assert 1e5 < replace(latency, reference_ms=1e6)(tiny.space.smallest)[0, 0] < 1e7


def test_it_is_an_objective_that_a_search_stores(tiny, tmp_path):
    latency, store = NetworkLatency(tiny, seconds=0.02), tmp_path / "store.sqlite"
    search = {"objectives": [Objective("latency_ms", "min", "ms")], "algorithm": "random", "budget": 2, "progress": False}
    history = optimize(tiny.space, latency, store=store, **search)
    replayed = optimize(tiny.space, latency, store=store, **search)
    np.testing.assert_array_equal(replayed.values, history.values)
    with pytest.raises(ValueError, match="batch_size"):
        optimize(tiny.space, replace(latency, batch_size=2), store=store, **search)


def test_a_fresh_network_is_the_same_every_time(tiny):
    (one, inputs), (same, again) = (fresh_case(tiny, tiny.space.largest, 2) for _ in range(2))
    assert torch.equal(inputs, again)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
