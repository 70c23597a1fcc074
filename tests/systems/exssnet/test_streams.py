"""Streams of tasks: orders of pixels, parts of classes, disjoint splits."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from nastoolkit.systems.exssnet.streams import CLASSES, PERMUTED, RELATED, stream_of


def test_permuted_tasks_have_the_same_images_in_orders_of_their_own():
    first, second = stream_of(PERMUTED, 2, seed=3)
    a, b = (piece.split("test") for piece in (first, second))
    assert a.inputs.shape == (500, 64) and torch.equal(a.targets, b.targets) and not torch.equal(a.inputs, b.inputs)
    assert torch.equal(a.inputs.sort(1).values, b.inputs.sort(1).values)
    images = {tuple(np.sort(image.ravel())) for image in load_digits().images / 16}
    assert all(tuple(np.sort(row).round(4)) in images for row in (a.inputs[:20] * 0.37 + 0.3).double().numpy())
    again, other = stream_of(PERMUTED, 2, seed=3)[1], stream_of(PERMUTED, 2, seed=4)[1]
    assert torch.equal(again.split("test").inputs, b.inputs) and not torch.equal(other.split("test").inputs, b.inputs)


def test_related_tasks_have_the_other_half_of_the_classes_in_the_same_order():
    pieces = stream_of(RELATED, 6, seed=0)
    assert [piece.classes for piece in pieces] == [(0, 1, 2, 3, 4)] * 3 + [(5, 6, 7, 8, 9)] * 3
    assert [piece.order for piece in pieces[:3]] == [piece.order for piece in pieces[3:]]
    assert len({piece.order for piece in pieces}) == 3
    counts = np.bincount(load_digits().target)
    for piece in (pieces[0], pieces[5]):
        splits = [piece.split(name).targets for name in ("train", "validation", "test")]
        assert sum(map(len, splits)) == counts[list(piece.classes)].sum()
        assert all(set(targets.tolist()) == set(range(5)) for targets in splits) and piece.n_classes == 5


def test_parts_of_classes_leave_pixels_as_they_are():
    whole, parts = stream_of(PERMUTED, 1, seed=0)[0], stream_of(CLASSES, 5, seed=0)
    assert [piece.classes for piece in parts] == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    rows = torch.cat([piece.split("train").inputs for piece in parts])
    assert len(rows) == whole.n_rows == sum(piece.n_rows for piece in parts)
    assert len({piece.name for piece in parts}) == 5


def test_a_batch_is_a_function_of_step_and_seed():
    (piece,) = stream_of(PERMUTED, 1, seed=0)
    one, same, next_one, other = (piece.batch(step, 8, seed) for step, seed in ((0, 0), (0, 0), (1, 0), (0, 1)))
    assert torch.equal(one.inputs, same.inputs) and one.inputs.shape == (8, 64)
    assert torch.equal(one.inputs, piece.split("train").inputs[one.rows])
    assert not torch.equal(one.rows, next_one.rows) and not torch.equal(one.rows, other.rows)


@pytest.mark.parametrize(
    ("kind", "n", "words"),
    [
        ("permutted", 2, "^unknown stream 'permutted'; known: permuted, related, classes$"),
        (RELATED, 5, "^a stream of related tasks needs an even number of tasks: 5 tasks, 10 classes$"),
        (CLASSES, 6, "^a stream of classes tasks needs two classes or more for each task: 6 tasks, 10 classes$"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(kind, n, words):
    with pytest.raises(ValueError, match=words):
        stream_of(kind, n, 0)


def test_images_of_any_task_become_grey_rows(monkeypatch, tmp_path, image_folder):
    for split, n in (("train", 6), ("val", 3)):
        image_folder(tmp_path / "pictures" / split, 4, n, seed=n)
    first, second = stream_of(CLASSES, 2, 0, str(tmp_path / "pictures"), 8)
    assert first.split("test").inputs.shape == (6, 64) and second.split("test").targets.unique().tolist() == [0, 1]
