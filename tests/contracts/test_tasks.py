"""What every entry of TASKS keeps; a new one is tested by being there."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from nastoolkit.tasks import SPLITS, TASKS, digits

HASHES = """
import hashlib, sys
from nastoolkit.tasks import SPLITS, TASKS

task = TASKS[sys.argv[1]]()
for data in [*map(task.split, SPLITS), task.batch(step=3, size=5, seed=7)]:
    print(hashlib.sha256(data.inputs.numpy().tobytes() + data.targets.numpy().tobytes()).hexdigest())
"""


@pytest.fixture(params=TASKS, scope="module")
def task(request):
    return TASKS[request.param]()


def same(one, other):
    return torch.equal(one.inputs, other.inputs) and torch.equal(one.targets, other.targets)


def logits_for(targets, right):
    """One-hot outputs that are all right or all wrong."""
    n = int(targets.max()) + 1
    return torch.nn.functional.one_hot(targets if right else (targets + 1) % n, n).float()


def test_splits_are_fixed_also_in_another_process(task):
    ran = subprocess.run(
        [sys.executable, "-c", HASHES, task.name],
        env=os.environ | {"PYTHONHASHSEED": "5"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    here = [*map(task.split, SPLITS), task.batch(step=3, size=5, seed=7)]
    hashes = [hashlib.sha256(data.inputs.numpy().tobytes() + data.targets.numpy().tobytes()).hexdigest() for data in here]
    assert ran.stdout.split() == hashes and len(set(hashes)) == len(hashes)


def test_splits_are_disjoint_and_finite(task):
    seen = set()
    for name in SPLITS:
        data = task.split(name)
        inputs = {row.numpy().tobytes() for row in data.inputs}
        assert len(data) == len(data.targets) == len(inputs) and torch.isfinite(data.inputs).all()
        assert seen.isdisjoint(inputs) and same(TASKS[task.name]().split(name), data)
        seen |= inputs


def test_a_batch_depends_on_its_arguments_alone(task):
    first = task.batch(step=2, size=6, seed=1)
    assert len(first) == len(first.targets) == 6
    before = np.random.get_state()[1].tobytes(), torch.get_rng_state()
    task.batch(step=9, size=4, seed=8)
    again = task.batch(step=2, size=6, seed=1)
    assert np.random.get_state()[1].tobytes() == before[0] and torch.equal(torch.get_rng_state(), before[1])
    assert same(first, again)
    assert not same(first, task.batch(step=3, size=6, seed=1)) and not same(first, task.batch(step=2, size=6, seed=2))


def test_batches_look_like_the_training_split(task):
    batch, train = task.batch(step=0, size=200), task.split("train")
    assert batch.inputs.shape[1:] == train.inputs.shape[1:] and batch.inputs.dtype == train.inputs.dtype
    assert abs(batch.inputs.mean() - train.inputs.mean()) < 0.1 and abs(batch.inputs.std() - train.inputs.std()) < 0.1
    assert set(batch.targets.tolist()) == set(train.targets.tolist())


def test_the_loss_is_finite_and_leads_to_the_targets(task):
    targets = task.batch(step=0, size=20).targets
    outputs = torch.zeros_like(logits_for(targets, right=True), requires_grad=True)
    loss = task.loss(outputs, targets)
    loss.backward()
    assert loss.shape == () and torch.isfinite(loss) and torch.isfinite(outputs.grad).all()
    better = task.loss(outputs - outputs.grad, targets)
    assert better < loss < task.loss(outputs + outputs.grad, targets)


def test_the_score_is_a_percentage_and_larger_is_better(task):
    targets = task.split("validation").targets
    right, wrong = (logits_for(targets, right) for right in (True, False))
    half = torch.where((torch.arange(len(targets)) % 2 == 0)[:, None], right, wrong)
    assert [task.score(outputs, targets) for outputs in (wrong, half, right)] == [0.0, 50.0, 100.0]
    assert isinstance(task.score(half, targets), float)


def test_an_unknown_split_lists_the_known_ones(task):
    with pytest.raises(ValueError, match="unknown split 'dev'; known: .*'train', 'validation', 'test'"):
        task.split("dev")


def test_the_registry_names_its_tasks():
    for name, make in TASKS.items():
        assert make().name == name and make().metric


def test_no_handwritten_digit_is_in_two_splits():
    sources = {name: [image.numpy().tobytes() for image in images] for name, (images, _) in digits._sources().items()}
    everything = [image for images in sources.values() for image in images]
    assert list(sources) == list(SPLITS) and len(everything) == len(set(everything)) == len(load_digits().target)
    for _, labels in digits._sources().values():
        np.testing.assert_allclose(np.bincount(labels) / len(labels), 0.1, atol=0.01)


@pytest.mark.parametrize("split", SPLITS)
def test_canvases_show_handwriting_of_their_split_alone(monkeypatch, split):
    sources = digits._sources()
    poisoned = {name: (images if name == split else images * np.nan, labels) for name, (images, labels) in sources.items()}
    monkeypatch.setattr(digits, "_sources", lambda: poisoned)
    data = digits._split.__wrapped__(split)
    assert torch.isfinite(data.inputs).all() and same(data, digits.Digits().split(split))
    assert torch.isfinite(digits.Digits().batch(step=0, size=50).inputs).all() == (split == "train")
