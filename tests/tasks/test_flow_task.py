"""Splits of flows, the vocabulary, repeated flows, macro F1; real flows from a small file, and what is wrong with others."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from nastoolkit.tasks import TASKS, MissingDataError
from nastoolkit.tasks.flow_simulator import KINDS
from nastoolkit.tasks.flow_task import FlowTask, macro_f1
from nastoolkit.tasks.flow_tokens import SPECIAL
from nastoolkit.tasks.ndpi_flows import FILE


@pytest.fixture
def ndpi(tmp_path, monkeypatch, real_flows):
    real_flows(tmp_path / "ndpi-flows")
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    return tmp_path / "ndpi-flows" / FILE


def test_macro_f1_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    for n in (5, 40):
        found, targets = rng.integers(0, 6, (2, n))
        assert macro_f1(found, targets) == pytest.approx(100 * f1_score(targets, found, average="macro", zero_division=0))


def test_simulated_flows_are_all_kinds_with_words_of_their_own():
    task = TASKS["simulated-flows"]()
    assert task.classes == sorted(KINDS) and len(task.unlabelled) == 4000
    tokens, facts, protocols = task.split("test").inputs
    assert tokens.shape[1:] == (6, 3, 18) and tokens.max() < len(task.words) and torch.isfinite(facts).all()
    assert len(task.words) == SPECIAL + 1000 + 256 and set(protocols.tolist()) == {0, 1}
    twin = pickle.loads(pickle.dumps(task))
    assert "_parts" not in vars(twin) and torch.equal(twin.split("validation").inputs[0], task.split("validation").inputs[0])


class Repeated(FlowTask):
    """Simulated flows, some of them twice."""

    def __init__(self):
        super().__init__("repeated", "")

    def divided(self):
        splits, _ = TASKS["simulated-flows"]().divided()
        few = {name: flows.take(np.arange(40)) for name, flows in splits.items()}
        few["validation"] = splits["train"].take(np.r_[0:5, 100:140, 100:103])
        return few, few["train"]


def test_flows_that_were_seen_before_are_left_out():
    task = Repeated()
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [40, 40, 40]
    assert len(task.flows("validation")) == 40


def test_real_flows_are_split_by_capture(ndpi):
    task = TASKS["ndpi-flows"]()
    assert task.classes == ["DNS", "HTTP", "TLS"]
    sources = {name: set(task.flows(name).source.tolist()) for name in ("train", "validation", "test")}
    assert not sources["train"] & sources["test"] and not sources["validation"] & sources["test"]
    assert not set(task.unlabelled.source.tolist()) & (sources["validation"] | sources["test"])
    assert "Unknown" in task.unlabelled.label and "Unknown" not in task.flows("train").label


def test_a_broken_file_is_told(ndpi):
    whole = dict(np.load(ndpi))
    whole["packets"][3] = 0
    np.savez(ndpi, **whole)
    with pytest.raises(
        MissingDataError, match="has no flows of seven captures a class .every flow needs a packet, and flow 3 has"
    ):
        TASKS["ndpi-flows"]().split("train")
    ndpi.write_bytes(ndpi.read_bytes()[:1000])
    with pytest.raises(MissingDataError, match=f"{FILE} has no flows of seven captures a class"):
        TASKS["ndpi-flows"]().split("train")


def test_a_missing_file_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match=f"there is no {FILE} in .*\nMake it as nastoolkit/tasks/ndpi_flows.py says"):
        TASKS["ndpi-flows"]().split("train")


def test_the_published_flows_are_read(data_folder, monkeypatch, tmp_path):
    if not (file := next(data_folder.glob(f"*/ndpi-flows/{FILE}"), None)):
        pytest.skip(f"the published data are not at {data_folder}")
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    monkeypatch.setenv("NASTOOLKIT_DATA", str(file.parent))
    task = TASKS["ndpi-flows"]()
    assert len(task.classes) == 15 and len(task.unlabelled) == 2048
