"""Searches, tables and notebooks that are killed at random moments go on and lose nothing; trainings are in test_kills.py.

NASTOOLKIT_KILLS says how often each of them is killed; a search half of the time in its main process, half in a worker.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from watching import logged, stored

N_KILLS = int(os.environ.get("NASTOOLKIT_KILLS", 2))
PROGRAM = Path(__file__).with_name("searches.py")
POPULATION = 20  # of its searches, all of which the executor has at once


class Killed:
    """A command that is started anew whenever it was killed; it prints ``begins`` when there is something to lose."""

    def __init__(self, *command):
        self.command = [sys.executable, *map(str, command)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "begins\n"

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        workers = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        assert not psutil.wait_procs(workers, timeout=120)[1], "its workers or its kernel go on"

    def kill_a_worker(self):
        workers = [child for child in psutil.Process(self.process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
        if workers:
            random.choice(workers).kill()
        return bool(workers)

    def result(self):
        output = self.process.communicate(timeout=900)[0]
        assert self.process.returncode == 0
        return output


def search(folder, name, **settings):
    return Killed(PROGRAM, folder / f"{name}.sqlite", folder / f"{name}.log", json.dumps(settings))


@pytest.mark.slow
@pytest.mark.parametrize(("n_workers", "in_flight"), [(0, None), (2, None), (2, 3)], ids=["here", "workers", "asynchronous"])
def test_a_search_killed_at_random_moments(tmp_path, n_workers, in_flight):
    """An asynchronous search has no history but its own: run again, it has it again, and measures nothing."""
    settings = {"budget": 100 + 20 * N_KILLS * (1 + n_workers), "seed": 3, "retries": 5}
    busy, n_flying = {"n_workers": n_workers, "in_flight": in_flight}, 2 * n_workers or 1  # under way, or not saved yet
    n_late = POPULATION if n_workers else 0  # a busy machine may keep the main process from what its workers have finished
    expected = None if in_flight else search(tmp_path, "whole", **settings).result()
    killed = search(tmp_path, "killed", **settings, **busy, pause=0.03)
    store, log = tmp_path / "killed.sqlite", tmp_path / "killed.log"
    before, n_before, n_mains = set(), 0, 0
    for turn in range(N_KILLS):
        begins_only = random.random() < 0.3
        while not begins_only and killed.is_running() and len(logged(log)) == n_before:
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.6))
        assert killed.is_running(), "the search ended before it was killed often enough"
        if turn % 2 and n_workers and killed.kill_a_worker():
            continue
        killed.kill()
        n_mains += 1
        since = list(dict.fromkeys(logged(log)[n_before:]))
        assert not before & set(since), "a stored evaluation was repeated"
        before, n_before = stored(store), len(logged(log))
        assert set(since) - before <= set(since[-max(n_flying, n_late) :]), "what was not in flight was lost"
        assert len(set(logged(log)) - before) <= n_mains * n_flying + n_late, "more was lost than was in flight"
        killed.start()
    found = killed.result()
    assert not before & set(logged(log)[n_before:]), "a stored evaluation was repeated"
    if in_flight:
        n_logged, expected = len(logged(log)), search(tmp_path, "killed", **settings, **busy).result()
        assert len(logged(log)) == n_logged
    assert found == expected
    assert len(logged(log)) <= settings["budget"] + n_mains * n_flying + n_late


def networks(file):
    """The whole lines of a table in the making, without the identity."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines[1:] if line.endswith("}")]


@pytest.mark.slow
def test_a_lookup_table_killed_while_it_is_built(tmp_path):
    file = tmp_path / "table.partial"
    killed = Killed(PROGRAM.with_name("tables.py"), file, 8 + 6 * N_KILLS)
    kept = []
    for _ in range(N_KILLS):
        while killed.is_running() and len(networks(file)) == len(kept):
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.4))
        assert killed.is_running(), "the table was finished before it was killed often enough"
        killed.kill()
        kept, before = networks(file), kept
        assert kept[: len(before)] == before and len(kept) > len(before)
        killed.start()
    done, timings = json.loads(killed.result())
    assert done[: len(kept)] == kept and all(timing > 0 for timing in timings)
    assert not file.exists() and file.with_suffix(".json").exists()


NOTEBOOK_BUDGET = 100 + 14 * N_KILLS
PARAMETERS = 'output_dir: str = "runs/unset"  # where the files go\npause: float = 0.0  # seconds'
PROFILES = "# A test, 1 minute\nprofiles:\n  smoke: {pause: 0.05}\n  laptop: {}\n  paper: {}\n"
CELL = """import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
from searches import search
Path(output_dir, "history.txt").write_text(
    search(f"{{output_dir}}/a.sqlite", f"{{output_dir}}/a.log", pause=pause, budget={budget}, seed=3))"""
RUN = """import sys
from pathlib import Path
import run
print("begins", flush=True)
sys.exit(run.main(["good", "--profile", sys.argv[2]], Path(sys.argv[1])))"""


@pytest.fixture
def root(tmp_path):
    """A project of one notebook, which searches."""
    code = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    code.append(nbformat.v4.new_code_cell(CELL.format(folder=str(PROGRAM.parent), budget=NOTEBOOK_BUDGET)))
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    for folder in ("notebooks", "experiments"):
        (tmp_path / folder).mkdir()
    notebook = nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "notebooks" / "good.ipynb")
    (tmp_path / "experiments" / "good.yaml").write_text(PROFILES)
    return tmp_path


@pytest.mark.slow
def test_a_notebook_whose_runner_is_killed(root, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PROGRAM.parents[2] / "experiments"))
    assert "done" in Killed("-c", RUN, root, "laptop").result()
    folder = root / "runs/good/smoke"
    log, n_logged, before = folder / "a.log", 0, set()
    killed = Killed("-c", RUN, root, "smoke")
    for _ in range(N_KILLS):
        while killed.is_running() and len(logged(log)) == n_logged:
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.5))
        assert killed.is_running(), "the notebook ended before its runner was killed often enough"
        killed.kill()
        assert not before & set(logged(log)[n_logged:]), "a stored evaluation was repeated"
        before, n_logged = stored(folder / "a.sqlite"), len(logged(log))
        assert len(set(logged(log)) - before) <= N_KILLS
        assert not (folder / "run.json").exists() and not (folder / "history.txt").exists()
        killed.start()
    assert "done" in killed.result()
    assert (folder / "history.txt").read_text() == (root / "runs/good/laptop/history.txt").read_text()
    assert not before & set(logged(log)[n_logged:]) and len(logged(log)) <= NOTEBOOK_BUDGET + N_KILLS
