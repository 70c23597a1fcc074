import os
import signal
import subprocess
import sys
import time
from functools import partial
from types import ModuleType

import numpy as np
import psutil
import pytest

from nastoolkit.studies.processes import Processes

WORKER_OF_A_KILLED_PROCESS = """
import os, time
from nastoolkit.studies.processes import Processes
if __name__ == "__main__":
    executor = Processes(1)
    print(executor.submit(os.getpid).result(), flush=True)
    executor.submit(time.sleep, 600).result()
"""


@pytest.fixture(scope="module")
def executor():
    with Processes(2) as executor:
        yield executor


def test_calls_run_in_other_processes(executor):
    numbers = {executor.submit(os.getpid).result() for _ in range(4)}
    assert 0 < len(numbers) <= 2 and os.getpid() not in numbers
    assert list(executor.map(abs, range(-4, 0))) == [4, 3, 2, 1]


def test_a_call_that_raises_says_what(executor):
    with pytest.raises(ValueError, match="invalid literal"):
        executor.submit(int, "x").result()


def test_a_worker_that_is_killed_takes_only_its_own_call_with_it(executor):
    others = [executor.submit(time.sleep, 0.3) for _ in range(3)]
    killed = executor.submit(signal.raise_signal, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="its worker process died; perhaps it ran out of memory"):
        killed.result()
    assert [other.result() for other in others] == [None] * 3
    assert executor.submit(abs, -1).result() == 1


def test_a_call_that_takes_too_long_is_killed():
    with Processes(2, timeout_s=5.0) as executor:
        worker = psutil.Process(executor.submit(os.getpid).result())
        late = [executor.submit(time.sleep, 600) for _ in range(2)]
        for call in late:
            with pytest.raises(TimeoutError, match="no result after 5.0 s, so its worker was killed"):
                call.result()
        assert psutil.wait_procs([worker], timeout=120)[1] == []
        assert executor.submit(abs, -2).result() == 2


def test_what_cannot_be_sent_is_told(executor):
    with pytest.raises(Exception, match="pickle"):
        executor.submit(abs, lambda: 0).result()
    assert executor.submit(partial(np.add, 1), 1).result() == 2


def test_a_function_that_workers_cannot_import_is_told(monkeypatch):
    notebook = ModuleType("notebook_cell")
    notebook.evaluate = lambda: None
    notebook.evaluate.__module__, notebook.evaluate.__qualname__ = "notebook_cell", "evaluate"
    monkeypatch.setitem(sys.modules, "notebook_cell", notebook)
    with Processes(1) as executor, pytest.raises(RuntimeError, match="can it import evaluate"):
        executor.submit(len, notebook.evaluate).result()


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    (tmp_path / "program.py").write_text(WORKER_OF_A_KILLED_PROCESS)
    parent = subprocess.Popen([sys.executable, tmp_path / "program.py"], stdout=subprocess.PIPE, text=True)
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    assert not psutil.wait_procs([worker], timeout=120)[1]


def test_none_are_started_before_the_first_call():
    with Processes(2) as executor:
        assert not executor._pools
