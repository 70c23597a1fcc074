"""Evaluations whose worker is killed, as by the kernel when memory runs out, or that never end."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
import searches

from nastoolkit.studies import Running, optimize
from nastoolkit.studies.processes import Processes


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* evaluations failed")
def test_killed_workers_and_calls_without_end_are_failures_with_a_reason(tmp_path):
    genotypes = np.zeros((8, 12), dtype=np.int64)
    genotypes[:, 0], genotypes[:, 1], genotypes[:, 2] = [2, 2, 0, 2, 1, 2, 2, 2], np.arange(8) % 3, np.arange(8) // 3
    how = {"budget": 8, "warm_start": genotypes, "store": tmp_path / "a.sqlite", "progress": False}
    with Processes(2, timeout_s=10.0) as executor:
        history = optimize(
            searches.SPACE,
            searches.fragile,
            searches.OBJECTIVES,
            "random",
            executor=Running(executor=executor, retries=1),
            **how,
        )
    np.testing.assert_array_equal(history.genotypes, genotypes)
    np.testing.assert_array_equal(history.failed, genotypes[:, 0] < 2)
    np.testing.assert_array_equal(history.values[~history.failed], searches.values(genotypes[~history.failed]))
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        reasons = dict(connection.execute("SELECT substr(genotype, 1, 1), reason FROM failures"))
    assert reasons == {
        "0": "RuntimeError: its worker process died; perhaps it ran out of memory",
        "1": "TimeoutError: no result after 10.0 s, so its worker was killed",
    }
    again = optimize(searches.SPACE, searches.fragile, searches.OBJECTIVES, "random", **how)  # here: it measures nothing
    assert again.values.tobytes() == history.values.tobytes()
