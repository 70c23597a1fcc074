"""Masks and slices are one; so are the cost that can be learned and the family's own."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nastoolkit import FAMILIES
from nastoolkit.families import Family
from nastoolkit.families.elastic_mbconv import MBConvStage
from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.supernets import Supernet
from nastoolkit.systems.shiftnas import PrefixMasks, expected_mmacs, family_of
from nastoolkit.systems.shiftnas.comparison import NARROW
from nastoolkit.systems.shiftnas.masks import open_choices

RESOLUTIONS = MobileNetV3Family("r", replace(DIGITS, resolutions=(16, 24), stages=DIGITS.stages[:2], expands=(1, 2, 3)))
ATTENTION = MobileNetV3Family("a", replace(DIGITS, resolutions=(16,), stages=DIGITS.stages[1:]))
KNOWN = {family.name: family for family in (family_of(NARROW), RESOLUTIONS, ATTENTION)}


def shares_of(family, genotype):
    genes = dict(zip(family.space.names, genotype.tolist(), strict=True))
    return {name: torch.eye(len(choice.options))[genes[name]] for name, choice in open_choices(family).items()}


@pytest.mark.parametrize("family", KNOWN.values(), ids=KNOWN)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_prefix_masks_equal_slicing(family, seed):
    supernet, (path,) = Supernet(family, seed=seed).train(), family.space.sample(1, np.random.default_rng(seed))
    with torch.no_grad():
        for weight in supernet.parameters():  # or norms would be 1 and biases 0
            weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(seed % 97))
    inputs = family.example_inputs(path, 4, seed)
    masked = PrefixMasks(family)(supernet, inputs, shares_of(family, path), path)
    torch.testing.assert_close(masked, supernet(inputs, path), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", KNOWN.values(), ids=KNOWN)
def test_gradients_of_weights_are_those_of_the_slice_and_reach_options_that_are_off(family):
    supernet, masks = Supernet(family).train(), PrefixMasks(family)
    path = family.space.smallest
    inputs, shares = family.example_inputs(path, 4), {name: s.requires_grad_() for name, s in shares_of(family, path).items()}
    supernet(inputs, path).square().mean().backward()
    wanted = {name: weight.grad.clone() for name, weight in supernet.named_parameters() if weight.grad is not None}
    supernet.zero_grad()
    masks(supernet, inputs, shares, path).square().mean().backward()
    for name, weight in supernet.named_parameters():
        if weight.grad is not None:
            known = wanted.get(name, torch.zeros_like(weight))
            torch.testing.assert_close(weight.grad[known != 0], known[known != 0], atol=1e-5, rtol=1e-3)
    reached = {name for name, share in shares.items() if share.grad is not None and share.grad[-1] != 0}
    assert {"stage1.depth", "stage1.block1.kernel", "stage1.block1.expand"} <= reached


def test_a_gradient_of_a_share_is_the_slope_of_the_loss():
    family = ATTENTION
    supernet, masks = Supernet(family).train().double(), PrefixMasks(family)
    path = family.space.sample(1, np.random.default_rng(3))[0]
    inputs = family.example_inputs(path, 4).double()
    shares = {name: share.double().requires_grad_() for name, share in shares_of(family, path).items()}

    def loss(changed):
        return masks(supernet, inputs, changed, path).square().mean()

    masks.matrices = [(weight, name, matrix.double()) for weight, name, matrix in masks.matrices]
    loss(shares).backward()
    for name in ("stage1.block1.expand", "stage1.block1.kernel", "stage2.depth"):
        for option in range(len(shares[name])):
            step = torch.eye(len(shares[name]), dtype=torch.float64)[option] * 1e-5
            ends = [float(loss({**shares, name: shares[name] + sign * step}).detach()) for sign in (1, -1)]
            assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float(shares[name].grad[option]), rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("family", [*KNOWN.values(), FAMILIES["ofa-mbv3-w1.0"]()], ids=[*KNOWN, "ofa"])
def test_the_cost_of_one_hot_choices_is_exactly_the_familys(family):
    paths = family.space.sample(40, np.random.default_rng(0))
    single = [shares_of(family, path) for path in paths]
    shares = {name: torch.stack([one[name] for one in single]) for name in single[0]}
    np.testing.assert_array_equal(np.rint(expected_mmacs(family)(shares).numpy() * 1e6), family.macs(paths))


def test_the_cost_of_shares_is_the_mean_over_all_networks_that_are_drawn_by_them():
    table = replace(DIGITS, depths=(1, 2), kernels=(3, 5), expands=(2, 4), stages=(MBConvStage(16, 2, "relu"),))
    family, rng = MobileNetV3Family("tiny", table), np.random.default_rng(0)
    choices = open_choices(family)
    shares = {name: rng.dirichlet(np.ones(len(choice.options))) for name, choice in choices.items()}
    mean, sizes = 0.0, [len(choice.options) for choice in choices.values()]
    for way in np.ndindex(*sizes):
        genes = dict(zip(choices, way, strict=True))
        path = np.array([genes.get(name, 0) for name in family.space.names])
        mean += np.prod([shares[name][gene] for name, gene in genes.items()]) * family.mmacs(path)
    found = expected_mmacs(family)({name: torch.from_numpy(share)[None] for name, share in shares.items()})
    assert float(found) == pytest.approx(float(mean), rel=1e-12)


def test_a_block_that_may_be_left_out_needs_a_residual_connection():
    class Chain(Family):
        def __init__(self):
            whole = FAMILIES["digits-mbv3"]()
            slots = tuple(slot for slot in whole.slots if slot.name != "stage1.block1")
            first = next(slot for slot in whole.slots if slot.name == "stage1.block1")
            wrong = replace(first, spec=lambda r, depth, k, e: first.spec(r, depth, k, e) if depth > 1 else None)
            super().__init__("chain", whole.space, (wrong, *slots))

    with pytest.raises(ValueError, match="^block 'stage1.block1' may be left out and has no residual connection, so that no"):
        PrefixMasks(Chain())


def test_choices_with_one_option_are_not_open():
    space = SearchSpace([Choice("kernel", (3,)), Choice("depth", (1, 2))])
    assert list(open_choices(Family("two", space, ()))) == ["depth"]
