"""Measurements: accuracy, latency, lookup tables. Each value has its unit in its name."""

from nastoolkit.measurements.accuracy import Accuracy, StandAloneAccuracy
from nastoolkit.measurements.backends import BACKENDS
from nastoolkit.measurements.latency import Timing, measure
from nastoolkit.measurements.lookup_table import LookupTable, TableCheck, table_conditions
from nastoolkit.measurements.machine import describe_machine

__all__ = [
    "BACKENDS",
    "Accuracy",
    "LookupTable",
    "StandAloneAccuracy",
    "TableCheck",
    "Timing",
    "describe_machine",
    "measure",
    "table_conditions",
]
