"""10,648 sub-networks of the embedded supernet ``digits-mbv3``, measured: accuracy against latency, MACs or parameters.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020:
sub-networks are measured with the supernet's weights, after calibrating batch normalisation.

Differs from the paper in: calibration uses 500 images instead of 2,000.

Our own measurements: ``experiments/digits_table.py`` made the file next to this module. The latency is a lookup table's, for a
batch of 16 on one thread; ``DigitsTable.conditions`` names the machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.benchmarks.members import members
from nastoolkit.benchmarks.tables import Table
from nastoolkit.families import FAMILIES
from nastoolkit.objectives import Objective

FAMILY = "digits-mbv3"
FILE = Path(__file__).with_suffix(".npz")
N_CALIBRATION = 500
N_IMAGES = {"validation": 2000, "test": 2500}
WITHIN = {
    f"stage{stage}.{choice}": options
    for stage in (1, 2, 3)
    for choice, options in {
        "block1.kernel": (5,),
        "block1.expand": (2, 6),
        "block2.kernel": (3, 7),
        "block2.expand": (4,),
        "block3.kernel": (3, 7),
        "block3.expand": (2, 6),
    }.items()
}


class DigitsTable(Table):
    """15 free choices in three stages: the depth, one choice of the first and of the second block, both of the third block.

    A search sees the accuracy on 2,000 validation images; ``look_up("accuracy_test", genotypes)`` is for reporting.

    Args:
        cost: ``latency_ms``, ``mmacs`` or ``params``.

    Attributes:
        conditions: Conditions of the measurements: the supernet's weights and the machine of the latencies.
    """

    quality = (Objective("accuracy_top1", "max", "%"), 80.0)
    costs = {
        "latency_ms": (Objective("latency_ms", "min", "ms"), 5.0),
        "mmacs": (Objective("mmacs", "min", "MMACs"), 3.0),
        "params": (Objective("params", "min"), 2.5e5),
    }

    def __init__(self, cost: str = "latency_ms") -> None:
        family = FAMILIES[FAMILY]()
        space = family.space.restrict(WITHIN)
        genotypes = members(space)
        columns = {"mmacs": family.mmacs(genotypes), "params": family.params(genotypes)}
        with np.load(FILE) as file:
            validation, test = (100 * (file["n_correct"] / list(N_IMAGES.values()))).T
            columns |= {"accuracy_top1": validation, "accuracy_test": test, "latency_ms": file["latency_ms"]}
            self.conditions: dict[str, Any] = json.loads(str(file["conditions"]))
        super().__init__(space, genotypes, columns, cost)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.cost,)
