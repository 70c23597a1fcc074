"""Entropy and its gradient, what each level of the search sees and changes, and what it comes to."""

import math

import pytest
import torch

from nastoolkit.systems.mtl_nas.network import Shape, Towers
from nastoolkit.systems.mtl_nas.search import Search, _batches, entropies, train
from nastoolkit.tasks.rendered_scenes import RenderedScenes
from nastoolkit.training import Recipe

RECIPE = Recipe(12, 4, 0.003, clip_norm=float("inf"), seed=3)


class FewScenes(RenderedScenes):
    n_scenes = {"train": 24, "validation": 5, "test": 6}  # noqa: RUF012
    size = 8


def search_of(entropy_weight=10.0, gate_rate=0.3, recipe=RECIPE):
    torch.manual_seed(0)
    return Search(Towers(Shape((2, 1), (4, 4)), (4, 3)), FewScenes(), recipe, gate_rate, entropy_weight)


def test_entropy_and_its_gradient_have_their_closed_forms():
    logits = torch.tensor([-30.0, -2.0, -0.5, 0.0, 1.0, 4.0], dtype=torch.float64, requires_grad=True)
    p = logits.detach().sigmoid()
    found = entropies(logits)
    assert torch.allclose(found.detach(), torch.special.entr(p) + torch.special.entr(1 - p), atol=1e-12)
    assert found[3].item() == pytest.approx(math.log(2))
    found.sum().backward()
    assert torch.allclose(logits.grad, -logits.detach() * p * (1 - p))  # towards the nearer end; none at logit 0
    assert torch.autograd.gradcheck(entropies, logits)


def test_the_gates_loss_is_the_tasks_plus_the_weighted_mean_entropy():
    search, plain = search_of(), search_of(entropy_weight=0.0)
    for one in (search, plain):
        one.logits.data.copy_(torch.linspace(-2, 2, len(one.logits)))
    (batch,) = _batches(search.towers, search.task, RECIPE, 0, 1)
    search.towers.eval(), plain.towers.eval()
    losses = [one.gate_loss(batch) for one in (search, plain)]
    assert (losses[0] - losses[1]).item() == pytest.approx(10 * entropies(search.logits).mean().item(), rel=1e-4)
    gradients = [torch.autograd.grad(loss, one.logits)[0] for loss, one in zip(losses, (search, plain), strict=True)]
    p, n = search.soft, len(search.logits)
    assert torch.allclose(gradients[0] - gradients[1], -10 * search.logits.detach() * p * (1 - p) / n, atol=1e-5)


def test_gates_are_drawn_independently_and_become_hard():
    search = search_of(recipe=Recipe(1000, 4))
    search.logits.data.copy_(torch.linspace(-2, 2, len(search.logits)))
    early, late = (torch.stack([search.drawn(step) for step in range(*steps)]) for steps in ((0, 400), (600, 1000)))
    assert ((early > 0) & (early < 1)).all() and early.std() < late.std()
    for drawn in (early, late):  # whatever the temperature, a gate is above 1/2 with its probability
        assert torch.allclose((drawn > 0.5).float().mean(0), search.soft, atol=0.1)
    assert torch.minimum(search.drawn(999), 1 - search.drawn(999)).max() < 1e-6
    assert torch.equal(search.drawn(5), search.drawn(5)) and not torch.equal(search.drawn(5), search.drawn(6))
    assert not torch.equal(search.drawn(5), search_of(recipe=Recipe(1000, 4, seed=1)).drawn(5))


def test_both_batches_of_a_step_are_disjoint_and_an_epoch_has_every_scene_once():
    search, seen = search_of(), []
    for step in range(3):
        both = [batch.rows.numpy() for batch in _batches(search.towers, search.task, RECIPE, step, 2)]
        seen += [*both[0], *both[1]]
    assert sorted(seen) == list(range(24))
    first = [_batches(search.towers, search.task, RECIPE, step, 2)[0].rows for step in (0, 3)]
    assert not torch.equal(*first)  # halves are made anew every epoch


@pytest.mark.parametrize("still", ["of_weights", "of_gates"])
def test_a_level_changes_nothing_of_the_other(still, monkeypatch):
    search = search_of()
    for fusion in (*search.towers.fused[0], *search.towers.fused[1]):
        torch.nn.init.normal_(fusion.conv.weight)  # at the beginning nothing is seen, and no gate has a gradient
    weights = [weight.detach().clone() for weight in search.towers.parameters()]
    monkeypatch.setattr(getattr(search, still), "step", lambda: None)
    search.train()
    are_same = all(torch.equal(*pair) for pair in zip(weights, search.towers.parameters(), strict=True))
    assert (are_same, bool(search.logits.any())) == (still == "of_weights", still == "of_weights")


def test_gates_have_no_gradient_before_fusions_see_anything():
    search = search_of(entropy_weight=0.0)
    search.gate_loss(_batches(search.towers, search.task, RECIPE, 0, 1)[0]).backward()
    assert search.logits.grad is not None and not search.logits.grad.any()


def test_entropy_makes_gates_decide_and_the_search_repeats():
    with_it, without, again = search_of(), search_of(entropy_weight=0.0), search_of()
    for search in (with_it, without, again):
        search.train()
    assert entropies(with_it.logits).mean() < 0.5 * entropies(without.logits).mean()
    assert torch.equal(with_it.logits, again.logits)
    assert set(with_it.hard.tolist()) <= {0.0, 1.0} and torch.equal(with_it.hard, (with_it.soft > 0.5).float())
    assert torch.allclose(with_it.soft, with_it.hard, atol=0.2)


def test_training_lowers_the_loss():
    towers, task = search_of().towers, FewScenes()
    before = task.loss(towers.eval()(task.split("train").inputs), task.split("train").targets)
    train(towers, task, Recipe(60, 8, 0.01))
    assert task.loss(towers.eval()(task.split("train").inputs), task.split("train").targets) < 0.8 * before
