"""Measurements: accuracy, latency, lookup tables. Each value has its unit in its name."""

from nastoolkit.measurements.accuracy import Accuracy, StandAloneAccuracy
from nastoolkit.measurements.backends import BACKENDS
from nastoolkit.measurements.energy import NotAvailableError, Nvml, Rapl, energy_mj
from nastoolkit.measurements.latency import Latency, NetworkLatency, Timing, measure
from nastoolkit.measurements.lookup_table import LookupTable, table_conditions
from nastoolkit.measurements.machine import describe_machine
from nastoolkit.measurements.memory import peak_memory_mb
from nastoolkit.measurements.proxies import NASWOT
from nastoolkit.measurements.settings import read_setting, setting_table
from nastoolkit.measurements.table_check import TableCheck

__all__ = [
    "BACKENDS",
    "NASWOT",
    "Accuracy",
    "Latency",
    "LookupTable",
    "NetworkLatency",
    "NotAvailableError",
    "Nvml",
    "Rapl",
    "StandAloneAccuracy",
    "TableCheck",
    "Timing",
    "describe_machine",
    "energy_mj",
    "measure",
    "peak_memory_mb",
    "read_setting",
    "setting_table",
    "table_conditions",
]
