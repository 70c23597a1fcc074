"""NAS-Bench-Macro: all 6,561 networks of a space of eight layers, each trained three times on CIFAR-10.

[Su2021] X. Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021, Section 5.1.

Source: https://github.com/xiusu/NAS-Bench-Macro, commit 61a2bfc.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nastoolkit.published.sources import find
from nastoolkit.space import Choice, SearchSpace

OPERATIONS = ("identity", "mbconv_e3_k3", "mbconv_e6_k5")  # indexed by their digits in the file
LAYERS = tuple(f"layer{number}" for number in range(1, 9))


@dataclass(frozen=True)
class MacroNetworks:
    """Every network of the space, and its measurements.

    Attributes:
        space: A choice of operation for each layer.
        genotypes: ``(6561, 8)``.
        accuracy_top1: Accuracies on test images, ``(6561, 3)``: three trainings, in %.
        params: ``(6561,)``.
        macs: MACs for one image of 32 x 32 pixels, ``(6561,)``; the file calls them flops.
    """

    space: SearchSpace
    genotypes: np.ndarray
    accuracy_top1: np.ndarray
    params: np.ndarray
    macs: np.ndarray


def nas_bench_macro(folder: str | Path | None = None) -> MacroNetworks:
    """The whole data set, in the order of the file.

    Args:
        folder: See :func:`nastoolkit.published.find`.
    """
    (file,) = find("nas-bench-macro", folder).values()
    entries = json.loads(file.read_text())
    genotypes = np.array([list(map(int, digits)) for digits in entries])
    columns = {name: np.array([entry[name] for entry in entries.values()]) for name in ("test_acc", "params", "flops")}
    space = SearchSpace(Choice(layer, OPERATIONS) for layer in LAYERS)
    return MacroNetworks(space, space.canonical(genotypes), *columns.values())
