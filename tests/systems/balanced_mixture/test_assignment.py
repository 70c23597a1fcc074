"""Balancing against an exact optimum, and a sampler of which one copy is plain sharing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from nastoolkit.supernets import Supernet
from nastoolkit.systems.balanced_mixture import (
    LEARNED,
    RANDOM,
    UNBALANCED,
    BalancedMixture,
    PoolingFamily,
    PoolingTable,
    balancing,
    soft_assignment,
)
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe, Uniform, fit, targets_only


class Few(Digits):
    n_canvases = {"train": 40, "validation": 60, "test": 50}  # noqa: RUF012


TASK = Few()
SIZES = {"image_channels": 1, "image_size": 4, "n_classes": 10, "widths": (2, 2, 2, 2)}
SCORES = st.integers(2, 4).flatmap(lambda m: arrays(float, (12, m), elements=st.floats(0, 1)))


def supernet(n_copies):
    return Supernet(PoolingFamily("poolings", PoolingTable(**SIZES, n_stages=2, n_copies=n_copies)), seed=3)


def sampler(n_copies, rule=LEARNED, n_steps=12, **how):
    return BalancedMixture(supernet(n_copies), TASK, n_steps, n_epoch=4, batch_size=8, seed=5, rule=rule, **how)


@given(SCORES, st.floats(0, 150))
def test_loads_are_within_a_ten_thousandth_of_uniform(scores, temperature):
    shares = soft_assignment(scores, temperature, balancing(scores, temperature))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(shares.mean(axis=0), 1 / scores.shape[1], atol=1e-4)


@given(SCORES)
def test_balancing_finds_the_nearest_balanced_assignment(scores):
    """Sinkhorn's matrix is the projection: scales minimise a convex function, the dual."""
    n, n_copies = scores.shape

    def dual(free):
        scales = np.append(free, 0.0)
        return np.log(np.exp(5 * scores - scales).sum(axis=1)).sum() + n / n_copies * scales.sum()

    best = np.append(minimize(dual, np.zeros(n_copies - 1), options={"gtol": 1e-7}).x, 0.0)
    shares = soft_assignment(scores, 5, balancing(scores, 5, 1e-9))
    np.testing.assert_allclose(shares, soft_assignment(scores, 5, best), atol=1e-4)


def test_an_assignment_is_a_softmax_divided_by_scales():
    scores, scales = np.array([[0.2, 0.9], [0.5, 0.5]]), np.array([0.3, 2.0])
    plain = np.exp(10 * scores) / np.exp(10 * scores).sum(axis=1, keepdims=True) / np.exp(scales)
    np.testing.assert_allclose(soft_assignment(scores, 10, scales), plain / plain.sum(axis=1, keepdims=True))


def test_scores_that_are_no_numbers_are_told():
    with pytest.raises(ValueError, match="^copies could not be balanced: scores at temperature 2 differ too much or are NaN"):
        balancing(np.array([[1.0, np.nan], [1.0, 1.0]]), 2)


def test_one_copy_is_plain_sharing_bit_for_bit():
    one, plain, recipe = sampler(1), supernet(1), Recipe(12, batch_size=8, optimizer="sgd")
    before = plain.fingerprint
    fit(one.supernet, TASK, one, targets_only, recipe, progress=False)
    fit(plain, TASK, Uniform(plain.family.space, seed=5), targets_only, recipe, progress=False)
    assert one.supernet.fingerprint == plain.fingerprint != before


@pytest.mark.parametrize("rule", [LEARNED, UNBALANCED, RANDOM])
def test_configurations_are_drawn_alike_for_any_number_of_copies(rule):
    drawn = [[one.draw(step)[0][0] for step in range(60)] for one in (sampler(1), sampler(3, rule))]
    assert [genotype[0] for genotype in drawn[0]] == [genotype[0] for genotype in drawn[1]]
    assert {genotype[1] for genotype in drawn[1]} == {0, 1, 2}


def test_copies_are_drawn_as_often_as_the_assignment_says():
    one = sampler(2)
    one.scores = np.array([[1.0, 0.0], [0.5, 0.7], [0.2, 0.2]])
    drawn = np.array([one.draw(step)[0][0] for step in range(3000)])
    found = [drawn[drawn[:, 0] == place, 1].mean() for place in range(3)]
    np.testing.assert_allclose(found, one.assignment[:, 1], atol=0.05)
    assert one.assignment[1, 1] == pytest.approx(1 / (1 + np.exp(-0.2)))


def test_a_step_moves_one_score_by_the_accuracy_on_validation_images():
    one = sampler(2, decay=0.75)
    one.supernet.train()
    ((genotype, _),) = one.draw(0)
    weights = one.supernet.fingerprint
    one.feedback(0, [1.0], [None])
    rows = np.random.default_rng([5, 0, 3]).integers(60, size=8)
    batch = next(TASK.split("validation").batches(60, (1, 4, 4)))[rows]
    right = (one.supernet(batch.inputs, genotype).argmax(1) == batch.targets).float().mean().item()
    wanted = np.ones((3, 2))
    wanted[tuple(genotype)] = 0.75 + 0.25 * right
    np.testing.assert_allclose(one.scores, wanted)
    assert one.traffic[0, genotype[1]] == one.traffic.sum() == 1 and one.supernet.fingerprint == weights


def test_every_epoch_is_hotter_and_is_balanced():
    one, plain = sampler(2, highest=21), sampler(2, UNBALANCED)
    one.supernet.train(), plain.supernet.train()
    for step in range(12):
        assert one.temperature == 1 + 10 * (step // 4)
        for each in (one, plain):
            each.feedback(step, [1.0], [None])
        if step % 4 == 3:
            np.testing.assert_allclose(one.assignment.mean(axis=0), 0.5, atol=1e-4)
    assert one.traffic.sum(axis=1).tolist() == [4, 4, 4] and np.any(one.scales) and not np.any(plain.scales)


def test_a_random_assignment_is_fixed_and_gives_each_copy_as_many():
    one = sampler(3, RANDOM)
    one.supernet.train()
    before = one.assignment
    for step in range(4):
        one.feedback(step, [1.0], [None])
    assert (one.assignment == before).all() and before.sum(axis=0).tolist() == [1, 1, 1] and set(before.flat) == {0, 1}
    assert one.copies.tolist() == before.argmax(axis=1).tolist()


def test_a_training_goes_on_from_what_is_kept():
    whole, again = sampler(2), sampler(2)
    whole.supernet.train(), again.supernet.train()
    for step in range(5):
        whole.feedback(step, [1.0], [None])
    kept = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in whole.state_dict().items()}
    again.load_state_dict(kept)
    for step in range(5, 12):
        for each in (whole, again):
            each.feedback(step, [1.0], [None])
    for name in ("scores", "scales", "traffic"):
        assert (getattr(whole, name) == getattr(again, name)).all()
    assert (kept["scores"].numpy() != whole.scores).any() and kept["n_taken"] == 5 and again.n_taken == 12


def test_a_rule_that_does_not_exist_is_told():
    with pytest.raises(ValueError, match="^unknown rule 'fair'; known: balanced, not balanced, at random$"):
        sampler(2, "fair")
