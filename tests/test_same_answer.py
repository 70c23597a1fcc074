"""The same seed gives the same claims, bit for bit, in another process with another hash seed and more threads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SEARCH = """
import json, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
from nastoolkit.claims import claim
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize
from nastoolkit.space import Choice, SearchSpace
space = SearchSpace([Choice("depth", (2, 3, 4)), *(Choice(f"kernel{i}", (3, 5, 7), ("depth", (3, 4))) for i in range(9))])
def evaluate(genotypes):
    return 70 + 25 * np.tanh(genotypes @ np.linspace(0.01, 0.2, space.n_genes))[:, None]
def cost(genotypes):
    return 1.0 + (genotypes**2) @ np.linspace(1.0, 2.0, space.n_genes)
objectives = [Objective("accuracy_top1", "max", "%"), Objective("mmacs", "min", "MMACs", exact=cost)]
for algorithm in ("linas", "nsga2", "weaknas", "bayes", "random"):
    history = optimize(space, evaluate, objectives, algorithm, budget=40, population=10, seed=3, progress=False)
    facts = {"front": history.front().values.tolist(), "genotypes": history.genotypes.tolist()}
    claim(sys.argv[1], paper="nastoolkit", item=algorithm, statement="same", paper_value=None,
          ours=history.hypervolume((70.0, 60.0)), interval=facts, verdict="reproduced")
"""
TRAINING = """
import sys
from nastoolkit import FAMILIES, TASKS, Accuracy, Supernet
from nastoolkit.claims import claim
from nastoolkit.notebook import set_up
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation
set_up(sys.argv[1] + ".out")
supernet, task = Supernet(FAMILIES["digits-mbv3"](), seed=0), TASKS["digits"]()
sampler = Sandwich(supernet.family.space)
losses = fit(supernet, task, sampler, in_place_distillation, Recipe(4, 16), progress=False)
accuracy = Accuracy(supernet, task, n_calibration=50, n_images=100, progress=False)
ends = accuracy([supernet.family.space.smallest, supernet.family.space.largest])
for item, ours in (("losses", losses.tolist()), ("accuracy", ends.tolist())):
    claim(sys.argv[1], paper="nastoolkit", item=item, statement="same", paper_value=None, ours=ours, verdict="reproduced")
"""


def claims(program, folder, threads="1", hash_seed="0"):
    """The bytes of the claims that a program writes in a new process."""
    folder.mkdir(exist_ok=True)
    counts = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    environment = {**os.environ, **counts, "PYTHONHASHSEED": hash_seed}
    subprocess.run([sys.executable, "-c", program, str(folder / "claims.json")], env=environment, cwd=ROOT, check=True)
    return (folder / "claims.json").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("program", "n_claims"), [(SEARCH, 5), (TRAINING, 2)], ids=["searches", "training"])
def test_another_process_claims_the_same(tmp_path, program, n_claims):
    first = claims(program, tmp_path / "first")
    assert len(json.loads(first)) == n_claims
    assert claims(program, tmp_path / "again", threads="2", hash_seed="4711") == first
