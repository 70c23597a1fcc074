"""Nothing that is learnt changes later, weights are used up as they must be, and masks are handed on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.systems.exssnet import (
    ARMS,
    EXSSNET,
    NAIVE,
    NEAREST,
    NEW,
    RANDOM,
    SSNET,
    SUPSUP,
    TOLD,
    Learner,
)
from nastoolkit.systems.exssnet.comparison import method_of
from nastoolkit.systems.exssnet.learning import accuracy, logits_of, neighbour_accuracy
from nastoolkit.systems.exssnet.streams import PERMUTED, RELATED, stream_of

WIDTHS = [64, 40, 30, 10]


def learner_of(arm, n_tasks=3, density=0.3, n_steps=20, transfer=NEW, widths=WIDTHS, seed=1):
    return Learner(widths, n_tasks, method_of(arm, density, n_steps, transfer, 0.01, 0.01, seed), seed)


@pytest.mark.parametrize("arm", ARMS)
def test_later_tasks_change_no_bit_of_earlier_ones_where_they_must_not(arm):
    learner, pieces = learner_of(arm), stream_of(PERMUTED, 3, 1)
    begun, before = learner.supernet.shared.layer1.linear.weight.clone(), []
    for number, piece in enumerate(pieces):
        learner.learn(piece)
        before.append(logits_of(learner.network(number), piece))
    same = [torch.equal(logits_of(learner.network(number), pieces[number]), before[number]) for number in range(3)]
    assert same == ([True] * 3 if arm in (SUPSUP, EXSSNET) else [False, False, True])
    assert torch.equal(learner.supernet.shared.layer1.linear.weight, begun) == (arm == SUPSUP)


def test_exclusive_training_changes_free_weights_of_the_mask_and_no_others():
    learner, pieces = learner_of(EXSSNET), stream_of(PERMUTED, 2, 1)
    learner.learn(pieces[0])
    before = [weight.detach().clone() for weight in learner.weights]
    learner.learn(pieces[1])
    for weight, old, own, first in zip(learner.weights, before, learner.masks(1), learner.masks(0), strict=True):
        changed = weight != old
        assert changed.any() and not (changed & ~(own & ~first)).any()


def test_ssnet_trains_the_whole_mask():
    learner, pieces = learner_of(SSNET), stream_of(PERMUTED, 2, 1)
    for piece in pieces:
        learner.learn(piece)
    assert all(torch.equal(a, b) for a, b in zip(learner.trainable(1), learner.masks(1), strict=True))


@pytest.mark.parametrize("density", [0.02, 0.1, 0.5])
def test_free_weights_fade_as_powers_for_independent_masks(density):
    learner = learner_of(EXSSNET, n_tasks=8, density=density, widths=[64, 200, 100, 10])
    for task in range(8):
        free, n = sum(int(mask.sum()) for mask in learner.free(task)), 64 * 200 + 200 * 100 + 1000
        expected = (1 - density) ** task
        assert abs(free / n - expected) <= 5 * (expected * (1 - expected) / n) ** 0.5 + 1e-12
    assert all(bool(mask.all()) for mask in learner.free(0))


def test_a_task_without_free_weights_is_told():
    learner, pieces = learner_of(EXSSNET, density=1.0), stream_of(PERMUTED, 2, 1)
    learner.learn(pieces[0])
    words = "^task 2 has no free weight: the masks of 1 earlier ones have all of its own, of 4,060 weights; take fewer tasks"
    with pytest.raises(ValueError, match=words):
        learner.learn(pieces[1])


@pytest.mark.parametrize("is_fixed", [False, True])
def test_training_sees_what_the_supernet_computes(is_fixed):
    learner, (piece,) = learner_of(EXSSNET), stream_of(PERMUTED, 1, 1)
    batch, answers = piece.batch(0, 16), []
    for network in (learner.supernet.train(), None):
        outputs = network(batch.inputs, np.array([2])) if network else learner._masked(2, is_fixed)(batch.inputs)
        gradients = torch.autograd.grad(piece.loss(outputs, batch.targets), learner.weights)
        answers.append([outputs, *gradients])
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*answers, strict=True))


def test_all_arms_take_the_same_steps():
    for arm in ARMS:
        method = method_of(arm, 0.1, 30, NEW, 0.01, 0.01, 0)
        assert method.mask_steps + method.weight_steps == 30 and (method.weight_steps == 0) == (arm == SUPSUP)
    assert method_of(NAIVE, 0.1, 30, NEW, 0.01, 0.01, 0).density == 1


@pytest.mark.parametrize(("transfer", "partners"), [(NEW, [None] * 4), (RANDOM, None), (TOLD, [None, None, 0, 1])])
def test_scores_start_from_those_of_the_partner(transfer, partners):
    learner, pieces = learner_of(SUPSUP, 4, n_steps=4, transfer=transfer), stream_of(RELATED, 4, 1)
    learner.method = replace(learner.method, masks=replace(learner.method.masks, learning_rate=0.0))
    initial = [scores.detach().clone() for scores in learner.scores(3)]
    for piece in pieces:
        learner.learn(piece)
    assert partners is None or learner.partners == partners
    assert partners is not None or all(0 <= partner < task for task, partner in enumerate(learner.partners) if task)
    partner = learner.partners[3]
    expected = initial if partner is None else learner.scores(partner)
    assert all(torch.equal(own, other) for own, other in zip(learner.scores(3), expected, strict=True))


def test_the_nearest_task_is_that_whose_features_tell_classes_apart(monkeypatch):
    learner, pieces = learner_of(EXSSNET, 4, n_steps=4, transfer=NEAREST), stream_of(PERMUTED, 4, 1)
    answers = iter([0.2, 0.9, 0.3, 0.1, 0.05, 0.02])
    monkeypatch.setattr("nastoolkit.systems.exssnet.learning.neighbour_accuracy", lambda *_: next(answers))
    for piece in pieces:
        learner.learn(piece)
    assert learner.partners == [None, 0, 0, None]  # the last are not above chance, one in ten


def test_neighbours_see_what_a_network_has_learnt():
    learner, (piece, other) = learner_of(SUPSUP, 2, n_steps=60), stream_of(PERMUTED, 2, 1)
    learner.learn(piece)
    network = learner.network(0)
    assert neighbour_accuracy(network, piece, 5) > max(0.8, neighbour_accuracy(network, other, 5))
    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.zeros_(layer.weight)
    assert neighbour_accuracy(network, piece, 5) < 0.3


def test_accuracy_is_on_test_examples():
    learner, (piece,) = learner_of(SUPSUP, 1), stream_of(PERMUTED, 1, 1)
    learner.learn(piece)
    test = piece.split("test")
    right = learner.network(0)(test.inputs).argmax(1) == test.targets
    assert accuracy(learner.network(0), piece) == pytest.approx(100 * right.float().mean().item())
