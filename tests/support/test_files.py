"""Results are written whole or not at all, on a full disk and when the writer is killed; their places are tried before."""

import resource
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import SafetensorError

from nastoolkit import export
from nastoolkit.checkpoints import write_checkpoint
from nastoolkit.claims import claim
from nastoolkit.figures import new_figure, save_figure
from nastoolkit.latency import LookupTable, Timing, contexts
from nastoolkit.predictors import learning_curve
from nastoolkit.support.files import all_atomically, atomically, beside, check_output
from nastoolkit.training.run import Run

KILLED = """import os, signal, sys
from nastoolkit.support.files import atomically
with atomically(sys.argv[1]) as new:
    new.write_text("half of")
    os.kill(os.getpid(), signal.SIGKILL)"""


@contextmanager
def full_disk():
    """No file grows beyond 150 bytes, so that a write ends amid it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_claim(path, number, family):
    claim(path, paper="1", item="2", statement=f"{number}" * 200, paper_value=3, ours=4, interval=None, verdict="reproduced")


def write_curve(path, number, family):
    features = np.random.default_rng(number).random((30, 2))
    learning_curve(features, features[:, 0], [5], n_test=5, n_trials=9, predictors=["ridge"], file=path)


def write_table(path, number, family):
    timings = dict.fromkeys(family.block_specs, Timing(number, 0.1, 5))
    LookupTable(family, timings, {"backend": "torch", "batch_size": 1, "threads": 1}).save(path)


def write_weights(path, number, family):
    write_checkpoint(path, {"weights": torch.full((99,), number)}, {})


def write_training(path, number, family):
    for _ in Run({"layer": torch.nn.Linear(9, 9)}, {}, path, progress=False).steps(number):
        pass


@pytest.mark.parametrize("write", [write_claim, write_curve, write_table, write_weights, write_training])
def test_a_full_disk_leaves_the_old_file_whole(tmp_path, tiny, capsys, write):
    capsys.readouterr()  # what is told stays in memory, out of the limit's reach
    path = tmp_path / "new" / "file"
    write(path, 1, tiny)
    before = path.read_bytes()
    with full_disk(), pytest.raises((OSError, RuntimeError, SafetensorError)):
        write(path, 2, tiny)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]
    write(path, 2, tiny)
    assert path.read_bytes() != before


def write_export(folder, number):
    layer = torch.nn.Linear(3, 2)
    torch.nn.init.constant_(layer.weight, number)
    export.export_network(layer, torch.ones(2, 3), folder, {"number": number})


def write_figure(folder, number):
    figure, (axis,) = new_figure()
    axis.plot([0, number])
    save_figure(figure, pd.DataFrame({"x": [number]}), folder / "front")


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("write", [write_export, write_figure])
def test_a_full_disk_leaves_the_old_files_together(tmp_path, capsys, monkeypatch, write):
    monkeypatch.setattr(export, "_write_onnx", lambda network, example, path: path.write_text(f"{network.weight}"))
    monkeypatch.setattr(export, "onnx_difference", lambda *_: 0.0)
    capsys.readouterr()
    write(tmp_path, 1)
    before = contents(tmp_path)
    with full_disk(), pytest.raises((OSError, SafetensorError, AttributeError)):  # the last one is Matplotlib's
        write(tmp_path, 2)
    assert contents(tmp_path) == before
    write(tmp_path, 2)
    after = contents(tmp_path)
    assert after.keys() == before.keys() and not {name for name in after if after[name] == before[name]}


def test_files_that_belong_together_change_together(tmp_path):
    files = [tmp_path / "new" / name for name in ("a", "b", "c")]
    with pytest.raises(ZeroDivisionError), all_atomically(*files) as news:
        news[0].write_text("1")
        raise ZeroDivisionError
    assert contents(tmp_path / "new") == {}
    with pytest.raises(FileNotFoundError), all_atomically(*files) as news:
        news[0].write_text("1")  # and the others not at all
    assert contents(tmp_path / "new") == {}
    files[2].mkdir()
    with pytest.raises(IsADirectoryError, match="a folder is in the place of the file: .*/c"), all_atomically(*files):
        pytest.fail("it is told before anything is written")


def test_threads_that_write_the_same_file_do_not_meet(tmp_path):
    with atomically(tmp_path / "file") as first:
        with atomically(tmp_path / "file") as second:
            first.write_text("first"), second.write_text("second")
        assert (tmp_path / "file").read_text() == "second"
    assert contents(tmp_path) == {"file": b"first"}


def test_helper_files_are_named_after_the_whole_file(tmp_path):
    names = [beside(tmp_path / name, ".partial").name for name in ("m-w1.0", "m-w1.2", "x.partial", "x")]
    assert names == ["m-w1.0.partial", "m-w1.2.partial", "x.partial.partial", "x.partial"]


def test_a_kill_amid_a_write_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "file"
    with atomically(path) as new:
        new.write_text("the old one")
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == -signal.SIGKILL
    assert path.read_text() == "the old one"


def test_a_measured_table_is_not_lost_before_it_is_saved(narrow, tmp_path, monkeypatch):
    file, path = tmp_path / "table.partial", tmp_path / "table.json"
    table = LookupTable.measure(narrow, n_contexts=1, resume=file, progress=False)
    with full_disk(), pytest.raises(OSError, match="File too large"):
        table.save(path)
    assert file.exists() and not path.exists()
    monkeypatch.setattr(contexts, "steady", lambda times: pytest.fail("a network was measured again"))
    again = LookupTable.measure(narrow, n_contexts=1, resume=file, progress=False)
    assert again.timings == table.timings
    again.save(path)
    assert not file.exists() and LookupTable.load(path, narrow).timings == table.timings


def test_an_output_is_tried_and_nothing_of_the_trial_stays(tmp_path):
    check_output(tmp_path / "new" / "folder" / "table.json")
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "folder"]
    (tmp_path / "table.json").write_text("old")
    check_output(tmp_path / "table.json")
    assert (tmp_path / "table.json").read_text() == "old"
    with pytest.raises(IsADirectoryError, match="new is a folder, not a file: name a file in it"):
        check_output(tmp_path / "new")
    with pytest.raises(NotADirectoryError, match="table.json is a file, not a folder"):
        check_output(tmp_path / "table.json" / "other.json")


@pytest.mark.parametrize("trouble", [PermissionError(13, "Permission denied"), OSError(28, "No space left on device")])
def test_a_folder_that_takes_no_file_says_why(tmp_path, monkeypatch, trouble):
    def fail(**_):
        raise trouble

    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    with pytest.raises(OSError, match=f"^nothing can be written to {tmp_path}: {trouble.strerror}$"):
        check_output(tmp_path / "table.json")


def test_what_keeps_work_is_tried_before_the_work_begins(tmp_path, tiny):
    (tmp_path / "file").touch()
    for place, message in ((tmp_path, "is a folder"), (tmp_path / "file" / "run", "is a file, not a folder")):
        with pytest.raises(OSError, match=message):
            LookupTable.measure(tiny, resume=place, progress=False)
        with pytest.raises(OSError, match=message):
            Run({"layer": torch.nn.Linear(1, 1)}, {}, place)


@pytest.fixture
def measured(narrow, tmp_path):
    timings = dict.fromkeys(narrow.block_specs, Timing(1.0, 0.1, 5))
    table = LookupTable(narrow, timings, {"backend": "torch", "batch_size": 1, "threads": 1})
    table.partial = tmp_path / "table.partial"
    table.partial.write_text("what was measured")
    return table


@pytest.mark.parametrize("name", ["table.partial", "./table.partial", "link"])
def test_a_table_that_was_just_saved_is_not_removed(measured, narrow, tmp_path, name):
    (tmp_path / "link").symlink_to(tmp_path / "table.partial")
    path = measured.save(f"{tmp_path}/{name}")
    measured.save(path)
    assert LookupTable.load(path, narrow).timings == measured.timings


def test_a_measurement_writes_over_no_finished_table(measured, narrow, tmp_path):
    path = measured.save(tmp_path / "table.json")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="table.json is a finished latency table; name another file"):
        LookupTable.measure(narrow, n_contexts=1, resume=path, progress=False)
    assert path.read_bytes() == before


def test_a_second_save_removes_no_first_one(measured, narrow, tmp_path):
    for name in ("table.partial", "table.json"):
        measured.save(tmp_path / name)
    assert all(LookupTable.load(file, narrow) for file in tmp_path.iterdir()) and len(contents(tmp_path)) == 2
