"""What every entry of TASKS keeps; a new one is tested by being there."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from nastoolkit.tasks import SPLITS, TASKS, Classification, Split, base

HASHES = """
import hashlib
from nastoolkit.tasks import SPLITS, TASKS

for make in TASKS.values():
    task = make()
    for data in [*map(task.split, SPLITS), task.batch(step=3, size=5, seed=7)]:
        sha = hashlib.sha256()
        for batch in data.batches(100, (3, 32, 32)):
            inputs = batch.inputs if isinstance(batch.inputs, tuple) else (batch.inputs,)
            targets = batch.targets.values() if isinstance(batch.targets, dict) else (batch.targets,)
            sha.update(b"".join(part.numpy().tobytes() for part in (*inputs, *targets)))
        print(task.name, sha.hexdigest())
"""
SHAPE = (3, 32, 32)  # of all images here, to be quick
NEW_TARGETS = (
    "bert-texts",
    "digits-sums",
    "masked-vader",
    "masked-words",
)  # a batch draws the second digit, or the words to tell


class Oracle(torch.nn.Module):
    """Knows the logits of its inputs, and gives them whether it is asked for all at once or token by token."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, inputs):
        return self.logits

    def encode(self, source):
        return [self.logits]

    def decode(self, target, memories, source, last=False):
        return memories[0][:, : target.shape[1]]


@pytest.fixture(params=TASKS, scope="module")
def task(request, data_sets):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in places(data_sets).items():
            patch.setenv(name, value)
        yield TASKS[request.param]()


def places(data_sets):
    """Settings for where data sets are, and where vocabularies are kept."""
    return {"NASTOOLKIT_DATASETS": str(data_sets), "NASTOOLKIT_CACHE": str(data_sets / "cache")}


def parts(data):
    """All tensors of a split."""
    return (*(data.inputs if isinstance(data.inputs, tuple) else (data.inputs,)), *labels(data.targets))


def labels(targets):
    """All tensors of targets."""
    return tuple(targets.values()) if isinstance(targets, dict) else (targets,)


def same(one, other):
    return all(torch.equal(part, twin) for part, twin in zip(parts(one), parts(other), strict=True))


def digest(data):
    sha = hashlib.sha256()
    for batch in data.batches(100, SHAPE):
        sha.update(b"".join(part.numpy().tobytes() for part in parts(batch)))
    return sha.hexdigest()


def joined(batches):
    inputs, targets = zip(*((batch.inputs, batch.targets) for batch in batches), strict=True)
    whole = tuple(map(torch.cat, zip(*inputs, strict=True))) if isinstance(inputs[0], tuple) else torch.cat(inputs)
    return Split(whole, base.joined(targets))


def whole(task, name):
    """A split in memory."""
    return joined(task.split(name).batches(100, SHAPE))


def logits_for(targets, right):
    """Outputs that are sure, and all right or all wrong; those for normals of pixels follow those for classes."""
    if isinstance(targets, dict) and "disparity" in targets:
        return targets["disparity"] if right else targets["disparity"] + 2
    if isinstance(targets, dict):
        directions = targets["normals"] if right else -targets["normals"]
        return torch.cat([logits_for(targets["classes"].clamp(min=0), right).movedim(-1, 1), 100 * directions], 1)
    n = int(targets.max()) + 1
    return 100.0 * torch.nn.functional.one_hot(targets if right else (targets + 1) % n, n)


def unlike_own(targets):
    """Outputs that are alike for different people, and unlike for one."""
    number = torch.stack([(targets[:place] == target).sum() for place, target in enumerate(targets)])
    n = int(targets.max()) + 1
    return torch.nn.functional.one_hot(number % n, n).float()


def predictions_for(task, data, right):
    outputs = unlike_own(data.targets) if task.metric == "verification" and not right else logits_for(data.targets, right)
    with torch.no_grad():
        return task.predict(Oracle(outputs), data.inputs)


@pytest.fixture(scope="module")
def elsewhere(data_sets):
    """Lines of a task and a hash, from another process."""
    environment = os.environ | {"PYTHONHASHSEED": "5"} | places(data_sets)
    command = [sys.executable, "-c", HASHES]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def test_splits_are_fixed_also_in_another_process(task, elsewhere):
    hashes = [digest(data) for data in [*map(task.split, SPLITS), task.batch(step=3, size=5, seed=7)]]
    assert [line for line in elsewhere if line.startswith(f"{task.name} ")] == [f"{task.name} {digits}" for digits in hashes]
    assert len(set(hashes)) == len(hashes)


def test_splits_are_disjoint_and_finite(task):
    seen = set()
    for name in SPLITS:
        data = whole(task, name)
        inputs = {row.numpy().tobytes() for row in parts(data)[0]}
        assert {len(task.split(name)), len(inputs)} == {len(part) for part in parts(data)}
        assert all(torch.isfinite(part).all() for part in parts(data))
        assert seen.isdisjoint(inputs) and same(whole(TASKS[task.name](), name), data)
        seen |= inputs


def test_a_batch_depends_on_its_arguments_alone(task):
    first = task.batch(step=2, size=6, seed=1)
    assert [len(first), *map(len, parts(first))] == [6] * (1 + len(parts(first)))
    before = np.random.get_state()[1].tobytes(), torch.get_rng_state()
    task.batch(step=9, size=4, seed=8)
    again = task.batch(step=2, size=6, seed=1)
    assert np.random.get_state()[1].tobytes() == before[0] and torch.equal(torch.get_rng_state(), before[1])
    assert same(first, again)
    assert not same(first, task.batch(step=3, size=6, seed=1)) and not same(first, task.batch(step=2, size=6, seed=2))


def test_a_batch_knows_its_rows_and_takes_those_that_it_is_given(task):
    batch = task.batch(step=2, size=6, seed=1)
    rows = batch.rows.numpy()
    assert rows.shape == (6,) and 0 <= rows.min() and rows.max() < task.n_rows
    again = task.batch(step=5, size=6, seed=3, rows=rows)
    assert torch.equal(again.rows, batch.rows)
    assert all(map(torch.equal, labels(again.targets), labels(batch.targets))) or task.name in NEW_TARGETS
    assert same(task.batch(2, 4, 1, rows[:4]), task.batch(2, 4, 1, rows[:4].astype(np.int32)))
    assert torch.equal(batch[::2].at(SHAPE).to(torch.device("cpu")).rows, batch.rows[::2])
    for wrong in (rows[:3], rows - task.n_rows, rows + task.n_rows, rows / 2):
        with pytest.raises(ValueError, match=f"rows of a batch of 6 must be 6 places between 0 and {task.n_rows - 1}, got"):
            task.batch(step=0, size=6, rows=wrong)


def test_batches_look_like_the_training_split(task):
    batch = joined(task.batch(step, size=100).at(SHAPE) for step in range(10))
    train = whole(task, "train")
    for drawn, fixed in zip(parts(batch), parts(train), strict=True):
        assert drawn.shape[1:] == fixed.shape[1:] and drawn.dtype == fixed.dtype
        drawn, fixed = drawn.double(), fixed.double()
        assert abs(drawn.mean() - fixed.mean()) <= 0.1 * fixed.std()
        assert 0.9 * fixed.std() <= drawn.std() <= 1.1 * fixed.std()
    if not hasattr(task, "corpus"):  # of which a thousand words are no census
        drawn, fixed = (labels(data.targets)[0] for data in (batch, train))
        assert set(drawn.flatten().tolist()) == set(fixed.flatten().tolist())


def test_the_loss_is_finite_and_leads_to_the_targets(task):
    targets = task.batch(step=0, size=20).targets
    outputs = torch.zeros_like(logits_for(targets, right=True), requires_grad=True)
    loss = task.loss(outputs, targets)
    loss.backward()
    assert loss.shape == () and torch.isfinite(loss) and torch.isfinite(outputs.grad).all()
    better = task.loss(outputs - outputs.grad, targets)
    assert better < loss < task.loss(outputs + outputs.grad, targets)
    sure = logits_for(targets, right=True)
    assert task.loss(sure, targets) < 1e-6
    assert task.loss(sure, targets, label_smoothing=0.1) > 1e-6 or task.metric == "within_1px"  # no classes


def test_the_score_is_a_percentage_and_larger_is_better(task):
    data = whole(task, "validation")
    right, wrong = (predictions_for(task, data, right) for right in (True, False))
    assert len(right) == len(wrong) == len(data)
    half = torch.cat([right[::2], wrong[1::2]]), base.joined([data[::2].targets, data[1::2].targets])
    scores = [task.score(wrong, data.targets), task.score(*half), task.score(right, data.targets)]
    assert 0 <= scores[0] < scores[1] < scores[2] and scores[2] == pytest.approx(100)
    assert all(isinstance(score, float) for score in scores)


def test_a_network_needs_as_many_logits_as_there_are_classes(task):
    if isinstance(task, Classification):
        assert {target for name in SPLITS for target in whole(task, name).targets.tolist()} == set(range(task.n_classes))
    for name in SPLITS:
        assert all(map(torch.equal, labels(task.split(name).targets), labels(whole(task, name).targets)))


class TwoQuestions(Classification):
    """Which digit is it, and is it odd? A network gives ten logits and then two."""

    def batch(self, step, size, seed=0):
        return self.asked(TASKS["digits"]().batch(step, size, seed))

    def split(self, name):
        return self.asked(TASKS["digits"]().split(name)[:100])

    def asked(self, split):
        return Split(split.inputs, {"digit": split.targets, "odd": split.targets % 2}, split.rows)

    def loss(self, outputs, targets, label_smoothing=0.0):
        answers = self.answers(outputs)
        return sum(super(TwoQuestions, self).loss(answers[name], targets[name], label_smoothing) for name in targets)

    def predict(self, network, inputs):
        return self.answers(network(inputs))

    def answers(self, outputs):
        return {"digit": outputs, "odd": torch.stack([outputs[:, ::2].logsumexp(1), outputs[:, 1::2].logsumexp(1)], 1)}

    def score(self, predictions, targets):
        return min(super(TwoQuestions, self).score(predictions[name], targets[name]) for name in targets)


def test_a_task_may_have_several_targets_by_name(tiny):
    from nastoolkit.measurements.accuracy import predictions
    from nastoolkit.supernets import Supernet
    from nastoolkit.training import Recipe, Uniform, fit

    task, supernet = TwoQuestions(), Supernet(tiny)
    batch = task.batch(0, 6)[1::2].to(torch.device("cpu"))
    assert len(batch) == 3 and torch.equal(batch.targets["odd"], batch.targets["digit"] % 2)
    assert task.loss(torch.zeros(3, 10), batch.targets) == pytest.approx(np.log(10) + np.log(2))
    criterion, recipe = lambda loss: lambda step: loss(step.outputs, step.targets), Recipe(n_steps=2, batch_size=8)
    assert (fit(supernet, task, Uniform(tiny.space), criterion, recipe, progress=False) < 5).all()
    answers, targets = predictions(supernet.extract(tiny.space.smallest), task, task.split("validation"), batch_size=30)
    assert {name: tuple(part.shape) for name, part in answers.items()} == {"digit": (100, 10), "odd": (100, 2)}
    assert 0 <= task.score(answers, targets) <= 100


def test_accuracy_is_the_share_of_right_answers():
    targets = torch.arange(8) % 4
    logits = torch.where((torch.arange(8) < 2)[:, None], logits_for(targets, right=True), logits_for(targets, right=False))
    assert Classification().score(logits, targets) == 25.0


def test_an_unknown_split_lists_the_known_ones(task):
    with pytest.raises(ValueError, match="unknown split 'dev'; known: .*'train', 'validation', 'test'"):
        task.split("dev")


def test_the_registry_names_its_tasks():
    for name, make in TASKS.items():
        assert make().name == name and make().metric
