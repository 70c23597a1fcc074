"""Ways to spend images on a new task, on a tiny family and few images."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from nastoolkit.supernets import Supernet
from nastoolkit.systems.nat import comparison as transfers
from nastoolkit.systems.nat.comparison import WAYS, Effort, compare
from nastoolkit.tasks.digit_variants import SimilarDigits

EFFORT = Effort(
    family_name="tiny",
    warm_up_steps=3,
    n_iterations=2,
    n_steps=2,
    batch_size=8,
    learning_rate=0.003,
    n_first=4,
    n_archive=4,
    population=2,
    generations=2,
    n_calibration=30,
    n_validation=40,
)


class Task(SimilarDigits):
    """Of its canvases as many as are soon classified; it notes the images that were trained on."""

    n_canvases = {"train": 30, "validation": 60, "test": 50}  # noqa: RUF012
    trained = []  # noqa: RUF012

    def batch(self, step, size, seed=0):
        self.trained.append((seed, step))
        return super().batch(step, size, seed)


@pytest.fixture
def supernets(tiny, monkeypatch):
    """The pre-trained supernets, as they come."""
    made = []

    def load(name, checkpoint):
        assert (name, checkpoint) == ("tiny", None)
        made.append(Supernet(tiny))
        return made[-1]

    monkeypatch.setattr(transfers, "load_supernet", load)
    monkeypatch.setattr(Task, "trained", [])
    return made


def test_every_way_has_its_front_and_as_many_images(supernets, tiny, tmp_path):
    found = compare(EFFORT, Task(), 1, tmp_path)
    assert list(found.columns) == ["task", "seed", "way", "mmacs", "validation", "test"]
    assert list(found.way.unique()) == list(WAYS) and set(found.task) == {"digits-3589"} and set(found.seed) == {1}
    for part, n in (("validation", 40), ("test", 50)):
        n_right = found[part] * n / 100
        assert n_right.between(0, n).all() and (n_right - n_right.round()).abs().max() < 1e-9
    for _, front in found.groupby("way"):
        assert (np.diff(front.sort_values("mmacs").validation) > 0).all()
    assert found[found.way == "largest, fine-tuned"].mmacs.tolist() == [tiny.with_classes(4).mmacs(tiny.space.largest)]
    assert len(Task.trained) == 3 + len(WAYS) * EFFORT.total_steps  # one warm-up serves all
    assert not set(Task.trained[:3]) & set(Task.trained[3:])


def test_of_a_supernet_with_only_its_head_tuned_the_rest_is_as_it_was(supernets, monkeypatch, tmp_path):
    ended = []
    search = transfers.tuned_then_searched

    def noted(start, only_head=False):
        history = search(start, only_head)
        ended.append((only_head, start.supernet.shared.state_dict()))
        return history

    monkeypatch.setitem(WAYS, "fine-tuned, then searched", noted)
    monkeypatch.setitem(WAYS, "only head tuned, then searched", lambda start: noted(start, only_head=True))
    compare(EFFORT, Task(), 0, tmp_path)
    before = supernets[0].shared.state_dict()
    for only_head, after in ended:
        changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
        assert changed == {"classifier"} if only_head else len(changed) > 4
    assert [only_head for only_head, _ in ended] == [False, True]


def test_a_killed_comparison_goes_on_and_a_finished_one_is_read(supernets, monkeypatch, tmp_path):
    whole = compare(EFFORT, Task(), 0, tmp_path / "whole")
    n_trained = len(Task.trained)
    monkeypatch.setitem(WAYS, "largest, fine-tuned", lambda start: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        compare(EFFORT, Task(), 0, tmp_path / "killed")
    monkeypatch.setitem(WAYS, "largest, fine-tuned", transfers.largest_tuned)
    pd.testing.assert_frame_equal(compare(EFFORT, Task(), 0, tmp_path / "killed"), whole)
    assert len(Task.trained) == 2 * n_trained
    pd.testing.assert_frame_equal(compare(EFFORT, Task(), 0, tmp_path / "killed"), whole)
    assert len(Task.trained) == 2 * n_trained
    assert [path.suffix for path in (tmp_path / "killed").iterdir()] == [".csv"]


def test_another_effort_or_seed_is_another_comparison(supernets, monkeypatch, tmp_path):
    for way in set(WAYS) - {"fine-tuned, then searched"}:
        monkeypatch.delitem(WAYS, way)
    one, seed, effort = (
        compare(effort, Task(), seed, tmp_path) for seed, effort in ((0, EFFORT), (1, EFFORT), (0, replace(EFFORT, n_steps=1)))
    )
    assert len(list(tmp_path.iterdir())) == 3
    assert not one.drop(columns="seed").equals(seed.drop(columns="seed")) and not one.equals(effort)
