"""NAS-Bench-MR: 2,507 multi-resolution networks, each trained on four data sets. The user provides the file.

[Ding2021] M. Ding et al., "Learning Versatile Neural Architectures by Propagating Network Codes", ICLR 2022,
arXiv 2103.13253.

A network has four stages; stage s has branches of s resolutions, which are fused at the end of each of its modules. The
published files (https://github.com/dingmyu/NCP, commit 5259acd, ``data/*/trainval.pkl``) are pickled objects, which nothing
here loads. The table that this module reads has a line for each network, with these columns:

- the 27 numbers of its code: ``stem1``, ``stem2``; for each stage s ``s{s}_modules``, ``s{s}_units{b}`` of all its branches b
  and then ``s{s}_width{b}`` of them; ``last_width``;
- ``flops_g`` in billions, for an image of 128 x 128 pixels, and ``params_m`` in millions;
- one or more measurements, in %, such as ``seg_mIoU``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from nastoolkit.published.sources import find_made
from nastoolkit.space import Choice, SearchSpace

FILE = "nas_bench_mr.csv"
COSTS = {"mmacs": ("flops_g", 1000.0), "params_m": ("params_m", 1.0)}  # columns, and the factors that convert them to millions


def _columns() -> Iterator[tuple[str, str]]:
    """The columns of a network's code, each with the name of its choice."""
    yield from (("stem1", "stem1.width"), ("stem2", "stem2.width"))
    for stage in range(1, 5):
        yield f"s{stage}_modules", f"stage{stage}.modules"
        for what in ("units", "width"):
            yield from ((f"s{stage}_{what}{b}", f"stage{stage}.branch{b}.{what}") for b in range(1, stage + 1))
    yield "last_width", "last.width"


@dataclass(frozen=True)
class MultiResolutionNetworks:
    """Networks and their measurements.

    Attributes:
        space: Choices of widths and of numbers of modules and units, with the options that occur in the table.
        genotypes: Genotypes ``(n, 27)``.
        measured: Measurements ``(n,)`` by name, in %.
        costs: Costs ``(n,)`` in millions: ``mmacs``, which the table calls flops, and ``params_m``.
    """

    space: SearchSpace
    genotypes: np.ndarray
    measured: Mapping[str, np.ndarray]
    costs: Mapping[str, np.ndarray]

    def cost(self, name: str, genotypes: np.ndarray) -> np.ndarray:
        """A cost ``(n,)`` of any genotypes ``(n, d)``: a weighted sum of terms, with weights fitted to the table."""
        return np.round(self._terms(genotypes) @ self._weights[name], 6)

    @cached_property
    def _weights(self) -> dict[str, np.ndarray]:
        terms = self._terms(self.genotypes)
        size = terms.max(axis=0)
        return {name: np.linalg.lstsq(terms / size, cost, rcond=1e-12)[0] / size for name, cost in self.costs.items()}

    def _terms(self, genotypes: np.ndarray) -> np.ndarray:
        """Products of widths and counts ``(n, 114)``: of stems, units, fusions, transitions between stages, and the head."""
        genes = zip(self.space.choices, self.space.canonical(np.atleast_2d(genotypes)).T, strict=True)
        of = {choice.name: np.array(choice.options, dtype=float)[gene] for choice, gene in genes}
        stem1, stem2, last = of["stem1.width"], of["stem2.width"], of["last.width"]
        terms, before = [np.ones_like(last), stem1, stem1 * stem2, stem2, last], [stem2]
        for stage in range(1, 5):
            modules = of[f"stage{stage}.modules"]
            widths = [of[f"stage{stage}.branch{branch + 1}.width"] for branch in range(stage)]
            for branch, width in enumerate(widths):
                units = modules * of[f"stage{stage}.branch{branch + 1}.units"]
                terms += [units * width**2, units * width, modules * width, width, *(width * other for other in before)]
                for neighbour in widths[max(branch - 1, 0) : branch + 2]:
                    terms += [modules * width * neighbour, width * neighbour]
            before = widths
        return np.stack([*terms, *(last * width for width in before)], axis=1)


def nas_bench_mr(file: str | Path | None = None) -> MultiResolutionNetworks:
    """The networks in a table, in its order.

    Args:
        file: File that this module's docstring describes, or the folder it is in; by default ``nas_bench_mr.csv`` in the
            folder ``NASTOOLKIT_DATA``, or in its folder ``nas-bench-mr``.

    Raises:
        FileNotFoundError: There is no such file; the message says what it is.
        ValueError: The file is not a table, a column is missing, or a line has something other than numbers.
    """
    table = pd.read_csv(find_made(FILE, "nas-bench-mr", "nas_bench_mr", file))
    columns, costs = dict(_columns()), {name: column for name, (column, _) in COSTS.items()}
    if missing := [name for name in [*columns, *costs.values()] if name not in table]:
        raise ValueError(f"the table of NAS-Bench-MR has no columns {missing}; it has {list(table)}")
    if not np.isfinite(table.to_numpy(dtype=float)).all():
        raise ValueError("the table of NAS-Bench-MR has NaN or infinity")
    options, genes = zip(*(np.unique(table[name], return_inverse=True) for name in columns), strict=True)
    space = SearchSpace(Choice(name, found.tolist()) for name, found in zip(columns.values(), options, strict=True))
    measured = {name: table[name].to_numpy(float) for name in table if name not in {*columns, *costs.values()}}
    in_millions = {name: table[column].to_numpy(float) * factor for name, (column, factor) in COSTS.items()}
    return MultiResolutionNetworks(space, np.stack(genes, axis=1), measured, in_millions)
