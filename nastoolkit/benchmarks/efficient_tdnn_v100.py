"""EfficientTDNN on a V100: predicted equal error rate of speaker verification against latency by a table.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581: its
search problem, with the published predictor and table.

Differs from the paper in: a search for the whole front, while the paper looks for the best network within each of 18 latency
limits; the reference point is ours.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nastoolkit.benchmarks.base import Benchmark
from nastoolkit.objectives import Objective
from nastoolkit.published import ErrorPredictor, SpeakerLatency


class EfficientTDNNV100(Benchmark):
    """12 choices of ``efficient-tdnn``: ``eer`` in % (predicted) and ``latency_ms`` of 64 inputs of 3 seconds (exact).

    Networks take 7.4 to 28 ms, and their equal error rates are 1.4 to 5.1 %.

    Args:
        folder: Folder of the files; see :func:`nastoolkit.published.find`.

    Attributes:
        errors: Function from genotypes ``(n, d)`` to predicted equal error rates ``(n,)``, in %.
        latency_ms: Function from genotypes ``(n, d)`` to latencies ``(n,)``, in ms.
    """

    reference_point = (5.1, 28.0)
    targets = {f"{share}% of the front": share / 100 * 72.9361 for share in (90, 95, 99, 99.9)}  # of all 4,066,875 networks

    def __init__(self, folder: str | Path | None = None) -> None:
        super().__init__(folder)
        device = SpeakerLatency(folder)
        self.space, self.latency_ms = device.family.space, device.latency_ms
        self.errors = ErrorPredictor(self.space, folder)
        self.objectives = (Objective("eer", "min", "%"), Objective("latency_ms", "min", "ms", exact=self.latency_ms))

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to predicted equal error rates ``(n, 1)``, in %."""
        return self.errors(genotypes)[:, None]
