"""Masks of an exact number of ones, and the rule that multiplies weights by masks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.blocks import Conv
from nastoolkit.families import FAMILIES
from nastoolkit.supernets import KernelTransform, Masked, Slice, Supernet, chain, load_supernet, mask_of_largest, save_supernet
from nastoolkit.supernets.masks import MASK

NOWHERE = ("block", np.array([0]))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.data())
def test_exactly_n_entries_are_kept_and_none_is_smaller_than_one_that_is_not(sizes, data):
    n = data.draw(st.integers(0, len(sizes)))
    mask = mask_of_largest(torch.tensor(sizes).float().view(1, -1), n)
    kept, others = (torch.tensor(sizes)[mask[0] == number] for number in (1, 0))
    assert len(kept) == n and len(others) == len(sizes) - n
    assert not n or not len(others) or kept.min() >= others.max()


def test_masks_do_not_depend_on_how_sizes_lie_in_memory():
    sizes = torch.randn(4, 3, 2, 2)
    assert torch.equal(mask_of_largest(sizes.contiguous(memory_format=torch.channels_last), 9), mask_of_largest(sizes, 9))


def test_no_gradient_passes_a_mask():
    assert not mask_of_largest(torch.randn(5, requires_grad=True), 2).requires_grad


def masked_conv(spec):
    block = spec.build()
    Masked().prepare(block)
    return block


def test_every_weight_has_a_mask_of_ones_that_is_not_trained():
    block = masked_conv(Conv(3, 4, 3, 1, 8, "relu"))
    masks = {name: own for name, own in block.named_parameters() if name.endswith(MASK)}
    assert masks.keys() == {f"{name}{MASK}" for name in ("conv.weight", "bn.weight", "bn.bias")}
    assert all((mask == 1).all() and not mask.requires_grad for mask in masks.values())


def test_weights_are_multiplied_and_no_gradient_reaches_what_is_masked():
    spec = Conv(3, 4, 3, 1, 8, "relu")
    block = masked_conv(spec)
    block.conv.weight_mask.data[1] = 0
    shared = dict(block.named_parameters())
    masked = Masked()(shared, spec, *NOWHERE)
    assert masked.keys() == {"conv.weight", "bn.weight", "bn.bias"}
    assert (masked["conv.weight"][1] == 0).all() and torch.equal(masked["conv.weight"][2], block.conv.weight[2])
    masked["conv.weight"].sum().backward()
    assert (block.conv.weight.grad[1] == 0).all() and (block.conv.weight.grad[0] == 1).all()


def test_cropped_weights_have_the_same_part_of_the_masks():
    block, smaller = masked_conv(Conv(6, 8, 5, 1, 8, "relu")), Conv(3, 4, 3, 1, 8, "relu")
    block.conv.weight_mask.data.copy_(torch.rand(8, 6, 5, 5) < 0.5)
    shared = dict(block.named_parameters())
    first, last = (chain(*rules)(shared, smaller, *NOWHERE) for rules in ((Masked(), Slice()), (Slice(), Masked())))
    assert torch.equal(first["conv.weight"], last["conv.weight"])
    assert torch.equal(first["conv.weight"], (block.conv.weight * block.conv.weight_mask)[:4, :3, 1:4, 1:4])


@pytest.mark.parametrize("rules", [(Masked(),), (KernelTransform(), Slice(), Masked())])
def test_masks_are_saved_and_are_part_of_the_fingerprint(tiny, tmp_path, monkeypatch, rules):
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    supernet = Supernet(tiny, chain(*rules))
    before = supernet.fingerprint
    mask = next(own for name, own in supernet.named_parameters() if name.endswith(f"conv.weight{MASK}"))
    mask.data.view(-1)[0] = 0
    assert supernet.fingerprint != before
    loaded = load_supernet("tiny", save_supernet(supernet, tmp_path / "masked.safetensors"))
    assert loaded.fingerprint == supernet.fingerprint
    assert not any(own.requires_grad for name, own in loaded.named_parameters() if name.endswith(MASK))
