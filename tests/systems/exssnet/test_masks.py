"""Masks of an exact density, gradients that go straight through, and the family whose gene is the task."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.supernets import Supernet
from nastoolkit.systems.exssnet import Supermasks, TaskFamily, top_mask
from nastoolkit.systems.exssnet.masks import TaskLayer


@given(st.integers(1, 300), st.floats(0.001, 1), st.integers(0, 99))
def test_a_mask_keeps_exactly_its_share_and_the_largest_scores(n, density, seed):
    scores = torch.randn(n, generator=torch.Generator().manual_seed(seed))
    mask = top_mask(scores, density)
    assert mask.sum() == max(1, round(density * n)) and set(mask.tolist()) <= {0.0, 1.0}
    if 0 < mask.sum() < n:
        assert scores[mask == 1].abs().min() >= scores[mask == 0].abs().max()


def test_ties_do_not_change_the_density():
    assert top_mask(torch.ones(10, 10), 0.37).sum() == 37


def test_gradients_reach_all_scores_as_if_the_mask_were_their_size():
    scores, weight = torch.randn(6, 5, requires_grad=True), torch.randn(6, 5)
    (weight * top_mask(scores, 0.2)).sum().backward()
    torch.testing.assert_close(scores.grad, weight * scores.detach().sign())


@pytest.mark.parametrize("density", [0, -0.1, 1.01, float("nan")])
def test_a_density_that_is_no_share_is_refused(density):
    with pytest.raises(
        ValueError, match=f"^the density, a mask's share of kept weights, must be above 0 and at most 1; got {density}$"
    ):
        Supermasks(3, density)


def test_each_layer_of_each_task_has_its_density_and_its_own_scores():
    supernet = Supernet(TaskFamily([64, 200, 100, 10], 3), Supermasks(3, 0.1), seed=5)
    weights = [supernet.weights(np.array([task])) for task in range(3)]
    for name, n in (("layer1", 1280), ("layer2", 2000), ("layer3", 100)):
        masks = [own[f"{name}.linear.weight"] != 0 for own in weights]
        assert [int(mask.sum()) for mask in masks] == [n] * 3
        assert not torch.equal(masks[0], masks[1]) and not torch.equal(masks[1], masks[2])
        sizes = weights[0][f"{name}.linear.weight"].abs().unique()
        assert len(sizes) == 2 and sizes[1].item() == pytest.approx((2 / masks[0].shape[1]) ** 0.5)


def test_a_network_is_that_of_masked_layers_by_hand():
    supernet, x = Supernet(TaskFamily([6, 8, 3], 2), Supermasks(2, 0.5), seed=1).eval(), torch.randn(4, 6)
    first, last = (supernet.shared.get_submodule(f"layer{place}.linear") for place in (1, 2))
    hidden = x @ (first.weight * top_mask(first.scores[1], 0.5)).T
    expected = (hidden / (1 + 1e-5) ** 0.5).relu() @ (last.weight * top_mask(last.scores[1], 0.5)).T
    torch.testing.assert_close(supernet(x, np.array([1])), expected)
    torch.testing.assert_close(supernet.extract(np.array([1]))(x), expected)
    assert not torch.allclose(supernet(x, np.array([0])), expected)


def test_tasks_are_different_networks_of_equal_costs():
    family = TaskFamily([6, 8, 3], 4)
    genotypes = np.arange(4)[:, None]
    np.testing.assert_array_equal(family.space.canonical(genotypes), genotypes)
    assert set(family.params(genotypes)) == set(family.macs(genotypes)) == {6 * 8 + 8 * 3}
    assert family.build(genotypes[0])(torch.zeros(2, 6)).shape == (2, 3) and family.input_shape(genotypes[0]) == (6,)
    assert sum(parameter.numel() for parameter in family.build(genotypes[3]).parameters()) == family.params(genotypes[3])
    twin = copy.deepcopy(family)
    assert twin.widths == (6, 8, 3) and twin.fingerprint == family.fingerprint


def test_what_is_no_network_is_refused():
    with pytest.raises(ValueError, match=r"^widths are those of the inputs, .*, got \[6\]$"):
        TaskFamily([6], 2)
    with pytest.raises(ValueError, match="n_tasks"):
        TaskFamily([6, 3], 0)
    assert TaskLayer(6, 3, 0, True).params == TaskLayer(6, 3, 1, False).macs == 18


def test_settings_make_the_same_rule_again():
    assert Supermasks(**Supermasks(4, 0.25).settings).settings == {"n_tasks": 4, "density": 0.25}
