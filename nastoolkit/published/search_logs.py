"""Intel's search logs: 2,373 sub-networks of ``ofa-mbv3-w1.0`` with their ImageNet accuracy, not fine-tuned.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954.

Source: https://github.com/IntelLabs/DyNAS-T, commit 251cb5e, ``notebooks/data``. Each search has one seed. Most sub-networks
are near the front, and few are random. Repeated measurements differ by 0.02 points (standard deviation).
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd

from nastoolkit.families import FAMILIES
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.published.configurations import encode
from nastoolkit.published.sources import find
from nastoolkit.space import SearchSpace

COLUMNS = {
    "Top-1 Acc (%)": Objective("accuracy_top1", "max", unit="%"),
    "MACs": Objective("macs", "min"),
    "Model Parameters": Objective("params", "min"),
}
SEARCHES = {
    "LINAS+NSGA-II": "mbnv3w10_linasnsga2_acc_macs.csv",
    "NSGA-II": "mbnv3w10_evonsga2_acc_macs.csv",
    "U-NSGA-III": "mbnv3w10_evounsga3_acc_macs_params.csv",
    "LINAS+GA": "mbnv3w10_linasga_acc.csv",
    "GA": "mbnv3w10_evoga_acc.csv",
}


def search_logs(folder: str | Path | None = None) -> dict[str, History]:
    """Measurements of five searches, in order: accuracy_top1 (%), macs and params at 224 pixels.

    All three are logged whatever the search optimised: the genetic algorithms saw only accuracy, U-NSGA-III all three, the
    others accuracy and MACs. Latency was not measured.

    Args:
        folder: See :func:`nastoolkit.published.find`.

    Returns:
        Histories by the names in ``SEARCHES``, all in the space of ``ofa-mbv3-w1.0``.
    """
    files, space = find("ofa-mbv3-w10-imagenet", folder), FAMILIES["ofa-mbv3-w1.0"]().space
    return {search: _history(pd.read_csv(files[file]), space) for search, file in SEARCHES.items()}


def _history(rows: pd.DataFrame, space: SearchSpace) -> History:
    networks = map(ast.literal_eval, rows["Sub-network"])
    genotypes = [encode(space, net["ks"], net["e"], net["d"], *net["r"]) for net in networks]
    return History(space, tuple(COLUMNS.values()), np.array(genotypes), rows[list(COLUMNS)].to_numpy(dtype=float))
