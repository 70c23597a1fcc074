import json
import math
import os
import re
import struct
import subprocess
import sys
import time
from copy import copy
from functools import partial
from pathlib import Path
from types import ModuleType

import grids
import numpy as np
import pandas as pd
import psutil
import pytest
from tqdm import tqdm

from nastoolkit.studies import Failure, JobsError, jobs, replay, run_grid
from nastoolkit.support.files import atomically

JOBS = jobs(arm=["linas", "random"], seed=range(3))
QUIET = {"version": 1, "progress": False}


@pytest.fixture(autouse=True)
def helpers(monkeypatch):
    """Workers find the functions of ``grids.py``."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(grids.__file__).parent), *sys.path]))


def test_jobs_are_all_combinations_the_last_argument_first():
    found = jobs(arm=["a", "b"], seed=range(2), problem="line", rate=np.array([0.5]), options={"population": 5})
    rest = {"problem": "line", "rate": 0.5, "options": {"population": 5}}
    assert found == [{"arm": arm, "seed": seed, **rest} for arm in "ab" for seed in range(2)]
    assert jobs(seed=[]) == [] and jobs() == [{}] and type(jobs(seed=np.arange(2))[1]["seed"]) is int


def test_rows_come_back_in_the_order_of_the_jobs_with_their_arguments(tmp_path):
    found = run_grid(grids.search, JOBS, tmp_path, n_workers=0, **QUIET)
    assert list(found) == ["arm", "seed", "step", "score"] and list(found.index) == list(range(12))
    assert list(found.arm) == ["linas"] * 6 + ["random"] * 6 and list(found.seed) == [0, 1, 1, 2, 2, 2] * 2
    expected = [row["score"] for job in JOBS for row in grids.search(**job)]
    assert list(found.score) == expected and len(list(tmp_path.iterdir())) == 6
    assert list(run_grid(grids.search, JOBS[::-1], tmp_path, n_workers=0, **QUIET).seed) == [2, 2, 2, 1, 1, 0] * 2


@pytest.mark.parametrize("function", [grids.table, grids.odd])
def test_the_answer_is_the_same_for_any_number_of_workers(tmp_path, function):
    found = [run_grid(function, JOBS, tmp_path / str(n), n_workers=n, **QUIET) for n in (0, 2)]
    found.append(run_grid(function, JOBS, tmp_path / "2", n_workers=0, **QUIET))  # from its files
    for other in found[1:]:
        pd.testing.assert_frame_equal(other, found[0], check_exact=True)


def bits(number):
    return struct.pack("d", number)


def test_numbers_come_back_bit_by_bit(tmp_path):
    (row,) = run_grid(grids.odd, JOBS[:1], tmp_path, n_workers=0, **QUIET).to_dict("records")
    assert {name: bits(row[name]) for name in grids.ODD} == {name: bits(value) for name, value in grids.ODD.items()}
    assert (row["count"], row["truth"], row["none"]) == (2**62, True, None)
    assert row["curve"][0] == 0.1 and math.isnan(row["curve"][1])
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".json"]


def test_a_result_is_kept_for_its_function_its_version_and_its_job(tmp_path, monkeypatch):
    first = run_grid(grids.search, JOBS, tmp_path, n_workers=0, **QUIET)
    monkeypatch.setattr("nastoolkit.studies.grid._run", lambda function, file, job, arguments: Failure(job, "not kept"))
    pd.testing.assert_frame_equal(run_grid(grids.search, JOBS, tmp_path, n_workers=2, **QUIET), first)
    others = [
        (grids.search, 2, JOBS),
        (grids.search, "1", JOBS),
        (grids.fragile, 1, JOBS),
        (grids.search, 1, jobs(arm="linas", seed=3)),
    ]
    for function, version, asked in others:
        with pytest.raises(JobsError, match=f"^{len(asked)} of {len(asked)} jobs failed.*(\n.* not kept){{{len(asked)}}}$"):
            run_grid(function, asked, tmp_path, version=version, n_workers=0, progress=False)


@pytest.mark.parametrize("n_workers", [0, 1])
def test_a_call_may_be_given_other_arguments_than_its_job_which_alone_is_kept(tmp_path, n_workers):
    given = [{"arm": "linas", "seed": np.array(1)}, {"arm": "random", "seed": np.array(0)}]
    asked, how = jobs(question=["a", "b"]), {"n_workers": n_workers, **QUIET}
    found = run_grid(grids.search, asked, tmp_path, given=given, **how)
    assert list(found) == ["question", "step", "score"] and list(found.question) == ["a", "a", "b"]
    pd.testing.assert_frame_equal(run_grid(grids.search, asked, tmp_path, given=[{}, {}], **how), found)
    with pytest.raises(ValueError, match="shorter"):
        run_grid(grids.search, asked, tmp_path, given=given[:1], **how)


def test_a_result_of_another_algorithm_or_library_is_made_again(tmp_path, monkeypatch):
    run_grid(grids.search, JOBS[:1], tmp_path, n_workers=0, **QUIET)
    run_grid(grids.search, JOBS[:1], tmp_path, n_workers=0, **QUIET)
    assert len(list(tmp_path.glob("*.json"))) == 1
    monkeypatch.setitem(replay.VERSIONS, "ridge", -1)
    run_grid(grids.search, JOBS[:1], tmp_path, n_workers=0, **QUIET)
    assert len(list(tmp_path.glob("*.json"))) == 2


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"job": {}}', '{"job": {"arm": "other"}, "rows": []}', '{"job": 3, "rows": [1]}']
)
def test_a_file_that_is_damaged_is_made_again(tmp_path, damage):
    first = run_grid(grids.search, JOBS[:2], tmp_path, n_workers=0, **QUIET)
    for file in tmp_path.iterdir():
        file.write_text(damage)
    pd.testing.assert_frame_equal(run_grid(grids.search, JOBS[:2], tmp_path, n_workers=0, **QUIET), first)


def test_failed_jobs_are_named_while_the_others_finish(tmp_path):
    asked = jobs(arm=["linas", "raises", "dies", "odd"], seed=[1, 2])
    with pytest.raises(JobsError) as failed:
        run_grid(grids.fragile, asked, tmp_path, n_workers=2, **QUIET)
    first, *lines = str(failed.value).splitlines()
    assert first == "5 of 8 jobs failed; the others are kept, and run again, these alone are tried:"
    assert lines[0] == "  arm='raises', seed=1: ZeroDivisionError: no seed"
    died = "RuntimeError: its worker process died; perhaps it ran out of memory"
    assert lines[1:3] == [f"  arm='dies', seed={seed}: {died}" for seed in (1, 2)]
    assert lines[3:5] == ["  arm='odd', seed=1: OddError: it:", "failed"]
    assert 'raise ZeroDivisionError("no seed")' in "\n".join(lines[7:])  # where the first one happened
    assert [failure.job for failure in failed.value.failures] == [asked[2], *asked[4:]]
    assert str(copy(failed.value)) == str(failed.value) and len(list(tmp_path.iterdir())) == 3
    assert len(run_grid(grids.fragile, asked[:2] + asked[3:4], tmp_path, n_workers=0, **QUIET)) == 8


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ("none", "TypeError: a job must return a list of dicts or a data frame, got None"),
        ("object", "TypeError: a file keeps numbers, texts, .* got <object object at"),
        ("other seed", "ValueError: a row has seed=7, which is 1 in the job"),
        ("missing", "KeyError: 'missing'"),
    ],
)
def test_what_is_no_result_is_told(tmp_path, arm, message):
    with pytest.raises(JobsError, match=re.escape(f"arm={arm!r}, seed=1: ") + message):
        run_grid(grids.returns, jobs(arm=arm, seed=1), tmp_path, n_workers=0, **QUIET)
    assert not list(tmp_path.iterdir())


def test_a_row_may_repeat_what_its_job_says(tmp_path):
    assert run_grid(grids.returns, jobs(arm="same seed", seed=1), tmp_path, n_workers=0, **QUIET).to_dict("list") == {
        "arm": ["same seed"],
        "seed": [1],
    }


@pytest.mark.parametrize("n_workers", [0, 1])
def test_every_job_has_one_thread(tmp_path, monkeypatch, n_workers):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    found = run_grid(grids.threads, jobs(arm="a", seed=range(2)), tmp_path, n_workers=n_workers, **QUIET)
    assert (found.torch == 1).all() and (found.pools == 1).all()
    assert (found.pid == os.getpid()).all() if n_workers == 0 else os.getpid() not in set(found.pid)
    assert os.environ["OMP_NUM_THREADS"] == "2" and "MKL_NUM_THREADS" not in os.environ


def test_what_is_no_function_of_a_module_is_told(tmp_path):
    for function in (partial(grids.search, problem="other"), lambda arm, seed: [], np.add, len):
        with pytest.raises(ValueError, match="a grid needs a function of a module"):
            run_grid(function, JOBS, tmp_path, n_workers=0, **QUIET)


def test_a_function_of_a_notebook_runs_here_alone(tmp_path, monkeypatch):
    def cell(arm, seed):
        return [{"score": seed}]

    cell.__module__, cell.__qualname__ = "__main__", "cell"
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    with pytest.raises(ValueError, match="worker processes cannot import cell, which is defined in a notebook: move it"):
        run_grid(cell, JOBS, tmp_path, n_workers=1, **QUIET)
    assert list(run_grid(cell, JOBS, tmp_path, n_workers=0, **QUIET).score) == [0, 1, 2] * 2


@pytest.mark.parametrize(
    ("asked", "settings", "error", "message"),
    [
        ([*JOBS, JOBS[0]], {}, ValueError, "some jobs are the same"),
        ([{"arm": "a", "seed": np.float32(1)}, {"seed": 1.0, "arm": "a"}], {}, ValueError, "some jobs are the same"),
        ([{"arm": "a", "seed": {1, 2}}], {}, TypeError, r"got \{1, 2\} of type set"),
        ([{"arm": "a", "seed": {1: 2}}], {}, TypeError, r"got \{1: 2\} of type dict"),
        ([{"arm": "a", "seed": np.longdouble(1)}], {}, TypeError, "of type longdouble"),
        (JOBS, {"n_workers": -1}, ValueError, "n_workers must be at least 0, got -1"),
    ],
)
def test_jobs_that_cannot_be_kept_apart_are_told(tmp_path, asked, settings, error, message):
    with pytest.raises(error, match=message):
        run_grid(grids.search, asked, tmp_path, **QUIET, **settings)
    assert not list(tmp_path.iterdir())


def test_a_grid_without_jobs_or_rows_is_an_empty_frame(tmp_path):
    assert run_grid(grids.search, [], tmp_path, n_workers=0, **QUIET).empty
    none = run_grid(grids.search, jobs(arm="a", seed=-1), tmp_path, n_workers=0, **QUIET)
    assert none.empty and list(none) == ["arm", "seed"]


def test_a_result_that_something_took_away_is_missed(tmp_path, monkeypatch):
    monkeypatch.setattr("nastoolkit.studies.grid._run", lambda function, file, job, arguments: None)
    with pytest.raises(OSError, match="these files of results cannot be read: .*json, .*json"):
        run_grid(grids.search, JOBS[:2], tmp_path, n_workers=0, **QUIET)


def test_the_progress_bar_begins_with_what_is_kept(tmp_path, capsys):
    run_grid(grids.search, JOBS[:2], tmp_path, version=1, n_workers=0, progress=False)
    assert capsys.readouterr().err == ""
    run_grid(grids.search, JOBS, tmp_path, version=1, n_workers=0)
    shown = capsys.readouterr().err
    assert "search:  33%" in shown and "| 6/6 [" in shown


def test_a_full_disk_leaves_no_part_of_a_result(tmp_path, monkeypatch):
    def full(path):
        raise OSError("No space left on device")

    monkeypatch.setattr("nastoolkit.studies.results.atomically", full)
    with pytest.raises(JobsError, match="OSError: No space left on device"):
        run_grid(grids.search, JOBS[:1], tmp_path, n_workers=0, **QUIET)
    monkeypatch.setattr("nastoolkit.studies.results.atomically", atomically)
    assert len(run_grid(grids.search, JOBS[:1], tmp_path, n_workers=0, **QUIET)) == 1


@pytest.mark.parametrize("n_workers", [0, 2])
def test_an_interrupt_says_how_to_go_on_and_begins_no_further_job(tmp_path, monkeypatch, n_workers):
    class Interrupted(tqdm):
        def update(self, n=1):
            raise KeyboardInterrupt

    monkeypatch.setattr("nastoolkit.studies.grid.tqdm", Interrupted)
    asked = jobs(log=str(tmp_path / "log"), seed=range(30))
    with pytest.raises(KeyboardInterrupt, match="what is finished is kept in .*kept; run it again to go on"):
        run_grid(grids.logged, asked, tmp_path / "kept", n_workers=n_workers, **QUIET)
    n_before = len(done(tmp_path / "log"))
    assert 1 <= n_before <= 4
    monkeypatch.setattr("nastoolkit.studies.grid.tqdm", tqdm)
    assert list(run_grid(grids.logged, asked, tmp_path / "kept", n_workers=0, **QUIET).score) == [n / 7 for n in range(30)]
    assert len(done(tmp_path / "log")) <= 30 + n_workers


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_grid_that_is_killed_goes_on(tmp_path, n_workers):
    command = [sys.executable, grids.__file__, tmp_path / "kept", tmp_path / "log", str(n_workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None and len(done(tmp_path / "log")) <= 4:
            time.sleep(0.01)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert process.returncode == -9, "the grid ended before it was killed"
    assert not psutil.wait_procs(workers, timeout=120)[1], "its workers go on"
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert json.loads(output.splitlines()[1]) == {"seed": list(range(30)), "score": [seed / 7 for seed in range(30)]}
    assert set(done(tmp_path / "log")) == {str(seed) for seed in range(30)}
    assert len(done(tmp_path / "log")) <= 30 + max(n_workers, 1)  # those under way were lost


def done(log):
    return log.read_text().split() if log.exists() else []
