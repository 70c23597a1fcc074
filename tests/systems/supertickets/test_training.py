"""The schedule of searches and prunings, and steps that leave masked weights as they are."""

import pytest
import torch

from nastoolkit.systems.supertickets import Pruning, Search, retrain, search
from nastoolkit.systems.supertickets.training import Trainer, accuracy
from nastoolkit.tasks import load_task
from nastoolkit.training import Recipe

TASK, RECIPE = load_task("digits-0to4"), Recipe(28, 8, learning_rate=0.02)
NEVER = Search(rho=0.0, threshold=0.0)


@pytest.fixture
def events(ticket, monkeypatch):
    """What happens in a training, in this order, with the number of steps that were done before."""
    seen, step, drop, reactivate, prune = [], Trainer.step, ticket.drop, ticket.reactivate, ticket.prune
    monkeypatch.setattr(Trainer, "step", lambda self, number, rho: (seen.append((number, rho)), step(self, number, rho)))
    monkeypatch.setattr(ticket, "drop", lambda *how: seen.append("search") or drop(*how))
    monkeypatch.setattr(ticket, "reactivate", lambda blocks: seen.append(("back", blocks)) or reactivate(blocks))
    monkeypatch.setattr(ticket, "prune", lambda sparsity: seen.append(round(sparsity, 9)) or prune(sparsity))
    return seen


def goals(events):
    return [event for event in events if isinstance(event, float)]


def test_progressive_pruning_adds_a_tenth_each_time_until_the_sparsity_is_reached(ticket, events):
    search(ticket, TASK, RECIPE, NEVER, Pruning(0.75))
    assert goals(events) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, *[0.75] * 6]
    assert ticket.costs()["sparsity"] == pytest.approx(0.75, abs=1e-3)
    before = events[: events.index(0.1)]
    assert sum(isinstance(event, tuple) and event[0] in (0, 1) for event in before) == 2  # of 28 steps


def test_pruning_at_once_takes_all_at_the_first_time(ticket, events):
    search(ticket, TASK, RECIPE, NEVER, Pruning(0.75, is_progressive=False))
    assert goals(events) == [0.75] * 13


def test_a_search_alone_prunes_nothing_and_ends_before_the_last_period(ticket, events):
    search(ticket, TASK, RECIPE, NEVER)
    assert not goals(events) and all(mask.all() for mask in ticket.masks.values())
    steps = [place for place, event in enumerate(events) if isinstance(event, tuple)]
    assert "search" in events and "search" not in events[steps[26] :]


def test_nothing_is_searched_after_the_last_pruning(ticket, events):
    search(ticket, TASK, RECIPE, NEVER, Pruning(0.5))
    last = max(place for place, event in enumerate(events) if event == 0.5)
    assert "search" not in events[last:]


@pytest.mark.parametrize("is_reactivating", [True, False])
def test_blocks_that_lose_units_get_their_weights_back_if_wanted(ticket, events, is_reactivating):
    search(ticket, TASK, RECIPE, Search(0.0, threshold=0.35), Pruning(0.5, is_reactivating=is_reactivating))
    back = [event[1] for event in events if isinstance(event, tuple) and event[0] == "back"]
    assert (["block1", "block2"] in back) == is_reactivating and bool(back) == is_reactivating


def test_the_penalty_grows_in_the_first_period_and_then_stays(ticket, events):
    search(ticket, TASK, RECIPE, Search(rho=0.5, threshold=0.0))
    rhos = [event[1] for event in events if isinstance(event, tuple)]
    assert rhos == [0.25, *[0.5] * 27]


def test_the_penalty_makes_units_less_important(ticket):
    before = ticket.importance("block2").sum().item()
    search(ticket, TASK, Recipe(28, 8, learning_rate=0.02, weight_decay=0.0), Search(rho=10.0, threshold=0.0))
    assert ticket.importance("block2").sum().item() < before - 1


def test_masked_weights_keep_every_bit_though_the_optimiser_remembers_them(ticket):
    trainer = Trainer(ticket, TASK, RECIPE)
    for step in range(3):
        trainer.step(step, 0.1)
    ticket.drop(0.35)
    ticket.prune(0.7)
    before = {name: weight.detach().clone() for name, weight in ticket.weights.items()}
    for step in range(3, 6):
        trainer.step(step, 0.1)
    for name, weight in ticket.weights.items():
        masked = ticket.masks[name] == 0
        assert torch.equal(weight[masked], before[name][masked]), name
        assert masked.all() or not torch.equal(weight[~masked], before[name][~masked]), name


def test_retraining_leaves_masks_as_they_are_and_no_steps_change_nothing(ticket):
    ticket.prune(0.5)
    state = {name: tensor.clone() for name, tensor in ticket.supernet.state_dict().items()}
    retrain(ticket, TASK, Recipe(0, 8))
    assert all(torch.equal(tensor, state[name]) for name, tensor in ticket.supernet.state_dict().items())
    retrain(ticket, TASK, RECIPE)
    masks = [name for name in state if name.endswith("_mask")]
    assert masks and all(torch.equal(ticket.supernet.state_dict()[name], state[name]) for name in masks)


def test_accuracy_is_a_percentage_and_leaves_the_ticket_alone(ticket):
    before = ticket.supernet.fingerprint
    assert 0 <= accuracy(ticket, TASK, 50) <= 100 and ticket.supernet.fingerprint == before
