"""Every predictor predicts what it predicted when its golden file was written, as long as its version is the same.

After a change on purpose, raise its number in ``VERSIONS``, and ``python tests/predictors/test_golden_predictions.py NAME``
writes its predictions anew, without a name all of them.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from nastoolkit.predictors import PREDICTORS
from nastoolkit.predictors.regressors import VERSIONS

FILE = Path(__file__).parent / "golden_predictions.json"
ROWS = np.random.default_rng(3).integers(0, 3, (70, 8)).astype(float)
VALUES = ROWS @ np.arange(1.0, 9.0) + 2 * ROWS[:, 0] * ROWS[:, 1]


def predictions(name):
    return PREDICTORS[name]().fit(ROWS[:60], VALUES[:60]).predict(ROWS[60:]).round(4).tolist()


def golden():
    return json.loads(FILE.read_text())


@pytest.mark.parametrize("name", PREDICTORS)
def test_the_predictions_are_the_golden_ones(name):
    stored = golden()[name]
    assert stored["version"] == VERSIONS[name]
    np.testing.assert_allclose(predictions(name), stored["predictions"], rtol=0.01)  # libraries' versions and machines differ


def test_there_are_no_others():
    assert golden().keys() == PREDICTORS.keys() == VERSIONS.keys()


if __name__ == "__main__":
    known = golden() if FILE.exists() else {}
    for name in sys.argv[1:] or PREDICTORS:
        found, old = predictions(name), known.get(name)
        if old and old["version"] == VERSIONS[name] and not np.allclose(old["predictions"], found, rtol=0.01):
            sys.exit(f"{name} predicts something else, and its version is still {VERSIONS[name]}: raise it first")
        known[name] = {"version": VERSIONS[name], "predictions": found}
    FILE.write_text(json.dumps({name: known[name] for name in PREDICTORS}, indent=1) + "\n")
