"""NAS-Bench-201: 15,625 cells, complete: validation accuracy against MACs or parameters. The user provides the file.

[Dong2020] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.

Differs from the paper in: there are two objectives, while its searches look for the best accuracy alone; training time is not
simulated.
"""

from __future__ import annotations

from pathlib import Path

from nastoolkit.benchmarks.tables import Table
from nastoolkit.objectives import Objective
from nastoolkit.published import nas_bench_201


class NASBench201(Table):
    """Six choices of five operations.

    Args:
        cost: ``mmacs`` or ``params_m``, in millions.
        folder: Folder of the file; see :func:`nastoolkit.published.nas_bench_201`.
    """

    quality = (Objective("accuracy_top1", "max", "%"), 50.0)
    costs = {"mmacs": (Objective("mmacs", "min", "MMACs"), 230.0), "params_m": (Objective("params_m", "min", "M"), 1.6)}

    def __init__(self, cost: str = "mmacs", folder: str | Path | None = None) -> None:
        data = nas_bench_201(folder)
        columns = {"accuracy_top1": data.accuracy_validation, "mmacs": data.mmacs, "params_m": data.params}
        super().__init__(data.space, data.genotypes, columns, cost, folder)
