"""A search whose evaluations take a little time and log themselves, to be killed: prints ``begins``, then its history.

``python searches.py STORE LOG '{"pause": 0.02, ...}'``: the rest are arguments of :func:`nastoolkit.studies.optimize`.
"""

import json
import os
import signal
import sys
import time
from contextlib import nullcontext
from functools import partial

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import Running, optimize
from nastoolkit.studies.processes import Processes

SPACE = SearchSpace(Choice(f"c{i}", (3, 5, 7)) for i in range(12))
OBJECTIVES = [Objective("accuracy_top1", "max"), Objective("latency_ms", "min")]


def values(genotypes):
    return 70 + np.stack([(genotypes**2) @ np.arange(12), genotypes @ np.ones(12, dtype=int)], axis=1) / 7


def evaluate(genotypes, log, pause, slow=1):
    """Every fourth sub-network takes ``slow`` times as long as the others; the log has who ended when, after how long."""
    pause *= slow if genotypes.sum() % 4 == 0 else 1
    begin = time.time()
    time.sleep(pause)
    line = "".join(f"{' '.join(map(str, row))},{os.getpid()},{begin},{time.time()}\n" for row in genotypes.tolist())
    with open(log, "a") as file:
        file.write(line)
    return values(genotypes)


def fragile(genotypes):
    """The worker is killed by a first gene of 0, and sleeps by one of 1."""
    if genotypes[0, 0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if genotypes[0, 0] == 1:
        time.sleep(600)
    return values(genotypes)


def search(store, log, executor=None, pause=0.0, slow=1, algorithm="nsga2", **settings):
    measure = partial(evaluate, log=log, pause=pause, slow=slow)
    how = {name: settings.pop(name) for name in ("in_flight", "retries") if name in settings}
    running = Running(executor=executor, **how)
    history = optimize(
        SPACE, measure, OBJECTIVES, algorithm, store=store, executor=running, progress=False, population=20, **settings
    )
    return history.genotypes.tobytes().hex() + " " + history.values.tobytes().hex()


def main(store, log, settings):
    settings = json.loads(settings)
    print("begins", flush=True)
    with executor_of(**{key: settings.pop(key) for key in ("n_workers", "dask", "mpi") if key in settings}) as executor:
        print(search(store, log, executor, **settings))


def executor_of(n_workers=0, dask=None, mpi=False):
    if dask:
        from distributed import Client

        return Client(dask).get_executor(pure=False)
    if mpi:
        from mpi4py.futures import MPIPoolExecutor

        return MPIPoolExecutor()
    return Processes(n_workers) if n_workers else nullcontext()


if __name__ == "__main__":
    main(*sys.argv[1:])
