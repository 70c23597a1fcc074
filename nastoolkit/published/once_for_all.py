"""Once-for-All's accuracy predictor.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.4.

Source of its weights, those of Once-for-All's tutorial: https://github.com/gatech-sysml/CompOFA, commit 6b53946.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from nastoolkit.published.sources import find
from nastoolkit.space import SearchSpace

BLOCKS = tuple(f"stage{stage}.block{block}" for stage in range(1, 6) for block in range(1, 5))
OPTIONS = {"kernel": (3, 5, 7), "expand": (3, 4, 6)}
RESOLUTIONS = tuple(range(112, 225, 16))  # that the predictor knows


class AccuracyPredictor:
    """The published predictor of ImageNet top-1 for sub-networks of ``ofa-mbv3-w1.2``: it ranks well, but is too optimistic.

    A perceptron with three hidden layers of 400 units on 128 indicators: kernels, expansions, resolution [Cai2020]. It is an
    exact objective: ``Objective("accuracy_top1", "max", "%", exact=AccuracyPredictor(family.space))``.

    Args:
        space: Space of the family ``ofa-mbv3-w1.2``.
        folder: See :func:`nastoolkit.published.find`.
    """

    def __init__(self, space: SearchSpace, folder: str | Path | None = None) -> None:
        self.space = space
        file = find("ofa-accuracy-predictor", folder)["acc_predictor.pth"]
        tensors = torch.load(file, map_location="cpu", weights_only=True)
        self._layers = [(tensors[f"{i}.weight"].double().numpy(), tensors[f"{i}.bias"].double().numpy()) for i in (0, 2, 4, 6)]
        self._inputs = _inputs(space)

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Predicted accuracies ``(n,)``, in %, of genotypes ``(n, d)``."""
        outputs = self.space.one_hot(genotypes) @ self._inputs
        for number, (weight, bias) in enumerate(self._layers):
            outputs = (np.maximum(outputs, 0) if number else outputs) @ weight.T + bias
        return 100 * outputs[:, 0]


def _inputs(space: SearchSpace) -> np.ndarray:
    """A matrix ``(k, 128)`` that maps our indicators ``(k,)`` to the predictor's.

    A resolution between two that the predictor knows counts as the lower one, as in the released code.
    """
    ours = [(choice.name, option) for choice in space.choices for option in choice.options]
    theirs = [(f"{block}.{what}", option) for what, options in OPTIONS.items() for block in BLOCKS for option in options]
    theirs += [("resolution", resolution) for resolution in RESOLUTIONS]
    column = {indicator: number for number, indicator in enumerate(theirs)}
    known = [(name, max(r for r in RESOLUTIONS if r <= option) if name == "resolution" else option) for name, option in ours]
    matrix = np.zeros((len(ours), len(theirs)))
    for row, indicator in enumerate(known):
        if indicator in column:  # depths are not: blocks that they leave out have no indicator set
            matrix[row, column[indicator]] = 1
    return matrix
