"""Tasks with cues keep the contract of tasks, differ from each other, and are the same in every process."""

import pickle

import numpy as np
import pytest
import torch

from nastoolkit.tasks import SPLITS
from nastoolkit.tasks.cue_tasks import CUES, DISTURBANCES, N_CLASSES, SIZE, CueTask, cue_tasks


@pytest.fixture(params=CUES)
def task(request):
    return CueTask(request.param, "inked", 40, 24)


def test_splits_are_fixed_finite_and_disjoint(task):
    seen = set()
    for name, n in zip(SPLITS, (40, 24, 24), strict=True):
        split = task.split(name)
        assert split.inputs.shape == (n, 1, SIZE, SIZE) and torch.isfinite(split.inputs).all()
        assert split.targets.tolist() == [place % N_CLASSES for place in range(n)]
        images = {image.numpy().tobytes() for image in split.inputs}
        assert len(images) == n and seen.isdisjoint(images)
        seen |= images
    twin = pickle.loads(pickle.dumps(task))
    assert twin == task and torch.equal(twin.split("test").inputs, task.split("test").inputs)
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        task.split("dev")


def test_a_batch_depends_on_its_arguments_alone(task):
    batch = task.batch(step=2, size=6, seed=1)
    assert torch.equal(batch.inputs, task.batch(2, 6, 1).inputs)
    assert not torch.equal(batch.inputs, task.batch(3, 6, 1).inputs)
    assert torch.equal(task.batch(9, 6, 5, batch.rows.numpy()).inputs, batch.inputs)


def test_values_and_blobs_have_equal_means_and_variances_in_all_classes():
    """Else a class could be told by brightness or contrast, without its cue."""
    for cue in ("values", "blobs", "grain"):
        images, targets = (getattr(CueTask(cue, n_train=800).split("train"), name) for name in ("inputs", "targets"))
        for target in range(N_CLASSES):
            own = images[targets == target]
            assert own.mean().abs() < 0.05 and abs(own.var() - 1) < 0.1


@pytest.mark.parametrize(("cue", "n_waves"), [("waves", 2), ("swell", 1)])
def test_waves_have_the_direction_of_their_class(cue, n_waves):
    images = CueTask(cue, n_train=400).split("train")
    spectrum = np.abs(np.fft.fft2(images.inputs[:, 0].numpy()))
    rows, columns = (spectrum[images.targets.numpy() == target].mean(0) for target in (0, 1))
    assert rows[n_waves, 0] > 1.5 * rows[0, n_waves] and columns[0, n_waves] > 1.5 * columns[n_waves, 0]


def test_neighbours_are_alike_or_opposite_as_the_class_says():
    split = CueTask("grain", n_train=400).split("train")
    for target, (above, left) in enumerate([(1, 1), (1, -1), (-1, 1), (-1, -1)]):
        own = split.inputs[split.targets == target]
        assert above * (own[..., 1:, :] * own[..., :-1, :]).mean() > 0.2
        assert left * (own[..., 1:] * own[..., :-1]).mean() > 0.2


def test_covered_rows_are_zero():
    images = CueTask("stripes", "covered").split("test").inputs
    assert ((images == 0).all(3).sum(2) >= 2).all()


def test_there_is_a_task_for_every_pair():
    tasks = cue_tasks()
    assert len({task.name for task in tasks}) == len(tasks) == len(CUES) * len(DISTURBANCES)
    assert all(task.n_classes == N_CLASSES for task in tasks[::5])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cue": "colour"}, "unknown cue 'colour'"),
        ({"cue": "waves", "disturbance": "rain"}, "unknown disturbance 'rain'"),
        ({"cue": "waves", "n_train": 3}, "n_train must be at least 4, got 3"),
    ],
)
def test_what_it_cannot_be_is_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        CueTask(**wrong)
