"""Numbers that the authors print for single networks, and the same numbers here.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581; notebooks
``TDNN-NAS`` (ends of the space, 300 frames) and ``SubnetEvaluation`` of https://github.com/mechanicalsea/sugar at commit
11bee4e, and the model card huggingface.co/mechanicalsea/efficient-tdnn (3 seconds, 301 frames).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import nn

from nastoolkit.benchmarks.efficient_tdnn_v100 import EfficientTDNNV100
from nastoolkit.families import Family
from nastoolkit.families.tdnn import COARSE, TDNNFamily
from nastoolkit.published.efficient_tdnn import encode_network


@dataclass(frozen=True)
class Printed:
    """A network and its printed numbers: parameters in millions, operations in thousand millions, latency in ms."""

    depth: int
    widths: tuple[int, ...]
    kernels: tuple[int, ...]
    aggregated: int
    n_frames: int
    params_m: str
    operations_g: str
    latency_ms: str = ""


NETWORKS = {
    "largest": Printed(4, (512,) * 5, (5,) * 5, 1536, 300, "7.55", "1.93", "27.96"),
    "smallest": Printed(2, (128,) * 3, (1,) * 3, 384, 300, "0.44397", "0.08347", "7.77"),
    "Base": Printed(3, (512,) * 4, (5, 3, 3, 3), 1536, 301, "5.79", "1.45"),
    "Mobile": Printed(3, (384, 256, 256, 256), (5, 3, 3, 3), 768, 301, "2.42", "0.57098"),
    "Small": Printed(2, (256,) * 3, (3,) * 3, 400, 301, "0.8992", "0.20407"),
}
MEASURED = {  # SubnetEvaluation: networks with equal layers, by depth, width, kernel and joined width; error rates in %
    (4, 512, 5, 1536): 1.44,
    (4, 512, 1, 1536): 3.54,
    (2, 512, 1, 1536): 3.58,
    (2, 256, 1, 768): 3.98,
    (2, 128, 1, 384): 5.29,
}


def counts() -> pd.DataFrame:
    """Parameters in millions and operations in thousand millions of ``NETWORKS``, and the printed numbers."""
    rows = []
    for network in NETWORKS.values():
        family = TDNNFamily("printed", replace(COARSE, length=network.n_frames, aggregated=(*COARSE.aggregated, 400)))
        genotype = encode_network(family.space, network.depth, network.widths, network.kernels, network.aggregated)
        ours = {"params_m": family.params(genotype) / 1e6, "operations_g": operations(family, genotype) / 1e9}
        rows.append(ours | {"params_printed": network.params_m, "operations_printed": network.operations_g})
    return pd.DataFrame(rows, index=list(NETWORKS))


def operations(family: Family, genotype: np.ndarray) -> int:
    """MACs of a genotype's network, plus two for each normalised number, as in the authors' counter."""
    normalised: list[int] = []
    with torch.device("meta"):
        network, inputs = family.build(genotype).eval(), torch.empty(1, *family.input_shape(genotype))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.register_forward_hook(lambda _, inputs, outputs: normalised.append(outputs.numel()))
    network(inputs)
    return int(family.macs(genotype)) + 2 * sum(normalised)


def latencies(problem: EfficientTDNNV100) -> tuple[list[float], list[str]]:
    """Latencies in ms of the networks with a printed latency, and the printed ones."""
    timed = [one for one in NETWORKS.values() if one.latency_ms]
    genotypes = [encode_network(problem.space, one.depth, one.widths, one.kernels, one.aggregated) for one in timed]
    return problem.latency_ms(np.stack(genotypes)).tolist(), [one.latency_ms for one in timed]


def predicted_errors(problem: EfficientTDNNV100) -> pd.DataFrame:
    """Equal error rates in % of the networks in ``MEASURED``: predicted and measured."""
    alike = [(depth, [width] * (depth + 1), [kernel] * (depth + 1), last) for depth, width, kernel, last in MEASURED]
    predicted = problem.errors(np.stack([encode_network(problem.space, *network) for network in alike]))
    names = [" ".join(map(str, network)) for network in MEASURED]
    return pd.DataFrame({"predicted": predicted, "measured": list(MEASURED.values())}, index=names)
