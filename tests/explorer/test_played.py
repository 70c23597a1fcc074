import base64
import json

import numpy as np
import pytest

from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable
from nastoolkit.explorer.packing import packed
from nastoolkit.explorer.played import ALGORITHMS, BUDGET, FILE, N_DIGITS, SEEDS, SHARE, curves_of, digits, networks
from nastoolkit.explorer.readers import Readers
from nastoolkit.explorer.stored import Stored
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import load_supernet
from nastoolkit.support.display_names import algorithm_name
from nastoolkit.tasks import load_task


@pytest.fixture(scope="module")
def kept():
    return json.loads(FILE.read_text())


def test_the_races_are_those_that_the_searches_run(kept):
    table = DigitsTable()
    whole = table.front.hypervolume(table.reference_point)
    assert list(kept["races"]) == [algorithm_name(name) for name in ALGORITHMS]
    for name in ("nsga2", "random"):
        assert kept["races"][algorithm_name(name)] == packed(curves_of(name) / whole / SHARE, np.uint16)
    for text in kept["races"].values():
        curves = np.frombuffer(base64.b64decode(text), dtype="<u2").reshape(SEEDS, BUDGET) * SHARE
        assert (np.diff(curves, axis=1) >= 0).all() and curves.max() <= 1 + SHARE


def test_the_answers_are_those_of_the_networks(kept, monkeypatch):
    supernet = load_supernet("digits-mbv3")
    stored = Stored(supernet.family)
    assert kept["readers"] == networks(stored).tolist() and len(kept["digits"]) == N_DIGITS
    monkeypatch.setattr("nastoolkit.explorer.played.N_DIGITS", 2)
    readers = Readers(Accuracy(supernet, load_task("digits"), n_calibration=stored.n_calibration, progress=False))
    ends = np.array(kept["readers"])[[0, -1]]
    for told, found in zip(kept["digits"][:2], digits(readers, ends), strict=True):
        assert (told["ink"], told["truth"]) == (found["ink"], found["truth"])
        shares, mine = (np.frombuffer(base64.b64decode(one["answers"]), dtype="u1").reshape(-1, 10) for one in (told, found))
        np.testing.assert_allclose(shares[[0, -1]].astype(float), mine, atol=2)
