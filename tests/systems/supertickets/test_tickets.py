"""Masks of units and weights: what is dropped, pruned and given back, and that networks are those of the masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nastoolkit.families.mixed_chain import MixedConv
from nastoolkit.supernets import calibrate_batchnorm
from nastoolkit.systems.supertickets.tickets import ONLY, check_sparsity
from nastoolkit.tasks import load_task

IN_PLACE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)


def without_dropped(ticket):
    """A network of the units that are left alone, made without the masks' help: zeros are written into its weights."""
    weights = {name: weight.detach().clone() for name, weight in ticket.weights.items()}
    for name, mask in ticket.masks.items():
        weights[name][mask == 0] = 0
    blocks = {}
    for name, spec in ticket.supernet.family.plan(ONLY):
        own = {key.removeprefix(f"{name}."): weight for key, weight in weights.items() if key.startswith(f"{name}.")}
        if isinstance(spec, MixedConv):
            left = ticket.units(name)
            parts = left.split([n for _, n in spec.kernels])
            ways = enumerate(zip(spec.kernels, parts, strict=True))
            depthwise = [(kernel, own.pop(f"depthwise.{i}.weight")[part]) for i, ((kernel, _), part) in ways]
            depthwise = [(kernel, weight) for kernel, weight in depthwise if len(weight)]
            own = {key: weight[left] if key.startswith(("expand.", "bn.")) else weight for key, weight in own.items()}
            own["project.conv.weight"] = own["project.conv.weight"][:, left]
            own |= {f"depthwise.{i}.weight": weight for i, (_, weight) in enumerate(depthwise)}
            spec = replace(spec, kernels=tuple((kernel, len(weight)) for kernel, weight in depthwise))
        blocks[name] = spec.build()
        missing, unknown = blocks[name].load_state_dict(own, strict=False)
        assert not unknown and all("running" in key or "tracked" in key for key in missing)
    return ticket.supernet.family.assemble(blocks)


def dropped_and_pruned(ticket, sparsity=0.6):
    ticket.drop(0.45)
    ticket.prune(sparsity)
    return ticket


def test_masked_runs_as_extracted_and_as_a_network_without_what_was_dropped(ticket):
    dropped_and_pruned(ticket)
    assert not ticket.units("block1")[:4].any() and ticket.units("block1")[4:].all()  # its first kernel has no unit left
    x = torch.randn(6, 1, 12, 12)
    with torch.no_grad():
        ticket.supernet.train()
        smaller = without_dropped(ticket).train()
        torch.testing.assert_close(smaller(x), ticket.supernet(x, ONLY))
        networks = [calibrate_batchnorm(one, [x]) for one in (ticket.supernet.extract(ONLY), smaller)]
        torch.testing.assert_close(networks[0](x), networks[1](x))
    assert sum(weight.numel() for weight in smaller.parameters()) < sum(one.numel() for one in networks[0].parameters())


@given(st.floats(0.01, 0.99), st.booleans(), st.integers(0, 9))
@IN_PLACE
def test_the_sparsity_is_exact_over_all_layers_together(ticket, sparsity, is_random, seed):
    ticket.drop(0.3)
    ticket.prune(sparsity, torch.Generator().manual_seed(seed) if is_random else None)
    prunable = ticket.prunable()
    n = int(sum(there.sum() for there in prunable.values()))
    assert sum(int(ticket.masks[name].sum()) for name in prunable) == n - round(sparsity * n)
    assert ticket.costs()["sparsity"] == pytest.approx(round(sparsity * n) / n)
    assert all((ticket.masks[name] <= there).all() for name, there in prunable.items())


def test_the_largest_weights_of_all_layers_are_kept_but_none_of_units_that_were_dropped(ticket):
    dropped_and_pruned(ticket)
    weights = [(ticket.weights[name].abs(), there > 0, ticket.masks[name] > 0) for name, there in ticket.prunable().items()]
    kept, others = (torch.cat([size[there & (mask == on)] for size, there, mask in weights]) for on in (True, False))
    assert kept.min() >= others.max() and any((size[~there] > kept.min()).any() for size, there, _ in weights)


def test_normalisation_and_biases_are_not_pruned(ticket):
    ticket.prune(0.99)
    assert all((mask == 1).all() for mask in ticket.masks.values() if mask.dim() == 1)


def test_what_was_masked_comes_back_with_its_old_value_if_others_become_smaller(ticket):
    ticket.prune(0.5)
    weight, before = ticket.weights["block2.project.conv.weight"], ticket.masks["block2.project.conv.weight"].clone()
    values = weight.detach().clone()
    assert (before == 0).any() and (before == 1).any()
    with torch.no_grad():
        for name, mask in ticket.masks.items():
            ticket.weights[name][mask > 0] *= 1e-6
    ticket.prune(0.5)
    after = ticket.masks["block2.project.conv.weight"]
    assert ((before == 0) & (after == 1)).any()
    assert torch.equal((weight * after)[before == 0], (values * after)[before == 0])


def test_units_are_dropped_for_good_and_a_block_keeps_its_most_important_one(ticket):
    assert ticket.drop(0.35) == ["block1", "block2"]
    assert ticket.units("block1").tolist() == [False] * 3 + [True] * 6
    with torch.no_grad():
        ticket.weights["block1.bn.weight"].fill_(9.0)
    ticket.reactivate(["block1", "block2"])
    assert ticket.units("block1").tolist() == [False] * 3 + [True] * 6
    assert ticket.drop(100) == ["block1", "block2"] and ticket.drop(100) == []
    assert ticket.units("block1").sum() == ticket.units("block2").sum() == 1 and ticket.units("block2")[-1]


def test_the_sign_of_a_scale_does_not_matter(ticket):
    with torch.no_grad():
        ticket.weights["block1.bn.weight"].mul_(-1)
    ticket.drop(0.35)
    assert ticket.units("block1").tolist() == [False] * 3 + [True] * 6


def test_units_stay_where_dropping_them_saves_too_little(ticket):
    saved = ticket.specs["block1"].unit_macs[0] + ticket.specs["block2"].unit_macs[0]
    assert ticket.drop(0.15, saved + 1) == [] and ticket.units("block1").all()
    assert ticket.drop(0.15, saved) == ["block1", "block2"]


def test_reactivation_gives_back_the_weights_of_units_that_are_left_in_these_blocks_alone(ticket):
    dropped_and_pruned(ticket)
    others = {name: mask.clone() for name, mask in ticket.masks.items() if not name.startswith("block1")}
    ticket.reactivate(["block1"])
    assert all(torch.equal(ticket.masks[name], mask) for name, mask in others.items())
    assert all(torch.equal(ticket.masks[n], there) for n, there in ticket.prunable().items() if n.startswith("block1"))


def test_the_penalty_is_that_of_the_formula_and_pushes_only_units_that_are_left(ticket):
    every = np.concatenate([spec.unit_macs for spec in ticket.specs.values()])
    costs = {name: spec.unit_macs / every.mean() for name, spec in ticket.specs.items()}
    sizes = {name: np.arange(1, len(cost) + 1) / 10 for name, cost in costs.items()}
    assert ticket.penalty().item() == pytest.approx(sum(costs[name] @ sizes[name] for name in costs), rel=1e-5)
    ticket.drop(0.35)
    ticket.penalty().backward()
    gradient = ticket.weights["block1.bn.weight"].grad.numpy()
    np.testing.assert_allclose(gradient, costs["block1"] * (np.arange(9) >= 3), rtol=1e-5)


def test_costs_are_those_of_the_family_at_first_and_then_of_what_is_left(ticket):
    family = ticket.supernet.family
    assert ticket.costs() == {"params": family.params(ONLY), "macs": family.macs(ONLY), "sparsity": 0}
    spec, units = ticket.specs["block2"], ticket.units("block2")
    ticket.drop(0.25)
    gone = sum(int(ticket.specs[name].unit_macs[:2].sum()) for name in ticket.specs)
    assert ticket.costs()["macs"] == family.macs(ONLY) - gone and ticket.costs()["sparsity"] == 0
    ticket.masks["classifier.linear.weight"].data[0, 0] = 0
    assert ticket.costs()["macs"] == family.macs(ONLY) - gone - 1
    assert spec.macs == spec.unit_macs.sum() and len(units) == len(spec.unit_macs)


def test_shuffled_masks_have_as_many_ones_in_each_layer_and_none_at_units_that_were_dropped(ticket):
    before = {name: mask.clone() for name, mask in dropped_and_pruned(ticket).masks.items()}
    ticket.shuffle(torch.Generator().manual_seed(1))
    assert all(ticket.masks[name].sum() == mask.sum() for name, mask in before.items())
    assert any(not torch.equal(ticket.masks[name], mask) for name, mask in before.items())
    assert all((ticket.masks[name] <= there).all() for name, there in ticket.prunable().items())


@pytest.mark.parametrize("with_weights", [False, True])
def test_masks_are_taken_and_weights_if_wanted_but_nothing_of_another_shape(ticket, with_weights):
    family = type(ticket.supernet.family)((1, 12), 4, [[3, 2], [6, 2], [6, 1]], (1, 3, 5), 3)
    other = type(ticket)(family, seed=1)
    dropped_and_pruned(ticket)
    other.take(ticket, with_weights)
    same = [name for name in other.masks if not name.startswith("classifier")]
    assert all(torch.equal(other.masks[name], ticket.masks[name]) for name in same)
    assert (other.masks["classifier.linear.weight"] == 1).all()
    assert torch.equal(other.weights["block1.expand.conv.weight"], ticket.weights["block1.expand.conv.weight"]) == with_weights


@pytest.mark.parametrize("sparsity", [0, 1, -0.1, 1.5, float("nan")])
def test_a_sparsity_that_is_no_share_is_refused_in_one_sentence(ticket, sparsity):
    with pytest.raises(ValueError, match=f"^a sparsity is the share of weights .*, above 0 and below 1; got {sparsity}$"):
        check_sparsity(sparsity)
    with pytest.raises(ValueError, match="^a sparsity is the share"):
        ticket.prune(sparsity)


def test_the_network_is_calibrated_on_a_task_as_others_are(ticket):
    network = ticket.supernet.network(ONLY, load_task("digits-0to4"), 20)
    assert network(torch.randn(2, 1, 12, 12)).shape == (2, 5)
