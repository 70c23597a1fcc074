"""Tasks of the family keep the contract of tasks, differ from each other, and are the same in every process."""

import pickle

import numpy as np
import pytest
import torch

from nastoolkit.tasks import SPLITS
from nastoolkit.tasks.digits import Digits
from nastoolkit.tasks.task_family import LOOKS, PLACEMENTS, SIZE, DigitTask, TaskFamily

SMALL = {"n_train": 40, "n_held_out": 30}


@pytest.fixture(params=[("upright", "plain"), ("turned", "striped"), ("cluttered", "shaded")], ids=" ".join)
def task(request):
    return DigitTask((1, 4, 7), *request.param, **SMALL)


def test_splits_are_fixed_finite_and_disjoint(task):
    seen = set()
    for name, n in zip(SPLITS, (40, 30, 30), strict=True):
        split = task.split(name)
        assert split.inputs.shape == (n, 1, SIZE, SIZE) and torch.isfinite(split.inputs).all()
        assert split.targets.tolist() == [place % 3 for place in range(n)]
        images = {image.numpy().tobytes() for image in split.inputs}
        assert len(images) == n and seen.isdisjoint(images)
        seen |= images
    twin = pickle.loads(pickle.dumps(task))
    assert twin == task and torch.equal(twin.split("test").inputs, task.split("test").inputs)
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        task.split("dev")


def test_images_are_handwriting_of_their_split_and_class(monkeypatch, task):
    """Each split's handwriting is drawn as a patch whose ink tells the split and the label."""
    from nastoolkit.tasks import task_family

    sources = {name: Digits().handwritten(name) for name in SPLITS}
    levels = {name: [(1 + place) / 4 + label / 100 for label in range(10)] for place, name in enumerate(SPLITS)}

    def drawn(_, name):
        images, labels = sources[name]
        return torch.ones_like(images) * torch.tensor(levels[name])[labels].view(-1, 1, 1, 1), labels

    monkeypatch.setattr(task_family.Digits, "handwritten", drawn)
    monkeypatch.setattr(task_family, "NOISE", 0.0)
    for name in SPLITS:
        split = task_family._split.__wrapped__(DigitTask((1, 4, 7), "upright", "plain", **SMALL), name)
        brightest = split.inputs.flatten(1).amax(1) * task_family.STD + task_family.MEAN
        wanted = torch.tensor(levels[name])[torch.tensor([1, 4, 7])[split.targets]]
        torch.testing.assert_close(brightest, wanted)


def test_a_batch_depends_on_its_arguments_alone(task):
    batch = task.batch(step=2, size=6, seed=1)
    assert torch.equal(batch.inputs, task.batch(2, 6, 1).inputs)
    assert not torch.equal(batch.inputs, task.batch(3, 6, 1).inputs)
    assert torch.equal(task.batch(9, 6, 5, batch.rows.numpy()).inputs, batch.inputs)
    assert torch.equal(task.split("train").inputs[batch.rows], batch.inputs) and task.n_rows == 40


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_inputs_are_about_standardised_and_looks_differ(placement, look):
    inputs = DigitTask((0, 1), placement, look, **SMALL).split("train").inputs
    assert abs(inputs.mean()) < 2.5 and 0.2 < inputs.std() < 2.5
    if look != "plain":
        plain = DigitTask((0, 1), placement, "plain", **SMALL).split("train").inputs
        assert (inputs - plain).abs().mean() > 0.1


def test_no_two_tasks_share_placement_and_look_if_one_is_unseen():
    known, unseen = TaskFamily(36, 12, seed=3).draw()
    pairs = [{(task.placement, task.look) for task in tasks} for tasks in (known, unseen)]
    assert [len(tasks) for tasks in (known, unseen)] == [36, 12] == [len(own) for own in pairs]
    assert pairs[0].isdisjoint(pairs[1]) and {len(task.digits) for task in known + unseen} == {5}
    assert len({task.name for task in known + unseen}) == 48
    assert TaskFamily(36, 12, seed=3).draw() == (known, unseen) and TaskFamily(36, 12, seed=4).draw() != (known, unseen)
    assert len({task.digits for task in known}) > 20


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"digits": (3,)}, "tells two or more digits apart"),
        ({"digits": (3, 1)}, "in ascending order from 0 to 9; got \\(3, 1\\)"),
        ({"digits": (3, 10)}, "from 0 to 9"),
        ({"placement": "upside"}, "unknown placement 'upside', did you mean 'aside'"),
        ({"look": "plane"}, "unknown look 'plane', did you mean 'plain'"),
        ({"n_train": 1}, "n_train must be at least 2, got 1"),
    ],
)
def test_a_wrong_task_is_told(values, message):
    with pytest.raises(ValueError, match=message):
        DigitTask(**({"digits": (0, 1)} | values))


def test_a_wrong_family_is_told():
    with pytest.raises(ValueError, match="40 and 9 tasks are more than the 48 pairs"):
        TaskFamily(40, 9)
    for n_classes in (1, 11):
        with pytest.raises(ValueError, match="2 to 10 digits apart"):
            TaskFamily(2, 1, n_classes)


def test_classes_are_in_turn_and_rows_are_numpys(task):
    assert np.array_equal(np.bincount(task.split("validation").targets), [10, 10, 10])
