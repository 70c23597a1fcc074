"""NAS-Bench-Macro: 6,561 networks, complete: mean accuracy on CIFAR-10 against MACs or parameters.

[Su2021] X. Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021, Section 5.1.

Differs from the paper in: there are two objectives; the paper looks for the best accuracy alone.
"""

from __future__ import annotations

from pathlib import Path

from nastoolkit.benchmarks.tables import Table
from nastoolkit.objectives import Objective
from nastoolkit.published import nas_bench_macro


class NASBenchMacro(Table):
    """Eight choices of three operations; the accuracy is the mean of three trainings (median standard deviation 0.14 %).

    Args:
        cost: ``mmacs`` or ``params``.
        folder: See :func:`nastoolkit.published.find`.
    """

    quality = (Objective("accuracy_top1", "max", "%"), 80.0)
    costs = {"mmacs": (Objective("mmacs", "min", "MMACs"), 110.0), "params": (Objective("params", "min"), 3e6)}

    def __init__(self, cost: str = "mmacs", folder: str | Path | None = None) -> None:
        data = nas_bench_macro(folder)
        columns = {"accuracy_top1": data.accuracy_top1.mean(axis=1), "mmacs": data.macs / 1e6, "params": data.params}
        super().__init__(data.space, data.genotypes, columns, cost, folder)
