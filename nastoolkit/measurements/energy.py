"""Energy of running a network, from the machine's own meters: RAPL for Intel and AMD processors, NVML for NVIDIA GPUs.

The meters measure the whole processor or GPU, including everything else that runs on it.
"""

from __future__ import annotations

import time
from importlib import import_module
from pathlib import Path
from typing import Protocol

import torch

from nastoolkit.latency.backends import Runner

POWERCAP = Path("/sys/class/powercap")


class NotAvailableError(RuntimeError):
    """This machine does not offer the measurement."""


class Meter(Protocol):
    """Something that counts energy."""

    def read_mj(self) -> float:
        """Energy since some fixed moment, in mJ; it never decreases."""


class Rapl:
    """The processor packages' meters, as Linux shows them.

    Args:
        folder: Folder of the meters.

    Raises:
        NotAvailableError: There are no meters, or none may be read.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        self.packages = [path for path in sorted(folder.glob("intel-rapl:*")) if path.name.count(":") == 1]
        if not self.packages:
            raise NotAvailableError(f"energy is not available here: no RAPL meter under {folder}")
        try:
            self.ranges = [self._number(package, "max_energy_range_uj") for package in self.packages]
            self.last = [self._number(package, "energy_uj") for package in self.packages]
        except PermissionError as error:
            raise NotAvailableError(f"energy is not available here: {error.filename} may be read by root only") from error
        self.total_uj = 0

    def read_mj(self) -> float:
        """See :class:`Meter`; a meter may wrap around once between readings."""
        now = [self._number(package, "energy_uj") for package in self.packages]
        self.total_uj += sum((new - old) % span for new, old, span in zip(now, self.last, self.ranges, strict=True))
        self.last = now
        return self.total_uj / 1e3

    def _number(self, package: Path, name: str) -> int:
        return int((package / name).read_text())


class Nvml:
    """The first GPU's meter.

    Raises:
        NotAvailableError: There is no GPU, or no NVIDIA Management Library.
    """

    def __init__(self) -> None:
        if not torch.cuda.is_available():
            raise NotAvailableError("energy is not available here: no NVIDIA GPU")
        try:
            pynvml = import_module("pynvml")
        except ImportError as error:
            raise NotAvailableError("energy is not available here: pip install nvidia-ml-py") from error
        pynvml.nvmlInit()
        self._read, self._device = pynvml.nvmlDeviceGetTotalEnergyConsumption, pynvml.nvmlDeviceGetHandleByIndex(0)

    def read_mj(self) -> float:
        """See :class:`Meter`."""
        return float(self._read(self._device))


def energy_mj(runner: Runner, meter: Meter, seconds: float = 2.0) -> float:
    """Energy of running one batch, in mJ: the mean over as many runs as fit into the time.

    Args:
        runner: Runner of the network, from one of ``BACKENDS``.
        meter: :class:`Rapl` for processors, :class:`Nvml` for GPUs.
        seconds: Time to run; meters are slow, so one reading covers many runs.
    """
    runner()
    started, before, n_runs = time.perf_counter(), meter.read_mj(), 0
    while n_runs == 0 or time.perf_counter() - started < seconds:
        runner()
        n_runs += 1
    return (meter.read_mj() - before) / n_runs
