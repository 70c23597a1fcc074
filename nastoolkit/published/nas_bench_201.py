"""NAS-Bench-201: all 15,625 cells of four nodes and five operations, trained on three image data sets. The user provides the
file.

[Dong2020] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.

The published files are gigabytes of pickled objects, which nothing here loads. Their own program writes the small table that
this module reads, once for each data set::

    import csv
    from nas_201_api import NASBench201API  # pip install nas-bench-201

    api = NASBench201API("NAS-Bench-201-v1_1-096897.pth")
    with open("nas-bench-201.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["architecture", "valid-accuracy", "test-accuracy", "flops", "params"])
        for index, architecture in enumerate(api):
            valid = api.get_more_info(index, "cifar10-valid", hp="200", is_random=False)["valid-accuracy"]
            test = api.get_more_info(index, "cifar10", hp="200", is_random=False)["test-accuracy"]
            cost = api.get_cost_info(index, "cifar10")
            rows.writerow([architecture, valid, test, cost["flops"], cost["params"]])

This program follows the documentation; the published files themselves were not at hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nastoolkit.published.sources import find_made
from nastoolkit.space import Choice, SearchSpace

FILE = "nas-bench-201.csv"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = tuple(f"node{node}.input{source}" for node in (1, 2, 3) for source in range(node))
CELL = r"\|{0}~0\|\+\|{0}~0\|{0}~1\|\+\|{0}~0\|{0}~1\|{0}~2\|".format(r"(\w+)")


@dataclass(frozen=True)
class Cells:
    """Cells and the measurements of their networks.

    Attributes:
        space: A choice of operation for each edge.
        genotypes: ``(n, 6)``.
        accuracy_validation: Accuracy on validation images after the whole training, ``(n,)``, in %.
        accuracy_test: The same accuracy on test images.
        mmacs: MACs for one image, ``(n,)``, in millions; the benchmark calls them flops.
        params: ``(n,)``, in millions.
    """

    space: SearchSpace
    genotypes: np.ndarray
    accuracy_validation: np.ndarray
    accuracy_test: np.ndarray
    mmacs: np.ndarray
    params: np.ndarray


def nas_bench_201(file: str | Path | None = None) -> Cells:
    """The cells in a table, in its order.

    Args:
        file: File that this module's docstring describes, or its folder; by default ``nas-bench-201.csv`` in the
            folder ``NASTOOLKIT_DATA``, or in its folder ``nas-bench-201``.

    Raises:
        FileNotFoundError: There is no such file; the message says how to make it.
        ValueError: The file is not a table, a column is missing, or a line is not a cell or has no numbers.
    """
    table = pd.read_csv(find_made(FILE, "nas-bench-201", "nas_bench_201", file))
    columns = ["architecture", "valid-accuracy", "test-accuracy", "flops", "params"]
    if missing := [name for name in columns if name not in table]:
        raise ValueError(f"the table of NAS-Bench-201 has no columns {missing}; it has {list(table)}")
    space = SearchSpace(Choice(edge, OPERATIONS) for edge in EDGES)
    genotypes = np.array([encode_cell(space, str(cell)) for cell in table["architecture"]])
    values = table[columns[1:]].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise ValueError(f"the table of NAS-Bench-201 has NaN or infinity among {columns[1:]}")
    return Cells(space, genotypes, *values.T)


def encode_cell(space: SearchSpace, cell: str) -> np.ndarray:
    """The genotype ``(6,)`` of a cell like ``|none~0|+|none~0|none~1|+|none~0|none~1|none~2|``; else ValueError."""
    match = re.fullmatch(CELL, cell)
    if match is None:
        raise ValueError(f"{cell!r} is not a cell of NAS-Bench-201")
    return space.encode(dict(zip(EDGES, match.groups(), strict=True)))


def rows_of_cells(known: np.ndarray, space: SearchSpace, genotypes: np.ndarray) -> np.ndarray:
    """Rows ``(n,)`` of cells in a table of all cells.

    Args:
        known: Genotypes of the table ``(m, 6)``, with options in the order of ``OPERATIONS``.
        space: Space of the same edges and operations, in any order.
        genotypes: Cells of that space ``(n, 6)``.
    """
    row_of = {tuple(cell): row for row, cell in enumerate(known.tolist())}
    options = map(space.decode, genotypes)
    return np.array([row_of[tuple(OPERATIONS.index(cell[edge]) for edge in EDGES)] for cell in options])
