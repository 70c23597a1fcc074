from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import functional_call

from nastoolkit import FAMILIES, TASKS, Supernet
from nastoolkit.supernets import KernelTransform, Supernets
from nastoolkit.tasks import Episodes
from nastoolkit.training import adapt

TASK = TASKS["digits"]()


@pytest.fixture(scope="module")
def episode():
    return Episodes(TASK, n_classes=3, n_support=4, n_query=6).draw(0)


def query_loss(supernet, genotype, episode, n_steps, **how):
    network = adapt(supernet, genotype, TASK.loss, episode.support, n_steps, **how)
    return TASK.loss(network(episode.query.inputs), episode.query.targets)


@pytest.mark.parametrize("first_order", [False, True])
def test_the_loss_on_the_query_falls_and_the_shared_weights_stay(tiny, first_order):
    supernet, episodes = Supernet(tiny).train(), Episodes(TASKS["digits-plain"](), n_classes=3)
    before = supernet.fingerprint
    losses = np.array(
        [
            [query_loss(supernet, tiny.space.smallest, episodes.draw(n), k, first_order=first_order).item() for k in (0, 8)]
            for n in range(4)
        ]
    )
    assert (losses[:, 1] < losses[:, 0] - 0.1).all()
    assert supernet.fingerprint == before and all(weight.grad is None for weight in supernet.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_without_steps_it_is_the_sub_network(tiny, episode, training):
    supernet, genotype = Supernet(tiny).train(training), tiny.space.sample(1, np.random.default_rng(0))[0]
    network = adapt(supernet, genotype, TASK.loss, episode.support, n_steps=0)
    torch.testing.assert_close(network(episode.query.inputs), supernet(episode.query.inputs, genotype), rtol=0, atol=0)


def test_gradients_are_those_of_what_the_steps_lead_to(tiny, episode):
    """Against differences of the loss along a random direction, so short that no activation comes to a kink."""
    supernet, genotype, how = Supernet(tiny).double(), tiny.space.largest, {"n_steps": 2, "learning_rate": 0.3}
    support, query = (replace(part, inputs=part.inputs.double()) for part in (episode.support, episode.query))
    double = replace(episode, support=support, query=query)
    parameters, generator = list(supernet.parameters()), torch.Generator().manual_seed(0)
    direction = [torch.randn(weight.shape, generator=generator, dtype=weight.dtype) for weight in parameters]
    slopes = []
    for first_order in (False, True):
        gradients = torch.autograd.grad(query_loss(supernet, genotype, double, first_order=first_order, **how), parameters)
        slopes.append(sum((one * other).sum().item() for one, other in zip(gradients, direction, strict=True)))
    losses = []
    for step in (1e-8, -2e-8):
        with torch.no_grad():
            torch._foreach_add_(parameters, direction, alpha=step)
        losses.append(query_loss(supernet, genotype, double, **how).item())
    assert slopes[0] == pytest.approx((losses[0] - losses[1]) / 2e-8, rel=1e-5)
    assert slopes[1] != pytest.approx(slopes[0], rel=1e-2)


def test_gradients_reach_the_entries_in_use_alone(tiny, episode):
    supernet = Supernet(tiny).train()
    reached = []
    for n_steps in (0, 2):
        supernet.zero_grad()
        query_loss(supernet, tiny.space.smallest, episode, n_steps).backward()
        reached.append({name: weight.grad != 0 for name, weight in supernet.named_parameters() if weight.grad is not None})
    plain, through = reached
    assert plain.keys() == through.keys() and any(not mask.all() for mask in plain.values())
    assert all((through[name] <= plain[name]).all() and through[name].any() for name in plain)


def test_the_copy_that_owns_a_sub_network_gets_its_gradients(tiny, episode):
    supernets = Supernets(tiny)
    supernets.split(0, "stage1.depth", [1])
    query_loss(supernets, tiny.space.largest, episode, 1).backward()
    owner = supernets.owner(tiny.space.largest)
    assert {key.split(".")[1] for key, weight in supernets.named_parameters() if weight.grad is not None} == {str(owner)}


def test_all_weights_may_stand_in_for_the_shared_ones_those_of_rules_too(tiny, episode):
    supernet, genotype = Supernet(tiny, KernelTransform()).train(), tiny.space.smallest
    weights = dict(supernet.named_parameters())

    def loss(weights, part):
        return TASK.loss(functional_call(supernet, weights, (part.inputs, genotype)), part.targets)

    gradients = torch.autograd.grad(loss(weights, episode.support), weights.values(), materialize_grads=True)
    adapted = {name: weight - 0.1 * step for (name, weight), step in zip(weights.items(), gradients, strict=True)}
    loss(adapted, episode.query).backward()
    reached = [name for name, weight in weights.items() if weight.grad is not None and (weight.grad != 0).any()]
    assert len(reached) > 10 and any(name.endswith("5to3_matrix") for name in reached)


def test_translators_are_adapted_too():
    family, task = FAMILIES["number-words-transformer"](), TASKS["number-words"]()
    supernet, genotype, batch = Supernet(family).train(), family.space.smallest, task.batch(0, 8)
    losses = [task.loss(adapt(supernet, genotype, task.loss, batch, k)(batch.inputs), batch.targets) for k in (0, 3)]
    losses[1].backward()
    assert losses[1] < losses[0] and any(
        (weight.grad != 0).any() for weight in supernet.parameters() if weight.grad is not None
    )


def test_a_number_of_steps_is_whole(tiny, episode):
    with pytest.raises(ValueError, match="n_steps must be at least 0, got -1"):
        adapt(Supernet(tiny), tiny.space.largest, TASK.loss, episode.support, n_steps=-1)
