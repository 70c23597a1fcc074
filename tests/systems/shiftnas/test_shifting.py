"""Estimators that agree, and a training that can be killed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.supernets import Supernet
from nastoolkit.systems.shiftnas import ESTIMATORS, Shift, Training, equal_ratios
from nastoolkit.systems.shiftnas.shifting import generator_for
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe

FAMILY = MobileNetV3Family(
    "small", replace(DIGITS, resolutions=(16,), stages=DIGITS.stages[:1], final_expand=16, feature_mix=16)
)
TASK = Digits()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6), st.integers(0, 10**6))
def test_exact_and_gumbel_estimators_agree_in_mean(values, seed):
    """Over all bins with the probability of each; which one is drawn, the next test asks."""
    logits = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    changes = np.random.default_rng(seed).normal(size=len(values))
    (wanted,) = torch.autograd.grad(value := ESTIMATORS["exact"](logits, changes.__getitem__, None), logits)
    mean, slope = 0.0, torch.zeros_like(logits)
    probabilities, found = logits.detach().softmax(0), dict[int, tuple[float, torch.Tensor]]()
    draws, asked = torch.Generator().manual_seed(seed), []
    for _ in range(3000):
        one = ESTIMATORS["gumbel"](logits, lambda number: (asked.append(number), changes[number])[1], draws)
        if asked[-1] not in found:
            found[asked[-1]] = float(one.detach()), torch.autograd.grad(one, logits)[0]
        if len(found) == len(values):
            break
    for number, (own, gradient) in found.items():
        mean, slope = mean + probabilities[number] * own, slope + probabilities[number] * gradient
    left = 1 - sum(float(probabilities[number]) for number in found)
    assert float(mean) == pytest.approx(float(value.detach()), abs=1e-9 + 4 * left)
    torch.testing.assert_close(slope, wanted, atol=1e-9 + 8 * left, rtol=0)


def test_gumbel_draws_bins_by_their_probabilities_and_asks_for_one_change_only():
    logits, draws, asked = torch.tensor([0.0, 1.0, -1.0, 0.5]), torch.Generator().manual_seed(0), []
    for _ in range(4000):
        ESTIMATORS["gumbel"](logits, lambda number: asked.append(number) or 1.0, draws)
    assert len(asked) == 4000
    np.testing.assert_allclose(np.bincount(asked) / 4000, logits.softmax(0), atol=0.03)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_probability_moves_to_the_bin_whose_loss_still_falls(estimator):
    shift = Shift(4, estimator, every=2, warm_up=4, seed=1)
    due = [step for step in range(204) if shift.is_due(step)]
    assert due == list(range(5, 204, 2))
    for step in due:
        shift.learn(step, [0.0, 0.0, -1.0, 0.0].__getitem__)
    assert shift.probabilities.argmax() == 2 and shift.probabilities[2] > 0.5 and shift.probabilities.sum() == pytest.approx(1)
    drawn = [shift.draw(step) for step in range(1000)]
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 1000, shift.probabilities, atol=0.05)


def test_without_an_estimator_bins_stay_alike_and_others_are_unknown():
    shift = Shift(5)
    assert not any(map(shift.is_due, range(100))) and set(shift.probabilities) == {0.2}
    with pytest.raises(ValueError, match="^unknown estimator 'straight'; known: exact, gumbel$"):
        Shift(5, "straight")


def training(seed=0, estimator="exact", n_steps=8):
    shift = Shift(3, estimator, every=2, warm_up=2, seed=seed)
    recipe = Recipe(n_steps, batch_size=4, learning_rate=0.01, seed=seed)
    return Training(Supernet(FAMILY, seed=seed), TASK, equal_ratios(FAMILY, 3), shift, recipe, n_validation=8)


@pytest.mark.parametrize("estimator", [None, *ESTIMATORS])
def test_all_parts_are_trained_and_changes_are_those_since_the_update_before(estimator):
    own = training(estimator=estimator)
    before = [{name: tensor.clone() for name, tensor in part.state_dict().items()} for part in (own.supernet, own.generator)]
    told, now = own.fit(), [own.supernet.state_dict(), own.generator.state_dict()]
    assert all(any(not torch.equal(old[name], new[name]) for name in old) for old, new in zip(before, now, strict=True))
    assert len(told["loss"]) == len(told["mmacs"]) == 8 and set(told["bin"]) <= {0, 1, 2}
    assert len(told.get("p 0", [])) == (3 if estimator else 0)
    assert not own.supernet.training
    if estimator:
        own.supernet.train()
        assert own.before.fingerprint == own.supernet.fingerprint and own._change(1) == 0.0


def test_a_change_is_the_difference_of_two_validation_losses():
    own = training()
    for weight in own.supernet.parameters():
        weight.data.mul_(1.1)
    own.supernet.train()
    path = own.generator.network(float(own.bins.targets[2]))
    first = TASK.split("validation")[:8].at(FAMILY.input_shape(path))
    now, then = (TASK.loss(one(first.inputs, path), first.targets).item() for one in (own.supernet, own.before.train()))
    assert own._change(2) == pytest.approx(now - then, abs=1e-6) and now != then


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr("nastoolkit.training.run.SAVE_SECONDS", -1.0)
    whole, file = training(), tmp_path / "run.pt"
    told = whole.fit(str(file))

    class KilledError(Exception):
        pass

    def dies(step):
        if step == 5:
            raise KilledError
        return Shift.draw(killed.shift, step)

    file.unlink()
    killed = training()
    killed.shift.draw = dies
    with pytest.raises(KilledError):
        killed.fit(str(file))
    again = training()
    assert again.fit(str(file)) == told
    assert again.supernet.fingerprint == whole.supernet.fingerprint
    for one, other in zip(again.generator.parameters(), whole.generator.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(again.shift.logits, whole.shift.logits)


def test_noise_follows_from_seed_and_step():
    first, second, other = (torch.rand(3, generator=generator_for(*key)) for key in ((0, 1), (0, 1), (1, 0)))
    assert torch.equal(first, second) and not torch.equal(first, other)
