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


def claims(program, folder, threads="1", hash_seed="0"):
    """The bytes of the claims that a program writes in a new process."""
    folder.mkdir(exist_ok=True)
    counts = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    environment = {**os.environ, **counts, "PYTHONHASHSEED": hash_seed}
    subprocess.run([sys.executable, "-c", program, str(folder / "claims.json")], env=environment, cwd=ROOT, check=True)
    return (folder / "claims.json").read_bytes()


@pytest.mark.slow
def test_a_search_claims_the_same_in_every_process(tmp_path):
    first = claims(SEARCH, tmp_path / "first")
    assert len(json.loads(first)) == 5
    assert claims(SEARCH, tmp_path / "again", threads="2", hash_seed="4711") == first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("notebook", "setting"),  # which measures no time
    [
        ("learn/01_what_is_a_supernet", "n_measured=4"),
        ("hardware_aware_nas/fig11_table2_weaknas", "benchmarks={digits-mbv3-table: [1.63, 1.87]}"),
    ],
)
def test_a_notebook_claims_the_same(tmp_path, notebook, setting):
    found = []
    for number, (threads, hash_seed) in enumerate((("1", "0"), ("2", "4711"))):
        output = tmp_path / str(number)
        settings = {"OMP_NUM_THREADS": threads, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "experiments/run.py", notebook, "--profile", "smoke", "--set", f"output_dir={output}"]
        command += ["--set", setting]
        subprocess.run(command, env=os.environ | settings, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        found.append((output / "claims.json").read_bytes())
    assert json.loads(found[0]) and found[0] == found[1]
