import numpy as np
import pytest
import torch

from nastoolkit.training import Optimizer, Recipe


@pytest.mark.parametrize("n_steps", [1, 5, 10, 100])
def test_the_learning_rate_warms_up_and_ends_low(n_steps):
    recipe = Recipe(n_steps=n_steps)
    rates = np.array([recipe.learning_rate_at(step) for step in range(n_steps + 1)])
    peak, warm_up = rates.argmax(), max(1, n_steps // 10)
    assert rates.max() == 1.0 and rates.min() >= 0 and rates[:n_steps].min() > 0
    assert (np.diff(rates[: peak + 1]) > 0).all() and (np.diff(rates[warm_up:]) <= 0).all()
    assert peak == warm_up - 1 and rates[-1] < 1e-9


def shares(schedule, warm_up=0.0, n=8):
    recipe = Recipe(n_steps=n, schedule=schedule, warm_up=warm_up)
    return [recipe.learning_rate_at(step) for step in range(n)]


def test_schedules_by_their_definitions():
    assert shares("constant") == [1.0] * 8 and shares("constant", 0.25) == [0.5] + [1.0] * 7
    assert shares("one-cycle") == [1 - step / 8 for step in range(8)]
    np.testing.assert_allclose(shares("step"), [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    np.testing.assert_allclose(shares("cosine"), [(1 + np.cos(np.pi * step / 8)) / 2 for step in range(8)])
    np.testing.assert_allclose(shares("one-cycle", 0.5), [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"precision": "float8"}, "unknown precision 'float8'; known: float32, bfloat16"),
        ({"optimizer": "lamb"}, "unknown optimizer 'lamb'; known: adamw, sgd"),
        ({"schedule": "linear"}, "unknown schedule 'linear'; known: constant, cosine, step, one-cycle"),
        ({"warm_up": 1.5}, "warm_up is a share of the steps and must be between 0 and 1, got 1.5"),
    ],
)
def test_what_a_recipe_cannot_be_is_told(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Recipe(n_steps=1, **wrong)


def test_settings_of_older_recipes_are_what_they_were():
    first = {"n_steps", "batch_size", "learning_rate", "weight_decay", "clip_norm", "seed", "label_smoothing", "average"}
    assert set(Recipe(n_steps=1).settings) == {*first, "precision"}
    assert Recipe(n_steps=1, schedule="step", warm_up=0.1).settings == Recipe(n_steps=1).settings | {"schedule": "step"}


def train(optimizer, weights, n):
    norms = []
    for _ in range(n):
        (weights * torch.tensor([3.0, 4.0])).sum().backward()
        norms.append(float(optimizer.step()))
    return norms


def test_sgd_with_momentum_in_closed_form_and_the_norm_before_the_clip():
    """The clipped gradient is (0.6, 0.8) in every step, so momenta are 1, 1.5 and 1.75 of it."""
    weights = torch.nn.Parameter(torch.zeros(2))
    how = {"optimizer": "sgd", "momentum": 0.5, "schedule": "constant", "warm_up": 0.0, "weight_decay": 0.0, "clip_norm": 1.0}
    assert train(Optimizer([weights], Recipe(n_steps=3, learning_rate=0.1, **how)), weights, 3) == pytest.approx([5.0] * 3)
    torch.testing.assert_close(weights.detach(), -0.1 * 4.25 * torch.tensor([0.6, 0.8]))
    assert weights.grad is None


def test_one_schedule_goes_through_several_stretches_also_after_a_kill():
    def trained(*stretches):
        weights = torch.nn.Parameter(torch.zeros(2))
        recipe, state, rates = Recipe(n_steps=6, learning_rate=0.1), None, []
        for n in stretches:
            optimizer = Optimizer([weights], recipe)
            if state:
                optimizer.load_state_dict(state)
            for _ in range(n):
                train(optimizer, weights, 1)
                rates.append(optimizer.torch_optimizer.param_groups[0]["lr"])
            state = optimizer.state_dict()
        return weights.tolist(), rates

    assert trained(6) == trained(2, 3, 1)
    assert trained(6)[1] == [0.1 * Recipe(n_steps=6).learning_rate_at(step) for step in range(6)]


def test_a_schedule_that_is_used_up_is_told():
    weights = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(
        ValueError,
        match="^the schedule ends after 1 steps: n_steps of the optimiser's recipe must be their sum$",
    ):
        train(Optimizer([weights], Recipe(n_steps=1)), weights, 2)
