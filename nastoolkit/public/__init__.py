"""Published measurements: files pinned to a commit and a hash, and readers of their formats, in terms of our spaces."""

from nastoolkit.public.block_latency import BlockLatency, i7_8700k, note10
from nastoolkit.public.configurations import encode, read_configuration
from nastoolkit.public.files import DATA_SETS, DataSet, fetch_data, find
from nastoolkit.public.hat_latency import DEVICES, TransformerLatency, hat_features, hat_latency
from nastoolkit.public.nas_bench_201 import Cells, nas_bench_201
from nastoolkit.public.nas_bench_macro import MacroNetworks, nas_bench_macro
from nastoolkit.public.once_for_all import AccuracyPredictor
from nastoolkit.public.search_logs import SEARCHES, search_logs

__all__ = [
    "DATA_SETS",
    "DEVICES",
    "SEARCHES",
    "AccuracyPredictor",
    "BlockLatency",
    "Cells",
    "DataSet",
    "MacroNetworks",
    "TransformerLatency",
    "encode",
    "fetch_data",
    "find",
    "hat_features",
    "hat_latency",
    "i7_8700k",
    "nas_bench_201",
    "nas_bench_macro",
    "note10",
    "read_configuration",
    "search_logs",
]
