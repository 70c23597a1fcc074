"""Every algorithm proposes what it proposed when its trace was written, as long as its version is the same.

After a change of behaviour on purpose, raise ``version`` of each algorithm that it changes, and ``python
tests/search/test_golden_traces.py NAME ...`` writes their traces anew, without names all of them.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

FOLDER = Path(__file__).parent / "golden"
SPACE = SearchSpace(
    [
        choice
        for stage in range(4)
        for choice in (
            Choice(f"s{stage}.depth", (1, 2)),
            Choice(f"s{stage}.kernel", (3, 5, 7)),
            Choice(f"s{stage}.second", (3, 5, 7), when=(f"s{stage}.depth", (2,))),
        )
    ]
)
GAIN, COST = np.random.default_rng(7).integers(1, 1000, (2, SPACE.one_hot(SPACE.smallest).size))
OBJECTIVES = [Objective("quality", "max"), Objective("latency_ms", "min", "ms")]
SETTINGS = {
    "full": {"generations": 4, "sample": 24},
    "linas": {"generations": 4},
    "nat": {"generations": 4, "n_rows": 20},
    "weaknas": {"pool": 300, "top": 40},
}


def measure(genotypes):
    """Whole numbers ``(n, 2)``, far enough apart for no rounding of any machine to change their order."""
    features = SPACE.one_hot(genotypes).astype(int)
    return np.stack([features @ GAIN, features @ COST], axis=1)


def trace(name):
    objectives = [OBJECTIVES[0], replace(OBJECTIVES[1], at_most=4000.0 if ALGORITHMS[name].n_goals[1] == 1 else None)]
    settings = SETTINGS.get(name, {})
    history = optimize(SPACE, measure, objectives, name, 48, seed=5, population=12, progress=False, **settings)
    return ["".join(map(str, genotype)) for genotype in history.genotypes.tolist()]


def golden(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_trace_is_the_golden_one(name):
    assert golden(name) == {"version": ALGORITHMS[name].version, "trace": trace(name)}


def test_every_algorithm_has_a_trace_and_every_trace_an_algorithm():
    assert {path.stem for path in FOLDER.iterdir()} == ALGORITHMS.keys()


if __name__ == "__main__":
    for name in sys.argv[1:] or ALGORITHMS:
        file, version, found = FOLDER / f"{name}.json", ALGORITHMS[name].version, trace(name)
        if file.exists() and golden(name)["version"] == version and golden(name)["trace"] != found:
            sys.exit(f"{name} proposes something else, and its version is still {version}: raise it first")
        text = json.dumps({"version": version, "trace": found}, indent=1)
        file.write_text(text + "\n")
