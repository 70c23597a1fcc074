import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.blocks import Conv
from nastoolkit.checkpoints import CheckpointError
from nastoolkit.families import FAMILIES
from nastoolkit.families.mbconv_blocks import MBConv
from nastoolkit.families.tdnn_blocks import TimeConv
from nastoolkit.supernets import Masked, Supernet, load_supernet, save_supernet
from nastoolkit.supernets.sharing import (
    SHARING_RULES,
    ExpertMixture,
    FakeQuantise,
    KernelTransform,
    Slice,
    chain,
    crop,
    rule_identity,
    shapes_of,
)

BLOCK = MBConv(8, 16, 8, 7, 1, 8, "relu", squeeze_excite=True)


@given(st.tuples(*[st.integers(1, 6)] * 4), st.sampled_from([(7, 3), (7, 5), (5, 3), (5, 5), (3, 1)]))
def test_first_channels_and_the_middle_of_the_kernel(channels, kernels):
    (rows, columns, more_rows, more_columns), (have, want) = channels, kernels
    tensor = torch.randn(rows + more_rows, columns + more_columns, have, have)
    cropped = crop(tensor, torch.Size([rows, columns, want, want]))
    middle = range(have // 2 - want // 2, have // 2 + want // 2 + 1)
    expected = tensor.numpy()[:rows, :columns].take(middle, axis=2).take(middle, axis=3)
    np.testing.assert_array_equal(cropped.numpy(), expected)
    assert cropped.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()


@given(st.integers(1, 6), st.integers(1, 6))
def test_vectors_keep_their_first_entries(want, more):
    tensor = torch.randn(want + more)
    cropped = crop(tensor, torch.Size([want]))
    assert cropped.tolist() == tensor.tolist()[:want]
    assert cropped.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()


def test_a_tensor_that_fits_is_left_as_it_is():
    for tensor in (torch.randn(4, 3, 5, 5), torch.tensor(7)):
        assert crop(tensor, tensor.shape) is tensor


def test_more_dimensions_than_there_are_is_an_error():
    with pytest.raises(ValueError):
        crop(torch.randn(4, 3), torch.Size([4]))


NOWHERE = ("stem", np.zeros(1, dtype=int))  # a block's name and a genotype, of which these rules make nothing


def test_slice_gives_views_of_what_the_block_needs():
    spec = Conv(3, 4, 3, 1, 8, "relu")
    shared = {"conv.weight": torch.randn(8, 6, 5, 5, requires_grad=True), "bn.bias": torch.randn(8), "unused": torch.randn(2)}
    shared["bn.weight"] = torch.randn(4)
    weights = Slice()(shared, spec, *NOWHERE)
    assert weights.keys() == {"conv.weight", "bn.bias"}  # the scales fit as they are
    assert all(tensor.shape == shapes_of(spec)[name] for name, tensor in weights.items())
    weights["conv.weight"].sum().backward()
    expected = torch.zeros(8, 6, 5, 5)
    expected[:4, :3, 1:4, 1:4] = 1
    assert torch.equal(shared["conv.weight"].grad, expected)
    weights["bn.bias"][0] = 42
    assert shared["bn.bias"][0] == 42


def block_with_matrices():
    block = BLOCK.build()
    KernelTransform().prepare(block)
    return block


ONCE_FOR_ALL = chain(KernelTransform(), Slice())


def test_kernel_transforms_start_as_slices():
    smaller = MBConv(8, 12, 8, 3, 1, 8, "relu", squeeze_excite=True)
    shared = block_with_matrices().state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in shared.items() if "matrix" in name} == {
        "depthwise.conv.7to5_matrix": (25, 25),
        "depthwise.conv.5to3_matrix": (9, 9),
    }
    transformed, sliced = (rule(shared, smaller, *NOWHERE) for rule in (ONCE_FOR_ALL, Slice()))
    assert transformed.keys() == sliced.keys() and len(sliced) > 5
    assert KernelTransform()(shared, smaller, *NOWHERE).keys() == {"depthwise.conv.weight"}
    for name in sliced:
        torch.testing.assert_close(transformed[name], sliced[name])


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_smaller_kernel_is_made_step_by_step(kernel):
    shapes = {name: tensor.shape for name, tensor in block_with_matrices().state_dict().items()}
    shared = {name: torch.randn(shape, dtype=torch.double) for name, shape in shapes.items()}
    large, five, three = (shared[f"depthwise.conv.{name}"].numpy() for name in ("weight", "7to5_matrix", "5to3_matrix"))
    expected = np.einsum("oi,ci->co", five, large[:12, 0, 1:6, 1:6].reshape(12, 25)).reshape(12, 5, 5)
    if kernel == 3:
        expected = np.einsum("oi,ci->co", three, expected[:, 1:4, 1:4].reshape(12, 9)).reshape(12, 3, 3)
    smaller = MBConv(8, 12, 8, kernel, 1, 8, "relu", squeeze_excite=True)
    made = ONCE_FOR_ALL(shared, smaller, *NOWHERE)["depthwise.conv.weight"]
    np.testing.assert_allclose(made[:, 0].numpy(), expected)


def test_a_smaller_kernel_over_time_is_made_step_by_step_too():
    block = TimeConv(6, 8, 5, 20).build()
    KernelTransform().prepare(block)
    shared = {name: torch.randn(tensor.shape, dtype=torch.double) for name, tensor in block.state_dict().items()}
    assert shared["conv.5to3_matrix"].shape == (3, 3) and shared["conv.3to1_matrix"].shape == (1, 1)
    made = ONCE_FOR_ALL(shared, TimeConv(6, 4, 1, 20), *NOWHERE)["conv.weight"]
    three = shared["conv.weight"][:4, :, 0, 1:4] @ shared["conv.5to3_matrix"].T
    torch.testing.assert_close(made[:, :, 0], three[..., 1:2] @ shared["conv.3to1_matrix"])


def test_the_largest_kernel_needs_no_matrix():
    shared = dict(block_with_matrices().state_dict())
    assert ONCE_FOR_ALL(shared, BLOCK, *NOWHERE) == {}


def test_rules_are_known_by_name():
    assert SHARING_RULES == {
        "slice": Slice,
        "kernel-transform": KernelTransform,
        "fake-quantise": FakeQuantise,
        "expert-mixture": ExpertMixture,
        "masked": Masked,
    }


class Scaled(Slice):
    """What the rules before have left, times a number: a rule with a setting."""

    def __init__(self, factor=1.0):
        self.factor = factor

    @property
    def settings(self):
        return {"factor": self.factor}

    def __call__(self, shared, spec, name, genotype):
        return {key: self.factor * shared[key] for key in shapes_of(spec) if key in shared}


def test_a_rules_settings_are_saved_loaded_and_part_of_what_a_store_knows(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(SHARING_RULES, "scaled", Scaled)
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    half, whole = (Supernet(tiny, Scaled(factor)) for factor in (0.5, 1.0))
    assert half.fingerprint == whole.fingerprint and half.identity != whole.identity
    loaded = load_supernet("tiny", save_supernet(half, tmp_path / "net.safetensors"))
    assert loaded.identity == half.identity and loaded.sharing.factor == 0.5
    broken = save_supernet(half, tmp_path / "net.safetensors", {"sharing_settings": {"share": 1}})
    with pytest.raises(CheckpointError, match="settings of sharing rule 'scaled'"):
        load_supernet("tiny", broken)


def test_rules_of_a_chain_follow_on_each_other(tiny):
    genotype = tiny.space.sample(1, np.random.default_rng(0))[0]
    x, (plain, scaled) = tiny.example_inputs(genotype), (Supernet(tiny, rule) for rule in (Slice(), chain(Slice(), Scaled(2))))
    weights = plain.extract(genotype).state_dict(), scaled.extract(genotype).state_dict()
    assert all(torch.equal(2 * tensor, weights[1][name]) for name, tensor in weights[0].items() if "tracked" not in name)
    both = chain(KernelTransform(), Slice())
    assert torch.equal(Supernet(tiny, both)(x, genotype), Supernet(tiny, KernelTransform())(x, genotype))


def test_a_chain_is_saved_and_loaded(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(SHARING_RULES, "scaled", Scaled)
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    rule = chain(chain(KernelTransform(), Slice()), Scaled(0.5))
    assert rule_identity(rule) == {"sharing": "kernel-transform+slice+scaled", "sharing_settings": {"scaled": {"factor": 0.5}}}
    supernet = Supernet(tiny, rule)
    loaded = load_supernet("tiny", save_supernet(supernet, tmp_path / "net.safetensors"))
    assert loaded.identity == supernet.identity != Supernet(tiny, chain(KernelTransform(), Slice(), Scaled())).identity
    broken = save_supernet(supernet, tmp_path / "net.safetensors", {"sharing_settings": {"mask": {}}})
    with pytest.raises(CheckpointError, match=r"no rules \['mask'\]"):
        load_supernet("tiny", broken)
    with pytest.raises(CheckpointError, match="needs sharing rule 'slice.mask'"):
        load_supernet("tiny", save_supernet(supernet, tmp_path / "net.safetensors", {"sharing": "slice+mask"}))


@pytest.mark.parametrize("rules", [(), (Slice(), KernelTransform(), Slice())])
def test_a_chain_has_rules_of_different_names(rules):
    with pytest.raises(ValueError, match="must have different names"):
        chain(*rules)
