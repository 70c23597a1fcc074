"""Ctrl-C and "interrupt kernel", for real: what was measured is kept whole, and the last line says how to go on.

Training has its own such test, in ``training/test_interrupt.py``.
"""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from jupyter_client.manager import start_new_kernel

from nastoolkit.support.interrupts import explain_resume, noted_interrupts

QUIET = {**os.environ, "OMP_NUM_THREADS": "1"}
SECONDS = 300


def wait_for(ready, process=None):
    """Until ``ready()`` is true."""
    deadline = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < deadline and (process is None or process.poll() is None)
        time.sleep(0.05)


def interrupt(command, ready):
    """Run a command, send it SIGINT when it is ready; its exit code and the last line that it told."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=QUIET) as process:
        wait_for(ready, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
    assert not out and "Traceback" not in err
    return process.returncode, err.strip().splitlines()[-1]


def n_evaluations(store):
    """How many evaluations a store has; it must be sound."""
    if not store.exists():
        return 0
    try:
        with closing(sqlite3.connect(store)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return file.execute("SELECT count(*) FROM evaluations").fetchone()[0]
    except sqlite3.OperationalError:  # it is being made
        return 0


@pytest.mark.slow
def test_ctrl_c_in_a_search_keeps_what_was_measured_and_the_same_command_goes_on(tmp_path):
    store = tmp_path / "store.sqlite"
    command = [sys.executable, "-m", "nastoolkit.cli", "search", "--algorithm", "random", "--store", str(store)]
    code, told = interrupt([*command, "--budget", "100000"], lambda: n_evaluations(store) >= 3)
    kept = n_evaluations(store)
    assert code == 130 and kept >= 3 and not list(tmp_path.glob("*journal*"))
    assert re.fullmatch(rf"interrupted: run the same again, .* {re.escape(str(store))} keeps", told)
    again = subprocess.run([*command, "--budget", str(kept + 1), "--json"], capture_output=True, check=True, env=QUIET)
    assert json.loads(again.stdout)["evaluations"] == kept + 1 == n_evaluations(store)


@pytest.mark.slow
def test_ctrl_c_in_a_profile_keeps_the_networks_that_were_timed(tmp_path):
    output, partial = tmp_path / "table.json", tmp_path / "table.json.partial"
    command = [sys.executable, "-m", "nastoolkit.cli", "profile", "--output", str(output)]
    code, told = interrupt(command, lambda: partial.exists() and len(partial.read_text().splitlines()) >= 3)
    assert code == 130 and not output.exists() and len(list(tmp_path.iterdir())) == 1
    assert re.fullmatch(rf"interrupted: run the same again, .* {re.escape(str(partial))} keeps", told)
    first, *networks = [json.loads(line) for line in partial.read_text().splitlines()]
    assert first["family"] == "digits-mbv3" and all(network["median_ms"] > 0 for network in networks)


CELL = """
import time
import numpy as np
from nastoolkit import Choice, Objective, SearchSpace, optimize

space = SearchSpace(Choice(f"layer{{i}}", (1, 2, 3)) for i in range(9))

def evaluate(genotypes):
    time.sleep({seconds})
    return genotypes.sum(axis=1)

history = optimize(space, evaluate, [Objective("sum", "max")], "nsga2", {budget}, store={store!r}, progress=False)
print(len(history))
"""


@pytest.mark.slow
def test_interrupt_kernel_ends_a_cell_with_how_to_go_on_and_the_cell_goes_on(tmp_path):
    store = tmp_path / "store.sqlite"
    manager, client = start_new_kernel(startup_timeout=SECONDS, kernel_name="python3")
    try:
        asked = client.execute(CELL.format(seconds=0.2, budget=1000, store=str(store)), stop_on_error=False)
        wait_for(lambda: n_evaluations(store) >= 3)
        manager.interrupt_kernel()
        replies = iter(lambda: client.get_shell_msg(timeout=SECONDS), None)
        told = next(reply["content"] for reply in replies if reply["parent_header"]["msg_id"] == asked)
        assert told["ename"] == "KeyboardInterrupt" and told["evalue"].endswith(f"{store} keeps")
        kept, printed = n_evaluations(store), []
        reply = client.execute_interactive(
            CELL.format(seconds=0, budget=kept + 1, store=str(store)),
            timeout=SECONDS,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        assert "".join(printed).strip() == str(kept + 1) == str(n_evaluations(store))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_advice_is_of_the_moment_of_the_interrupt_and_other_errors_pass():
    done = []
    with pytest.raises(KeyboardInterrupt, match="after 1"), explain_resume(lambda: f"after {len(done)}"):
        done.append(1)
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="as it was"), explain_resume(lambda: "never"):
        raise ValueError("as it was")


def press():
    signal.raise_signal(signal.SIGINT)


def test_the_first_interrupt_is_noted_and_the_second_comes_at_once():
    done = []
    with pytest.raises(KeyboardInterrupt, match="after 1"), noted_interrupts(lambda: f"after {len(done)}") as interrupts:
        press()
        done.append(interrupts.n)
        press()
        done.append("never")
    assert done == [1] and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(ValueError, match="as it was"), noted_interrupts(str):
        raise ValueError("as it was")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_of_steps_within_a_step_is_noted_by_both():
    with noted_interrupts(str) as outer:
        with noted_interrupts(str) as inner:
            press()
        assert inner.n == outer.n == 1


def test_threads_are_never_interrupted():
    done = []

    def work():
        with noted_interrupts(str) as interrupts:
            done.append(interrupts.n)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [0]
