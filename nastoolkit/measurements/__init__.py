"""Measurements: accuracy, latency, lookup tables. Each value has its unit in its name."""

from nastoolkit.latency.backends import BACKENDS
from nastoolkit.latency.conditions import read_setting, setting_table
from nastoolkit.latency.end_to_end import Latency, NetworkLatency, Timing, measure
from nastoolkit.latency.lookup_table import LookupTable, table_conditions
from nastoolkit.latency.machine import describe_machine
from nastoolkit.latency.table_check import TableCheck
from nastoolkit.measurements.accuracy import Accuracy, StandAloneAccuracy
from nastoolkit.measurements.energy import NotAvailableError, Nvml, Rapl, energy_mj
from nastoolkit.measurements.memory import peak_memory_mb
from nastoolkit.measurements.proxies import NASWOT

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
