"""MIT's NAS lab as a problem: accuracy on Visual Wake Words against exact MACs or peak memory. The user provides the file.

[Han2023] S. Han et al., MIT 6.5940 "TinyML and Efficient Deep Learning Computing", fall 2023, lab 3.
[Lin2021] J. Lin et al., "MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning", NeurIPS 2021.

Differs from the lab in: its predictor is a perceptron, ours a ridge regression for each resolution and width; networks of
width 1, none of which was measured, are left out, while the lab's searches include them. MACs are those of convolutions and
linear layers; see :mod:`nastoolkit.families.mcunet`. The reference point is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge

from nastoolkit.benchmarks.base import Benchmark
from nastoolkit.objectives import Objective
from nastoolkit.published import mcunet_vww
from nastoolkit.space import SearchSpace

PENALTY = 10.0


class MCUNetVWW(Benchmark):
    """48 choices of ``mcunet-vww``, two of its three widths: ``accuracy_top1`` in %, measured or predicted, and an exact cost.

    50,000 sub-networks have their measured accuracy, all others that of a predictor fitted to these. Costs range from 7 to
    205 MMACs and from 72 to 750 KiB, accuracies from 84 to 94 %.

    Args:
        cost: ``mmacs``, or ``peak_kib`` for 8-bit activations.
        folder: Folder of the file; see :func:`nastoolkit.published.mcunet_vww`.

    Attributes:
        rmse: Root mean squared error of the predictor on 10,000 sub-networks, fitted to the others, in %.
        tau: Kendall's rank correlation on the same.
    """

    quality = (Objective("accuracy_top1", "max", "%"), 86.0)
    costs = {"mmacs": (Objective("mmacs", "min", "MMACs"), 150.0), "peak_kib": (Objective("peak_kib", "min", "KiB"), 500.0)}
    rmse = 0.187
    tau = 0.935

    def __init__(self, cost: str = "mmacs", folder: str | Path | None = None) -> None:
        super().__init__(folder)
        if cost not in self.costs:
            raise ValueError(f"unknown cost {cost!r}; known: {', '.join(self.costs)}")
        self.cost, measured = cost, mcunet_vww(folder)
        self.family = measured.family
        self.space = self.family.space.restrict({"width": (0.5, 0.75)})
        self._predictor = RidgeByScale(self.space).fit(measured.genotypes, measured.accuracy_top1)
        self._measured = dict(zip(map(bytes, _rows(measured.genotypes)), measured.accuracy_top1, strict=True))
        (quality, least), (weighed, most) = self.quality, self.costs[cost]
        self.objectives = (quality, replace(weighed, exact=getattr(self.family, cost)))
        self.reference_point = (least, most)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.cost, self.folder)

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to accuracies ``(n, 1)``, in %."""
        genotypes = self.space.canonical(np.atleast_2d(genotypes))
        predicted = self._predictor.predict(genotypes)
        pairs = zip(map(bytes, _rows(genotypes)), predicted, strict=True)
        return np.array([[self._measured.get(row, value)] for row, value in pairs]).reshape(len(genotypes), 1)


class RidgeByScale:
    """Ridge regressions of accuracies on one-hot genotypes, one for each resolution and width.

    Args:
        space: Space of the genotypes.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self._genes = [space.names.index(name) for name in ("resolution", "width")]
        self._fitted: dict[tuple[int, ...], Ridge] = {}

    def fit(self, genotypes: np.ndarray, values: np.ndarray) -> RidgeByScale:
        """Learn from genotypes ``(n, d)`` and their values ``(n,)``."""
        features = self.space.one_hot(genotypes)
        self._fitted = {scale: Ridge(PENALTY).fit(features[at], values[at]) for scale, at in self._scales(genotypes)}
        return self

    def predict(self, genotypes: np.ndarray) -> np.ndarray:
        """Predictions ``(n,)`` for genotypes ``(n, d)``."""
        features, predicted = self.space.one_hot(genotypes), np.empty(len(genotypes))
        for scale, at in self._scales(genotypes):
            predicted[at] = features[at] @ self._fitted[scale].coef_ + self._fitted[scale].intercept_
        return predicted

    def _scales(self, genotypes: np.ndarray) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """Every resolution and width that occurs, with its rows."""
        own = genotypes[:, self._genes]
        for scale in np.unique(own, axis=0):
            yield tuple(scale.tolist()), np.flatnonzero((own == scale).all(axis=1))


def _rows(genotypes: np.ndarray) -> np.ndarray:
    """Genotypes as bytes, which identify them."""
    return np.ascontiguousarray(genotypes, dtype=np.uint8)
