"""How many networks each proxy of accuracy scores in a second of processor time.

Prints it for 1,000 cells of ``digits-cells``, or as many as are said, on one thread, each proxy with 64 digits.
Run: python tests/benchmark/proxies.py [N]
"""

import sys
from time import process_time

import numpy as np
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.measurements import PROXIES
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import TASKS

torch.set_num_threads(1)
supernet = Supernet(FAMILIES["digits-cells"]())
cells = supernet.family.space.sample(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, np.random.default_rng(0))
for name, proxy in PROXIES.items():
    measured = proxy(supernet, TASKS["digits"](), n_inputs=64)
    begun = process_time()
    measured(cells)
    print(f"{name:10s} {len(cells) / (process_time() - begun):10.1f} networks a second")
