"""Problems for comparing searches: published tables and surrogates, each with its objectives and reference point."""

from nastoolkit.benchmarks.base import Benchmark, Problem
from nastoolkit.benchmarks.cells_problem import CellsProblem, rank_correlations
from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable
from nastoolkit.benchmarks.efficient_tdnn_v100 import EfficientTDNNV100
from nastoolkit.benchmarks.mcunet_vww import MCUNetVWW
from nastoolkit.benchmarks.nas_bench_201 import NASBench201
from nastoolkit.benchmarks.nas_bench_macro import NASBenchMacro
from nastoolkit.benchmarks.nas_bench_mr import NASBenchMR
from nastoolkit.benchmarks.ofa_mbv3_note10 import OFAMobileNetV3Note10
from nastoolkit.benchmarks.ofa_mbv3_w10_imagenet import OFAMobileNetV3ImageNet
from nastoolkit.benchmarks.ofa_mbv3_w12_macs import OFAMobileNetV3Macs
from nastoolkit.benchmarks.supernet_problem import SupernetProblem

BENCHMARKS: dict[str, type[Benchmark]] = {
    "digits-mbv3-table": DigitsTable,
    "efficient-tdnn-v100": EfficientTDNNV100,
    "mcunet-vww": MCUNetVWW,
    "nas-bench-201": NASBench201,
    "nas-bench-macro": NASBenchMacro,
    "nas-bench-mr": NASBenchMR,
    "ofa-mbv3-note10": OFAMobileNetV3Note10,
    "ofa-mbv3-w10-imagenet": OFAMobileNetV3ImageNet,
    "ofa-mbv3-w12-macs": OFAMobileNetV3Macs,
}

__all__ = ["BENCHMARKS", "Benchmark", "CellsProblem", "Problem", "SupernetProblem", "rank_correlations"]
