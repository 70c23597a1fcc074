"""Published measurements: files pinned to a commit and a hash, and readers that translate them into our spaces."""

from nastoolkit.published.block_latency import BlockLatency, i7_8700k, note10
from nastoolkit.published.configurations import encode, read_configuration
from nastoolkit.published.efficient_tdnn import ErrorPredictor, SpeakerLatency
from nastoolkit.published.hat_latency import DEVICES, TransformerLatency, hat_features, hat_latency
from nastoolkit.published.mcunet_vww import MeasuredNetworks, mcunet_vww
from nastoolkit.published.nas_bench_201 import Cells, nas_bench_201
from nastoolkit.published.nas_bench_201_short import ShortTrainings, nas_bench_201_short
from nastoolkit.published.nas_bench_macro import MacroNetworks, nas_bench_macro
from nastoolkit.published.nas_bench_mr import MultiResolutionNetworks, nas_bench_mr
from nastoolkit.published.once_for_all import AccuracyPredictor
from nastoolkit.published.search_logs import SEARCHES, search_logs
from nastoolkit.published.sources import DATA_SETS, DataSet, fetch_data, find

__all__ = [
    "DATA_SETS",
    "DEVICES",
    "SEARCHES",
    "AccuracyPredictor",
    "BlockLatency",
    "Cells",
    "DataSet",
    "ErrorPredictor",
    "MacroNetworks",
    "MeasuredNetworks",
    "MultiResolutionNetworks",
    "ShortTrainings",
    "SpeakerLatency",
    "TransformerLatency",
    "encode",
    "fetch_data",
    "find",
    "hat_features",
    "hat_latency",
    "i7_8700k",
    "mcunet_vww",
    "nas_bench_201",
    "nas_bench_201_short",
    "nas_bench_macro",
    "nas_bench_mr",
    "note10",
    "read_configuration",
    "search_logs",
]
