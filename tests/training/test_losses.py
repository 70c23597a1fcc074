import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from torch import nn

from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import (
    AngularMargin,
    Recipe,
    Sandwich,
    Step,
    distillation,
    fit,
    in_place_distillation,
    targets_only,
)

TASK = Digits()


class Teacher(nn.Module):
    """Of another family: pools its images, and counts how often it is asked."""

    def __init__(self, n_classes=10):
        super().__init__()
        self.layer, self.n_calls = nn.Linear(16, n_classes), 0

    def forward(self, images):
        self.n_calls += 1
        return self.layer(nn.functional.adaptive_avg_pool2d(images, 4).flatten(1))


def test_in_place_distillation_in_closed_form():
    rng = np.random.default_rng(0)
    outputs, teacher = rng.normal(size=(2, 7, 10))
    targets = rng.integers(10, size=7)
    criterion = in_place_distillation(TASK.loss)
    hard = criterion(Step(torch.tensor(outputs), torch.tensor(targets)))
    soft = criterion(Step(torch.tensor(outputs), torch.tensor(targets), first=torch.tensor(teacher), path=1))
    logs = log_softmax(outputs, axis=1)
    np.testing.assert_allclose(hard, -logs[np.arange(7), targets].mean())
    np.testing.assert_allclose(soft, -(softmax(teacher, axis=1) * logs).sum(axis=1).mean())


def test_targets_only_is_the_tasks_loss_on_every_path():
    outputs, targets = torch.randn(7, 10), torch.arange(7)
    losses = [targets_only(TASK.loss)(Step(outputs, targets, first=first)) for first in (None, torch.randn(7, 10))]
    assert losses[0] == losses[1] == TASK.loss(outputs, targets)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_an_angular_margin_in_closed_form(margin):
    rng = np.random.default_rng(0)
    angles, targets = rng.uniform(0.1, np.pi - 0.6, (6, 4)), rng.integers(4, size=6)
    turned = angles + margin * (np.arange(4) == targets[:, None])
    criterion = AngularMargin(margin, scale=30.0)
    loss = criterion(TASK.loss)(Step(torch.tensor(np.cos(angles)), torch.tensor(targets)))
    wanted = -log_softmax(30 * np.cos(turned), axis=1)[np.arange(6), targets].mean()
    np.testing.assert_allclose(loss, wanted)
    assert criterion.settings == {"margin": margin, "scale": 30.0}


def test_an_angular_margin_keeps_on_falling_past_half_a_turn():
    cosines = torch.linspace(-1, 1, 201, dtype=torch.double)[:, None].requires_grad_()
    logits = AngularMargin(0.4, 1.0).logits(cosines, torch.zeros(201, dtype=torch.long))
    assert (logits.diff(dim=0) > 0).all() and logits.max() < 1
    logits.sum().backward()
    assert torch.isfinite(cosines.grad).all()


@pytest.mark.parametrize("wrong", [{"margin": -0.1}, {"margin": 3.2}, {"scale": 0.0}])
def test_a_margin_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="the margin must be between 0 and pi and the scale above 0, got"):
        AngularMargin(**wrong)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_distillation_in_closed_form(temperature):
    x, outputs = torch.randn(5, 1, 8, 8), torch.randn(5, 10)
    teacher = Teacher()
    loss = distillation(teacher, temperature)(TASK.loss)(Step(outputs, None, x))
    wanted = softmax(teacher(x).detach().numpy() / temperature, axis=1) * log_softmax(outputs.numpy() / temperature, axis=1)
    np.testing.assert_allclose(loss.detach(), -(temperature**2) * wanted.sum(axis=1).mean(), rtol=1e-5)


def test_a_teacher_of_another_family_is_asked_once_for_the_same_inputs_and_is_left_alone(tiny):
    teacher, supernet, recipe = Teacher().train(), Supernet(tiny), Recipe(n_steps=20, batch_size=32, learning_rate=0.02)
    before = [weight.clone() for weight in teacher.parameters()]
    losses = fit(supernet, TASK, Sandwich(tiny.space, n_random=1), distillation(teacher, 2.0), recipe, progress=False)
    assert not teacher.training and all(map(torch.equal, before, teacher.parameters()))
    assert losses[-5:].mean() < losses[:5].mean() - 0.01
    assert teacher.n_calls == recipe.n_steps


def test_runs_with_other_teachers_are_others(tiny, tmp_path):
    torch.manual_seed(0)
    one, other = Teacher(), Teacher()
    how = (TASK, Sandwich(tiny.space, n_random=0))
    last = (Recipe(n_steps=1, batch_size=4), False, tmp_path / "run.pt")
    fit(Supernet(tiny), *how, distillation(one), *last)
    fit(Supernet(tiny), *how, distillation(one), *last)
    for criterion in (distillation(other), distillation(one, 2.0), in_place_distillation):
        with pytest.raises(ValueError, match=r"is of another run \(.*(teacher|temperature|criterion) was"):
            fit(Supernet(tiny), *how, criterion, *last)


def test_a_teacher_that_does_not_fit_is_told(tiny):
    with pytest.raises(ValueError, match="^the temperature must be above 0, got 0$"):
        distillation(Teacher(), 0)
    with pytest.raises(ValueError, match=r"^the teacher's outputs are \(4, 7\), those of the networks \(4, 10\)$"):
        fit(Supernet(tiny), TASK, Sandwich(tiny.space), distillation(Teacher(7)), Recipe(1, batch_size=4), progress=False)
