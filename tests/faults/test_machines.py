"""Searches over Dask and MPI on loopback: the serial result, whatever dies; and workers that have no idle time."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from watching import logged, stored

PROGRAM = Path(__file__).with_name("searches.py")
N_WORKERS = 2
POPULATION = 20  # of its searches, all of which the cluster has at once


class Cluster:
    """A Dask scheduler and its workers, each a process of its own on loopback."""

    def __init__(self, folder):
        self.folder, self.workers = folder, []
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", folder / "dask.json"
        )
        file = folder / "dask.json"
        while not (file.exists() and file.read_text().strip().endswith("}")):
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]
        for _ in range(N_WORKERS):
            self.add_worker()

    def _start(self, kind, *words):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *map(str, words)]
        with (self.folder / f"{kind}.txt").open("a") as output:
            return subprocess.Popen(command, cwd=self.folder, stdout=output, stderr=output)

    def add_worker(self):
        self.workers.append(self._start("worker", self.address, "--nthreads", "1", "--no-nanny"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


def cluster(folder):
    pytest.importorskip("distributed")
    folder.mkdir()
    return Cluster(folder)


def search(folder, name, **settings):
    command = [sys.executable, PROGRAM, folder / f"{name}.sqlite", folder / f"{name}.log", json.dumps(settings)]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process):
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    return output


def wait_for(process, log, n):
    while len(logged(log)) < n:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)


@pytest.mark.slow
def test_dask_loses_a_worker_and_then_its_scheduler(tmp_path):
    """The serial history; repeated is what the dead worker had, and what all had when the scheduler died."""
    settings = {"budget": 200, "seed": 5}
    expected = result(search(tmp_path, "serial", **settings))
    with cluster(tmp_path / "first") as first:
        running = search(tmp_path, "a", **settings, pause=0.05, dask=first.address)
        wait_for(running, tmp_path / "a.log", 30)
        first.workers.pop().kill()
        wait_for(running, tmp_path / "a.log", 90)
        first.scheduler.kill()
        _, errors = running.communicate(timeout=900)
        assert running.returncode == 1
        assert "EvaluationError: the executor lost its workers" in errors and "the same call goes on" in errors
    before, n_before = stored(tmp_path / "a.sqlite"), len(logged(tmp_path / "a.log"))
    assert n_before < 200
    with cluster(tmp_path / "second") as second:
        assert result(search(tmp_path, "a", **settings, dask=second.address)) == expected
    assert len(set(logged(tmp_path / "a.log"))) == 200
    assert not before & set(logged(tmp_path / "a.log")[n_before:]), "a stored evaluation was repeated"
    assert len(logged(tmp_path / "a.log")) <= 200 + 2 * POPULATION, "more was lost than was in flight"


@pytest.mark.slow
def test_dask_keeps_slow_and_quick_workers_busy(tmp_path):
    """Told of what is finished, the search goes on; run again on another cluster, it replays that without measuring."""
    settings = {"budget": 60, "seed": 5, "in_flight": N_WORKERS + 1}
    with cluster(tmp_path / "first") as first:
        output = result(search(tmp_path, "a", **settings, pause=0.02, slow=10, dask=first.address))
    assert len(set(logged(tmp_path / "a.log"))) == 60
    with cluster(tmp_path / "second") as second:
        assert result(search(tmp_path, "a", **settings, dask=second.address)) == output
    assert len(logged(tmp_path / "a.log")) == 60


@pytest.mark.slow
def test_mpi_gives_the_serial_history(tmp_path):
    pytest.importorskip("mpi4py.futures")
    if not (mpiexec := shutil.which("mpiexec", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")):
        pytest.skip("there is no mpiexec")
    settings = {"budget": 60, "seed": 5}
    command = [mpiexec, "--oversubscribe", "-n", "3", sys.executable, "-m", "mpi4py.futures", str(PROGRAM)]
    command += [str(tmp_path / "a.sqlite"), str(tmp_path / "a.log"), json.dumps(settings | {"pause": 0.01, "mpi": True})]
    allowed = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    finished = subprocess.run(command, capture_output=True, text=True, timeout=900, env=allowed, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == result(search(tmp_path, "serial", **settings))
    assert len({line.split(",")[1] for line in (tmp_path / "a.log").read_text().splitlines()}) == 2  # processes
