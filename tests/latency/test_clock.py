import os
import resource
import warnings
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from nastoolkit.latency import LookupTable, NetworkLatency, read_hardware
from nastoolkit.latency.backends import BACKENDS
from nastoolkit.latency.clock import BusyMachineWarning, Clock, idlest, keep_heap, pinned, runs_in, use_of_cores
from nastoolkit.latency.end_to_end import measure


class Paced:
    """A runner on a machine whose speed follows a script."""

    def __init__(self, machine, ms):
        self.machine, self.ms = machine, ms

    def elapsed_ms(self):
        self.machine.runs += 1
        return self.ms * self.machine.speed(self.machine.runs)


@pytest.mark.parametrize("speed", [lambda i: 1.0, lambda i: 3.0, lambda i: 1 + 0.01 * i, lambda i: 1 + (i > 25)])
def test_the_machines_speed_falls_out(speed):
    machine = SimpleNamespace(runs=0, speed=speed)
    clock = Clock(Paced(machine, 2.0))
    ratios = clock.ratios(Paced(machine, 5.0), seconds=0.1)
    assert len(ratios) >= 3
    assert np.median(ratios) == pytest.approx(2.5, rel=1e-2)
    assert clock.typical_ms == pytest.approx(2 * np.median([speed(i) for i in range(3, machine.runs + 1, 2)]), rel=0.05)


def test_how_many_runs_fill_a_time():
    assert runs_in(0.1, 10.0) == 10 and runs_in(0.1, 1e6) == 3 and runs_in(0.1, 1e-6) == 100


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not pin processes")
def test_pinning_keeps_to_so_many_cores_and_ends():
    before, threads = os.sched_getaffinity(0), torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), pinned(1):
        assert len(os.sched_getaffinity(0)) == torch.get_num_threads() == 1
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == before and torch.get_num_threads() == threads


def test_the_least_busy_cores_are_taken_and_the_last_ones_where_all_are_alike(monkeypatch):
    monkeypatch.setattr(psutil, "cpu_percent", lambda seconds, percpu: [20.0, 90.0, 0.0, 0.0, 50.0])
    assert idlest({0, 1, 2, 3, 4}, 3, use_of_cores()) == [3, 2, 0]
    assert idlest({0, 1, 4}, 1, use_of_cores()) == [0]


@pytest.mark.parametrize(("percent", "warned"), [(100.0, True), (60.0, True), (40.0, False), (0.0, False)])
def test_a_busy_machine_is_told_before_anything_is_timed(monkeypatch, percent, warned):
    monkeypatch.setattr(psutil, "cpu_percent", lambda seconds, percpu: [percent] * os.cpu_count())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        measure(nn.Linear(2, 2), torch.ones(1, 2), seconds=0.01)
    told = [str(warning.message) for warning in caught if warning.category is BusyMachineWarning]
    assert len(told) == warned and all(f"other programs use {percent:.0f} % of the cores" in text for text in told)


@pytest.mark.skipif(torch.cuda.is_available() or os.name != "posix", reason="the C library of Linux")
def test_runs_on_a_kept_heap_cause_no_page_faults():
    keep_heap()
    runner = BACKENDS["torch"](nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(4))), torch.randn(8, 3, 256, 256), 1)
    faults = []
    for _ in range(6):
        runner.elapsed_ms()
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    assert np.median(np.diff(faults)) < 100  # each of its 6 MB tensors is 1,500 pages


@pytest.mark.parametrize("backend", ["torch", "onnxruntime", "openvino"])
def test_more_threads_than_the_machine_has_are_refused_before_any_work(backend, narrow, monkeypatch):
    """The threads of some would wait for each other, and OpenVINO took any number without a word."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    network, image = nn.Linear(3, 2), torch.zeros(1, 3)
    genotypes = narrow.space.smallest[None]
    for measured in (
        lambda: measure(network, image, threads=99, backend=backend),
        lambda: LookupTable.measure(narrow, backend, threads=99),
        lambda: NetworkLatency(narrow, backend, threads=99)(genotypes),
        lambda: read_hardware(f"{backend} 1 99"),
    ):
        with pytest.raises(ValueError, match="threads must be between 1 and 2, this machine's, got 99$"):
            measured()
