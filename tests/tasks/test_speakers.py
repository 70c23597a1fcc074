"""LibriSpeech's spectra in one file: who is in which split, what a piece is, and files that are none."""

import numpy as np
import pytest
import torch

from nastoolkit import FAMILIES, TASKS, Accuracy, Supernet
from nastoolkit.supernets import KernelTransform, Slice, chain
from nastoolkit.tasks import MissingDataError
from nastoolkit.tasks.speakers import FILE, N_FRAMES
from nastoolkit.training import AngularMargin, Fixed, Recipe, fit


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path / "nowhere"))
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    return tmp_path


def test_nobody_is_in_two_splits_and_a_piece_is_a_second(folder, speech):
    speech(folder / "small" / "librispeech-mel", 20)
    task = TASKS["libri-speakers"]()
    train, validation, test = (task.split(name) for name in ("train", "validation", "test"))
    assert task.n_classes == 16 == len(set(train.targets.tolist())) and len(set(validation.targets.tolist())) == 4
    assert len(test) == 12 and test.targets.bincount().tolist() == [4, 4, 4]
    voices = [{id(pieces.recordings[row]) for row in pieces.places[:, 0]} for pieces in (train, validation, test)]
    assert sum(map(len, voices)) == len(set.union(*voices)) == 16 + 4 + 12
    inputs = next(test.batches(100)).inputs
    assert inputs.shape == (12, 24, 1, N_FRAMES)
    torch.testing.assert_close(inputs.mean(3), torch.zeros(12, 24, 1), rtol=0, atol=1e-5)
    torch.testing.assert_close(inputs.std(3, correction=0), torch.ones(12, 24, 1), rtol=0, atol=1e-4)


def test_training_pieces_begin_anywhere(folder, speech):
    speech(folder / "small" / "librispeech-mel", 20)
    task = TASKS["libri-speakers"]()
    row = next(
        place
        for place, (recording, _) in enumerate(task.split("train").places)
        if len(task.split("train").recordings[recording]) > 250
    )
    drawn = [task.batch(step, 1, rows=np.array([row])) for step in range(4)]
    assert len({batch.inputs.numpy().tobytes() for batch in drawn}) == 4
    assert {int(batch.targets) for batch in drawn} == {int(task.split("train").targets[row])}


def test_the_score_is_what_the_equal_error_rate_leaves(folder):
    task, people = TASKS["libri-speakers"](), torch.tensor([0, 0, 1, 1])
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    assert task.score(embeddings, people) == 100.0
    assert task.score(embeddings[[0, 2, 1, 3]], people) == 50.0


def test_a_missing_file_and_one_that_is_none_are_told(folder, speech):
    with pytest.raises(MissingDataError, match="(?s)'libri-speakers': there is no libri_mel24.npz in .*NASTOOLKIT_DATA=DIR"):
        TASKS["libri-speakers"]().split("train")
    speech(folder / "whole", 20)
    content = (folder / "whole" / FILE).read_bytes()
    (folder / FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(MissingDataError, match="libri_mel24.npz has no recordings in 24 bands"):
        TASKS["libri-speakers"]().split("train")


def test_the_published_recordings(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    task = TASKS["libri-speakers"]()
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [2418, 275, 100]
    assert task.n_classes == 201 and task.split("test").targets.bincount().tolist() == [10] * 10


def test_a_supernet_learns_people_and_is_judged_by_embeddings(folder, speech):
    speech(folder / "small" / "librispeech-mel", 20)
    task, family = TASKS["libri-speakers"](), FAMILIES["speakers-tdnn"]().with_classes(16)
    supernet = Supernet(family, chain(KernelTransform(), Slice()))
    recipe = Recipe(n_steps=12, batch_size=16, learning_rate=1e-2, warm_up=0.0)
    losses = fit(supernet, task, Fixed(family.space.smallest), AngularMargin(0.1, 10.0), recipe, progress=False)
    assert losses[-3:].mean() < losses[0]
    rates = Accuracy(supernet, task, "test", n_calibration=20, progress=False)(
        family.space.sample(2, np.random.default_rng(0))
    )
    assert rates.shape == (2, 1) and (rates > 0).all() and (rates < 100).all()
    with pytest.raises(ValueError, match="201 outputs, and the targets of task 'libri-speakers' are 16 different ones"):
        Accuracy(Supernet(FAMILIES["speakers-tdnn"]()), task)
