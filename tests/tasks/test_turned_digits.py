"""Turned and mirrored digits: what their classes are, and which are for what."""

import numpy as np
import torch

from nastoolkit import TASKS
from nastoolkit.tasks.turned_digits import DIGITS, KINDS


def test_a_class_is_its_digit_turned_and_mirrored(monkeypatch):
    monkeypatch.setattr("nastoolkit.tasks.turned_digits.NOISE", 0.0)
    train = TASKS["turned-digits"]().read()["train"]
    means = {kind: train.inputs[train.targets == label].mean(0) for label, kind in enumerate(KINDS)}
    for digit, turns, is_mirrored in KINDS:
        plain = means[digit, 0, False]
        turned = torch.rot90(plain.flip(2) if is_mirrored else plain, turns, (1, 2))
        distances = {kind: float((other - turned).pow(2).mean()) for kind, other in means.items()}
        assert min(distances, key=distances.get) == (digit, turns, is_mirrored)


def test_there_are_54_classes_and_digits_are_in_one_group_each():
    task = TASKS["turned-digits"]()
    assert task.n_classes == len(set(KINDS)) == 54
    groups = task.class_groups
    assert {name: len(classes) for name, classes in groups.items()} == {"train": 28, "validation": 8, "test": 18}
    digits = {name: {KINDS[label][0] for label in classes} for name, classes in groups.items()}
    assert digits == {name: set(own) for name, own in DIGITS.items()} and sum(map(len, digits.values())) == 9
    assert np.unique(np.concatenate([*groups.values()])).tolist() == list(range(54))
