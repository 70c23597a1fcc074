"""Many sub-networks in one pass against each of them alone: outputs, gradients, and who cannot share."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nastoolkit.families import FAMILIES
from nastoolkit.families.multi_stage_vit import DIGITS, MultiStageViTFamily
from nastoolkit.supernets import FakeQuantise, Slice, Supernet, chain
from nastoolkit.systems.vit_resnas import RowMasked
from nastoolkit.systems.vit_resnas.masked import masked_norm

FAMILY = MultiStageViTFamily("tiny", replace(DIGITS, image_size=16, patch_size=4, stem=6))


def shaken(seed=0, family=FAMILY):
    """A supernet all of whose weights are other than their initial values, biases and positions too."""
    supernet = RowMasked(family, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in supernet.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return supernet


SUPERNET = shaken()
WITHOUT_SKIP = shaken(1, MultiStageViTFamily("plain", replace(FAMILY.table, has_skip=False)))


@settings(max_examples=20)
@given(
    genes=st.tuples(*(st.integers(0, len(choice.options) - 1) for choice in FAMILY.space.choices)), seed=st.integers(0, 999)
)
def test_every_row_is_that_of_its_sliced_network(genes, seed):
    paths = np.stack([genes, *FAMILY.space.sample(2, np.random.default_rng(seed)), FAMILY.space.largest])
    x = FAMILY.example_inputs(paths[0], 6, seed)
    with torch.no_grad():
        for supernet in (SUPERNET, WITHOUT_SKIP):
            many = supernet(x, paths)
            for row, logits in enumerate(many):
                alone = supernet.extract(paths[row % 4])(x[row : row + 1])[0]
                torch.testing.assert_close(logits, alone, rtol=0, atol=1e-5 * max(1.0, float(alone.abs().max())))


@pytest.mark.parametrize("level", [0, 1])
def test_the_ends_of_the_space_share_a_pass(level):
    ends = np.stack([FAMILY.space.smallest, FAMILY.space.largest])
    x = FAMILY.example_inputs(ends[0], 4)
    with torch.no_grad():
        torch.testing.assert_close(SUPERNET(x, ends)[level::2], SUPERNET.extract(ends[level])(x[level::2]), rtol=0, atol=1e-5)


def test_gradients_are_those_of_all_sub_networks_added_up():
    family = MultiStageViTFamily("no stem", replace(FAMILY.table, stem=0))  # whose statistics would be those of other rows
    supernet = shaken(2, family).double().train()
    paths = family.space.sample(3, np.random.default_rng(0))
    x = family.example_inputs(paths[0], 6).double()
    supernet(x, paths).square().sum().backward()
    many = {name: weight.grad for name, weight in supernet.named_parameters()}
    supernet.zero_grad()
    for place, path in enumerate(paths):
        supernet(x[place::3], path).square().sum().backward()
    for name, weight in supernet.named_parameters():
        wanted = torch.zeros_like(weight) if weight.grad is None else weight.grad
        found = torch.zeros_like(weight) if many[name] is None else many[name]
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-10, msg=lambda text, name=name: f"{name}: {text}")


def test_a_pass_in_training_leaves_shared_statistics_as_they_are():
    supernet = shaken(3).train()
    before = supernet.fingerprint
    supernet(FAMILY.example_inputs(FAMILY.space.largest, 4), FAMILY.space.sample(2, np.random.default_rng(0)))
    assert supernet.fingerprint == before


@given(width=st.integers(1, 9), seed=st.integers(0, 99), shift=st.floats(-3, 3))
def test_the_norm_of_rows_is_that_of_their_channels(width, seed, shift):
    generator, mask = torch.Generator().manual_seed(seed), (torch.arange(9) < width).double().expand(2, 1, 9)
    norm = torch.nn.LayerNorm(9, 0.01).double()
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2, generator=generator)
        norm.bias.uniform_(-1, 1, generator=generator)
    x = (torch.randn(2, 3, 9, generator=generator, dtype=torch.float64) + shift) * mask
    found = masked_norm(norm, x, mask)
    kept = x[..., :width]
    wanted = (kept - kept.mean(-1, keepdim=True)) / (kept.var(-1, correction=0, keepdim=True) + 0.01).sqrt()
    torch.testing.assert_close(found[..., :width], wanted * norm.weight[:width] + norm.bias[:width], rtol=1e-9, atol=1e-9)
    assert not found[..., width:].any()


def test_fewer_rows_than_sub_networks_are_refused():
    with pytest.raises(ValueError, match="^3 paths cannot share a batch of 2 rows$"):
        SUPERNET(FAMILY.example_inputs(FAMILY.space.largest, 2), FAMILY.space.sample(3, np.random.default_rng(0)))


def test_other_networks_and_other_rules_have_no_masks():
    with pytest.raises(ValueError, match="^no masks are known for block 'patches': only multi-stage ViTs have them$"):
        RowMasked(FAMILIES["digits-vit"]())
    with pytest.raises(ValueError, match="^masks stand for slices of the shared weights, and this supernet has another shar"):
        RowMasked(FAMILY, chain(Slice(), FakeQuantise()))


def test_one_sub_network_is_run_as_by_any_supernet():
    plain = Supernet(FAMILY, seed=0).eval()
    plain.load_state_dict(SUPERNET.state_dict())
    x, path = FAMILY.example_inputs(FAMILY.space.largest, 2), FAMILY.space.sample(1, np.random.default_rng(1))[0]
    assert torch.equal(plain(x, path), SUPERNET(x, path))
