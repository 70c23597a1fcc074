"""Latency: the clock, end-to-end times, and tables of block times whose sum is a network's latency. All times are in ms."""

from nastoolkit.latency.backends import BACKENDS
from nastoolkit.latency.conditions import hardware_table, read_hardware
from nastoolkit.latency.end_to_end import Latency, NetworkLatency, Timing, measure
from nastoolkit.latency.lookup_table import LookupTable, table_conditions
from nastoolkit.latency.machine import describe_machine
from nastoolkit.latency.table_check import TableCheck

__all__ = [
    "BACKENDS",
    "Latency",
    "LookupTable",
    "NetworkLatency",
    "TableCheck",
    "Timing",
    "describe_machine",
    "measure",
    "read_hardware",
    "hardware_table",
    "table_conditions",
]
