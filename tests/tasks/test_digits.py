"""The standing task and its variants: real handwriting, right labels, disjoint splits."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from nastoolkit.tasks import SPLITS, TASKS, digit_variants, digits

DIGITS = [task for task in TASKS.values() if issubclass(task, digits.Digits)]


def canvases(task, split="validation"):
    """A split made anew: those that tests before this one made are kept."""
    return digits._split.__wrapped__(task, split)


def clean(monkeypatch, task, **changes):
    """No noise and no clutter from here on."""
    for module in (digits, digit_variants):
        monkeypatch.setattr(module, "noisy", lambda ink, rng: ink)
    monkeypatch.setattr(task, "canvas", replace(task.canvas, n_clutter=0, **changes))


def drawn_as(monkeypatch, image_of):
    """The handwritten images become what ``image_of`` makes of them and their labels."""
    changed = {name: (image_of(name, images, labels), labels) for name, (images, labels) in digits._sources().items()}
    monkeypatch.setattr(digits, "_sources", lambda: changed)


@pytest.fixture(params=DIGITS, ids=lambda task: task.name)
def task(request):
    return request.param


def test_there_are_nine_tasks_with_the_same_inputs():
    assert len(DIGITS) == 9 and {task().split("train").inputs.shape[1:] for task in DIGITS} == {(1, 32, 32)}


def test_no_handwritten_digit_is_in_two_splits():
    sources = {name: [image.numpy().tobytes() for image in images] for name, (images, _) in digits._sources().items()}
    everything = [image for images in sources.values() for image in images]
    assert list(sources) == list(SPLITS) and len(everything) == len(set(everything)) == len(load_digits().target)
    for _, labels in digits._sources().values():
        np.testing.assert_allclose(np.bincount(labels) / len(labels), 0.1, atol=0.01)


@pytest.mark.parametrize("split", SPLITS)
def test_canvases_show_handwriting_of_their_split_alone(monkeypatch, task, split):
    drawn_as(monkeypatch, lambda name, images, labels: images if name == split else images * np.nan)
    data = canvases(task, split)
    assert torch.isfinite(data.inputs).all() and torch.equal(data.inputs, task().split(split).inputs)
    assert torch.isfinite(task().batch(step=0, size=50).inputs).all() == (split == "train")


def test_a_target_tells_the_digit_on_the_canvas(monkeypatch, task):
    drawn_as(
        monkeypatch, lambda name, images, labels: torch.ones_like(images) * torch.from_numpy(labels)[:, None, None, None] / 9
    )
    clean(monkeypatch, task)
    for data in (canvases(task), task().batch(step=0, size=50)):
        if task.name == "digits-sums":
            shown = sum(data.inputs[..., columns].amax(dim=(1, 2, 3)) for columns in (slice(6, 10), slice(22, 26)))
            known = data.targets
        else:
            shown, known = data.inputs.amax(dim=(1, 2, 3)), torch.tensor(task.digits)[data.targets]
        torch.testing.assert_close(9 * shown, known.float(), atol=0.01, rtol=0)


HALVES = [("digits-0to4", (5, 6, 7, 8, 9)), ("digits-5to9", (0, 1, 2, 3, 4))]


@pytest.mark.parametrize(("name", "missing"), [("digits-3589", (0, 1, 2, 4, 6, 7)), ("digits-rotated", (9,)), *HALVES])
def test_digits_that_are_not_in_question_are_not_shown(monkeypatch, name, missing):
    absent = {split: np.isin(labels, missing) for split, (_, labels) in digits._sources().items()}
    drawn_as(
        monkeypatch,
        lambda split, images, labels: torch.where(torch.from_numpy(absent[split])[:, None, None, None], np.nan, images),
    )
    for split in SPLITS:
        assert torch.isfinite(canvases(TASKS[name], split).inputs).all()


def test_few_digits_train_on_ten_images_a_class_and_are_judged_on_as_many_as_others():
    few, standing = TASKS["digits-few"](), TASKS["digits"]()
    images, targets = few.handwritten("train")
    assert Counter(targets.tolist()) == dict.fromkeys(range(10), 10)
    assert len({image.numpy().tobytes() for image in images}) == 100
    for split in SPLITS[1:]:
        assert torch.equal(few.handwritten(split)[0], standing.handwritten(split)[0].flip(3))


def test_few_digits_see_no_other_training_images(monkeypatch):
    shown = {image.numpy().tobytes() for image in TASKS["digits-few"]().handwritten("train")[0].flip(3)}
    blank = [image if image.numpy().tobytes() in shown else image * np.nan for image in digits._sources()["train"][0]]
    drawn_as(monkeypatch, lambda split, images, labels: torch.stack(blank) if split == "train" else images)
    task = TASKS["digits-few"]
    assert torch.isfinite(canvases(task, "train").inputs).all() and torch.isfinite(task().batch(step=0, size=200).inputs).all()


def directions(task, monkeypatch):
    """Radians, ``(n,)``: which way the upper edge of each image looks; 0 is up."""
    upper_half_darker = torch.cat([torch.ones(4, 8), torch.full((4, 8), 0.3)])
    drawn_as(monkeypatch, lambda name, images, labels: upper_half_darker.expand(images.shape))
    clean(monkeypatch, task, reach=0.0)
    ink = canvases(task).inputs[:, 0]
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")

    def centre(weights):
        return [(weights * axis).sum((1, 2)) / weights.sum((1, 2)) for axis in (x, y)]

    (all_x, all_y), (dark_x, dark_y) = centre((ink > 0.1).float()), centre((ink > 0.8).float())
    return torch.atan2(dark_x - all_x, all_y - dark_y)


def test_rotated_digits_are_turned_by_any_angle(monkeypatch):
    angles = directions(TASKS["digits-rotated"], monkeypatch)
    counts = torch.histc(angles, bins=12, min=-np.pi, max=np.pi)
    torch.testing.assert_close(counts / len(angles), torch.full((12,), 1 / 12), atol=0.03, rtol=0)


def test_plain_digits_stand_nearly_upright(monkeypatch):
    angles = directions(TASKS["digits-plain"], monkeypatch)
    assert 0.4 < angles.abs().max() < 0.6


def test_sums_are_of_two_digits_side_by_side(monkeypatch):
    task = TASKS["digits-sums"]
    clean(monkeypatch, task)
    ink = canvases(task).inputs.mean(dim=(0, 1, 2))
    assert 3 * ink[14:18].mean() < min(ink[4:12].mean(), ink[20:28].mean())
    counts = Counter(task().split("train").targets.tolist())
    assert set(counts) == set(range(19)) and counts[9] > 3 * counts[1]


def test_normalisation_leads_back_from_inputs_to_pixels():
    normalisation = TASKS["digits"]().normalisation
    for ink in (0.0, 1.0):
        pixels = digits.noisy(torch.full((1, 1, 64, 64), ink), np.random.default_rng(0))
        assert (pixels * normalisation["std"][0] + normalisation["mean"][0]).mean().item() == pytest.approx(ink, abs=0.02)
