"""Measurements of sub-networks: accuracy, proxies of accuracy, energy, memory. Each value has its unit in its name."""

from nastoolkit.measurements.accuracy import Accuracy, StandAloneAccuracy
from nastoolkit.measurements.energy import NotAvailableError, Nvml, Rapl, energy_mj
from nastoolkit.measurements.ground_truth import ground_truth
from nastoolkit.measurements.memory import peak_memory_mb
from nastoolkit.measurements.proxies import NASWOT, PROXIES

__all__ = [
    "NASWOT",
    "PROXIES",
    "Accuracy",
    "NotAvailableError",
    "Nvml",
    "Rapl",
    "StandAloneAccuracy",
    "energy_mj",
    "ground_truth",
    "peak_memory_mb",
]
