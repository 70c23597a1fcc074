"""Functions that run a job of a grid; as a program, a grid to be killed: prints ``begins``, then its rows.

``python grids.py FOLDER LOG N_WORKERS``
"""

import json
import os
import signal
import sys
import time

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from nastoolkit.studies import jobs, run_grid

ODD = {"nan": np.nan, "inf": -np.inf, "zero": -0.0, "tiny": 5e-324, "third": 1 / 3, "single": np.float32(0.1)}


def search(arm, seed, problem="line"):
    """As many rows as the seed says, some of another kind."""
    rng = np.random.default_rng([abs(seed), len(arm), len(problem)])
    return [{"step": step, "score": rng.normal()} for step in range(seed + 1)]


def table(arm, seed):
    return pd.DataFrame({"step": [0, 1], "score": np.array([seed, 0.1], np.float32), "found": [True, False]})


def odd(arm, seed):
    return [{**ODD, "count": np.int64(2**62), "truth": np.bool_(True), "curve": np.array([0.1, np.nan]), "none": None}]


class OddError(Exception):
    """One that no other process can make again."""

    def __init__(self, what, why):
        super().__init__(f"{what}:\n{why}")


def fragile(arm, seed):
    if arm == "odd":
        raise OddError("it", "failed")
    if arm == "raises" and seed == 1:
        raise ZeroDivisionError("no seed")
    if arm == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    return search(arm, seed)


def returns(arm, seed):
    return {"none": None, "object": [{"score": object()}], "other seed": [{"seed": 7}], "same seed": [{"seed": seed}]}[arm]


def threads(arm, seed):
    import torch

    pools = max(pool["num_threads"] for pool in threadpool_info())
    return [{"pid": os.getpid(), "torch": torch.get_num_threads(), "pools": pools}]


def logged(log, seed):
    with open(log, "a") as file:
        file.write(f"{seed}\n")
    time.sleep(0.05)
    return [{"score": seed / 7}]


if __name__ == "__main__":
    print("begins", flush=True)
    asked = jobs(log=sys.argv[2], seed=range(30))
    found = run_grid(logged, asked, sys.argv[1], version=1, n_workers=int(sys.argv[3]), progress=False)
    print(json.dumps(found.drop(columns="log").to_dict("list")))
