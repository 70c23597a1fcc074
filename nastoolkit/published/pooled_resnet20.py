"""ResNet20 on CIFAR-10 with its two poolings in all 36 places: accuracies alone, and in supernets. The user's file.

[Javan2023] M. J. Roshtkhari, M. Toews and M. Pedersoli, "Balanced Mixture of SuperNets for Learning the CNN Pooling
Architecture", AutoML 2023, arXiv 2306.11982.

The numbers are in https://github.com/mehraveh/Balanced-Mixture-of-SuperNets (commit 6ff0070), which has no licence. The table
that this module reads has a line for each configuration, with these columns:

- ``block1``, ``block2``, ``block3``: units at each resolution;
- ``standalone_acc``: test accuracy in % of the network that is trained alone;
- ``supernet_m1`` and so on: accuracy in % in a supernet with so many copies of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nastoolkit.published.sources import find_made

FILE = "balanced_mixture_resnet20_cifar10.csv"
UNITS = ["block1", "block2", "block3"]
ALONE, SHARED = "standalone_acc", "supernet_m"


@dataclass(frozen=True)
class PooledNetworks:
    """Configurations and what was measured of them.

    Attributes:
        configurations: Units at each resolution, such as ``4-3-3``.
        alone: Accuracy ``(n,)`` in % of each, trained alone.
        shared: Accuracies ``(n,)`` in % in a supernet, by its number of copies.
    """

    configurations: tuple[str, ...]
    alone: np.ndarray
    shared: dict[int, np.ndarray]


def pooled_resnet20(file: str | Path | None = None) -> PooledNetworks:
    """The table.

    Args:
        file: It, or its folder; by default the folder ``NASTOOLKIT_DATA``.

    Raises:
        FileNotFoundError: There is no such file; the message says what it is.
        ValueError: A column is missing, or has no numbers.
    """
    table = pd.read_csv(find_made(FILE, "facts", "pooled_resnet20", file))
    copies = [int(name.removeprefix(SHARED)) for name in table if name.removeprefix(SHARED).isdigit()]
    columns = [*UNITS, ALONE, *(f"{SHARED}{n}" for n in copies)]
    if absent := [name for name in columns if name not in table]:
        raise ValueError(f"the table of pooled networks has no column {absent[0]!r}; its columns are {list(table)}")
    numbers = table[columns].apply(pd.to_numeric, errors="coerce")
    if not np.isfinite(numbers.to_numpy(float)).all():
        raise ValueError(f"the table of pooled networks has no numbers somewhere among {columns}")
    names = tuple("-".join(map(str, row)) for row in numbers[UNITS].astype(int).to_numpy())
    measured = {name: numbers[name].to_numpy(float) for name in columns}
    return PooledNetworks(names, measured[ALONE], {n: measured[f"{SHARED}{n}"] for n in copies})
