import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.blocks import Classifier, Conv, GlobalPool, describe_block
from nastoolkit.families import FAMILIES, Family, Slot
from nastoolkit.families.bits import ASYMMETRIC, SCHEMES, SYMMETRIC, Quantised, bit_operations, stored_bits
from nastoolkit.families.fake_quantisation import affine_grid, quantised_weight, range_of, symmetric_grid, to_grid
from nastoolkit.families.transformer_blocks import EncoderLayer
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.supernets import load_supernet, with_bits

DIGITS = ("digits-mbv3", "digits-resnet50", "digits-vit", "digits-cells", "number-words-transformer")


class Counted(Family):
    """A convolution or two, a pool and a classifier, of few enough weights to be counted by hand."""

    def __init__(self):
        space = SearchSpace([Choice("depth", (1, 2)), Choice("kernel", (1, 3))])
        slots = (
            Slot("stem", ("kernel",), lambda kernel: Conv(1, 4, kernel, 2, 8, "relu")),
            Slot("block", ("depth", "kernel"), lambda depth, kernel: Conv(4, 4, kernel, 1, 4, "relu") if depth > 1 else None),
            Slot("pool", (), lambda: GlobalPool(4, 4)),
            Slot("classifier", (), lambda: Classifier(4, 10)),
        )
        super().__init__("counted", space, slots)

    def __reduce__(self):
        return Counted, ()


@pytest.fixture(scope="module")
def family():
    return Counted().quantised((2, 4, 8, 32))


def with_options(family, depth=1, kernel=3, **bits):
    """The genotype of some options: bits of weights and of activations by block, of all others floats."""
    options = {name: 32 for name in family.space.names} | {"depth": depth, "kernel": kernel}
    for block, pair in bits.items():
        options |= dict(zip((f"{block}.weight_bits", f"{block}.activation_bits"), pair, strict=True))
    return family.space.encode(options)


NORM = 4 * 4 * 32 + 64  # scale, bias, mean and variance of four channels, and a counter of 64 bits
LINEAR = (4 * 10 + 10) * 32


def test_sizes_in_bits_of_three_networks_counted_by_hand(family):
    plain = with_options(family)
    stem = with_options(family, stem=(4, 8))
    deep = with_options(family, depth=2, kernel=1, block=(2, 32), classifier=(8, 2))
    assert family.size_bits(plain) == 36 * 32 + NORM + LINEAR
    assert family.size_bits(stem) == 36 * 4 + 4 * 32 + 2 * 32 + NORM + LINEAR  # a step a channel; step and offset of inputs
    block, classifier = 16 * 2 + 4 * 32 + NORM, 40 * 8 + 10 * 32 + 10 * 32 + 2 * 32
    assert family.size_bits(deep) == 4 * 32 + NORM + block + classifier
    np.testing.assert_array_equal(family.size_mb(np.stack([stem, deep])), family.size_bits(np.stack([stem, deep])) / 8e6)


def test_sizes_with_offsets_and_with_one_number_of_bits_counted_by_hand():
    family = Counted().quantised((4, 32), SCHEMES, tied=True)
    options = {"depth": 2, "kernel": 1, "stem.bits": 4, "block.bits": 4, "classifier.bits": 32}
    both = options | {"stem.weight_scheme": ASYMMETRIC, "block.weight_scheme": SYMMETRIC}
    stem, block = 4 * 4 + 2 * 4 * 32 + 2 * 32 + NORM, 16 * 4 + 4 * 32 + 2 * 32 + NORM  # the stem's channels have offsets
    assert family.size_bits(family.space.encode(both)) == stem + block + LINEAR
    assert family.bops(family.space.encode(both)) == (4 * 16 + 16 * 16) * 4 * 4 + 40 * 32 * 32


def test_bit_operations_of_three_networks_counted_by_hand(family):
    stem, block, classifier = 36 * 16, 16 * 16, 40  # MACs
    assert family.bops(with_options(family)) == (stem + classifier) * 32 * 32
    assert family.bops(with_options(family, stem=(4, 8))) == stem * 4 * 8 + classifier * 32 * 32
    deep = with_options(family, depth=2, kernel=1, block=(2, 32), classifier=(8, 2))
    assert family.bops(deep) == 4 * 16 * 32 * 32 + block * 2 * 32 + classifier * 8 * 2


def test_products_of_activations_are_those_of_floats():
    layer = EncoderLayer(dim=4, qkv_dim=6, n_heads=2, ffn=5, length=3)
    linear, products = 3 * (4 * 4 * 6 + 2 * 4 * 5), 2 * 3 * 3 * 6
    assert layer.macs == linear + products
    assert bit_operations(Quantised(layer, 4, 8)) == linear * 4 * 8 + products * 32 * 32


@pytest.mark.parametrize("name", DIGITS)
def test_floats_cost_what_they_cost_without_bits(name):
    plain, family = FAMILIES[name](), FAMILIES[name]().quantised((32,))
    genotype = plain.space.sample(1, np.random.default_rng(0))[0]
    same = np.append(genotype, np.zeros(family.space.n_genes - plain.space.n_genes, dtype=int))
    assert family.plan(same) == plain.plan(genotype)
    assert family.bops(same) == 1024 * plain.macs(genotype) == plain.bops(genotype)
    assert (family.params(same), family.macs(same)) == (plain.params(genotype), plain.macs(genotype))
    assert [stored_bits(spec) for _, spec in family.plan(same)] == [stored_bits(spec) for _, spec in plain.plan(genotype)]
    assert family.n_outputs == plain.n_outputs and (family.largest == family.space.largest).all()


@pytest.mark.parametrize("name", DIGITS)
def test_a_quantised_family_is_a_family(name):
    plain = FAMILIES[name]()
    family = plain.quantised((8, 2, 8))
    space, table = family.space, pickle.loads(pickle.dumps(family))
    genotypes = space.sample(20, np.random.default_rng(0))
    assert family.bits == table.bits == (2, 8) and table.fingerprint == family.fingerprint != plain.fingerprint
    assert {choice.kind for choice in space.choices[plain.space.n_genes :]} == {"bits"}
    assert space.names[: plain.space.n_genes] == plain.space.names
    assert all(table.plan(genotype) == family.plan(genotype) for genotype in genotypes)
    assert family.quantised((4,)).fingerprint == plain.quantised((4,)).fingerprint


def test_few_bits_cost_little(tiny):
    few, many = (tiny.quantised((bits,)) for bits in (2, 8))
    genotype = few.space.smallest
    assert few.size_bits(genotype) < many.size_bits(genotype) < tiny.size_bits(tiny.space.smallest)
    assert 16 * few.bops(genotype) == many.bops(genotype) == tiny.bops(tiny.space.smallest) / 16
    assert "InputQuantiser(2 bits, not calibrated)" in str(few.build(genotype).stem)


def test_activations_of_a_chain_take_as_much_memory_as_those_of_floats(tiny):
    family, plain = tiny.quantised((4, 8)), tiny.space.sample(3, np.random.default_rng(0))
    genotypes = np.column_stack([plain, np.ones((3, family.space.n_genes - tiny.space.n_genes), dtype=int)])
    np.testing.assert_array_equal(family.peak_kb(genotypes), tiny.peak_kb(plain))


def test_a_task_of_other_classes_keeps_the_bits(tiny):
    family = tiny.quantised((4, 8)).with_classes(3)
    assert family.bits == (4, 8) and family.n_outputs == 3


def test_bits_of_blocks_that_are_not_there_are_dead(family):
    space = family.space
    shallow, deep = with_options(family), with_options(family, depth=2)
    dead = {name for name, lives in zip(space.names, space.alive(shallow), strict=True) if not lives}
    assert dead == {"block.weight_bits", "block.activation_bits"} and space.alive(deep).all()
    shallow[space.names.index("block.weight_bits")] = 0
    assert family.plan(shallow) == family.plan(space.canonical(shallow))


def test_operations_without_weights_have_dead_bits():
    space = FAMILIES["digits-cells"]().quantised((4, 8)).space
    conv, skip = "nor_conv_3x3", "skip_connect"
    options = {name: 8 if name.endswith("bits") else skip for name in space.names}
    alive = space.decode(space.encode({**options, "node1.input0": conv}))
    of_edges = {name.split(".cell1.")[1] for name in alive if name.endswith("bits") and "cell1" in name}
    assert of_edges == {"node1.input0.weight_bits", "node1.input0.activation_bits"}


def test_how_numbers_are_rounded_that_are_not_there_is_dead():
    family = Counted().quantised((4, 32), SCHEMES, tied=True)
    space = family.space
    options = {"depth": 1, "kernel": 3, "stem.bits": 4, "stem.weight_scheme": ASYMMETRIC, "classifier.bits": 32}
    alive = space.decode(space.encode(options))
    assert alive == options
    genotype = space.encode(options)
    for name in ("block.bits", "block.weight_scheme", "classifier.weight_scheme"):
        genotype[space.names.index(name)] = 1
    assert (space.canonical(genotype) == space.encode(options)).all() and family.plan(genotype) == family.plan(
        space.encode(options)
    )


@pytest.mark.parametrize("how", [{}, {"schemes": SCHEMES}, {"tied": True}, {"schemes": SCHEMES, "tied": True}], ids=str)
@pytest.mark.parametrize("bits", [(4, 8), (4, 32)])
def test_the_size_of_a_space_counts_different_networks(bits, how):
    family = Counted().quantised(bits, **how)
    shape = [len(choice.options) for choice in family.space.choices]
    every = np.array([*np.ndindex(*shape)])
    plans = {tuple(family.plan(genotype)) for genotype in every}
    assert family.space.size == len(plans) == len(np.unique(family.space.canonical(every), axis=0))


@pytest.mark.parametrize("bits", [(), (1, 8), (8, 33), (4.0,), ("8",), (True,)])
def test_other_numbers_of_bits_are_refused(tiny, bits):
    for make in (tiny.quantised, lambda bits: with_bits(load_supernet("digits-mbv3"), bits)):
        with pytest.raises(ValueError, match="^bits must be whole numbers between 2 and 32, got "):
            make(bits)


def test_unknown_schemes_are_refused(tiny):
    with pytest.raises(ValueError, match=r"^unknown schemes of rounding \['odd'\]; known: symmetric, asymmetric$"):
        tiny.quantised((4,), ["odd"])


def test_choices_of_rounding_are_kept(tiny):
    family = tiny.quantised((4, 8), SCHEMES, tied=True)
    for same in (pickle.loads(pickle.dumps(family)), family.with_classes(10)):
        assert same.bit_choices == family.bit_choices and same.space.names == family.space.names
    kinds = {choice.kind for choice in family.space.choices[tiny.space.n_genes :]}
    assert kinds == {"bits", "scheme"} and not any("activation" in name for name in family.space.names)
    assert family.fingerprint != tiny.quantised((4, 8), tied=True).fingerprint
    assert dict(family.plan(family.space.smallest))["stem"].scheme == ASYMMETRIC  # the least by its text


def test_a_plan_says_its_bits():
    spec = Quantised(Conv(1, 4, 3, 2, 8, "relu"), 4, 8)
    assert describe_block(spec) == "Conv 3x3, 1-4, 4-bit weights, 8-bit activations"
    assert describe_block(replace(spec, scheme=ASYMMETRIC)) == "Conv 3x3, 1-4, 4-bit asymmetric weights, 8-bit activations"


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("shape", [(5, 3, 3, 3), (6, 1, 5, 5), (4, 7)], ids=["convolution", "depthwise", "linear"])
def test_rounded_weights_are_those_of_a_formula(shape, bits):
    weight = np.random.default_rng(0).normal(size=shape)
    rows, n = weight.reshape(len(weight), -1), 2 ** (bits - 1) - 1
    step = np.abs(rows).max(1, keepdims=True) / n
    expected = (np.rint(rows / step).clip(-n, n) * step).reshape(shape)
    np.testing.assert_allclose(quantised_weight(torch.tensor(weight), bits, symmetric=True), expected, rtol=1e-12)
    low, high = rows.min(1, keepdims=True).clip(max=0), rows.max(1, keepdims=True).clip(min=0)
    step = (high - low) / (2**bits - 1)
    zero = np.rint(-low / step)
    expected = ((np.rint(rows / step + zero).clip(0, 2**bits - 1) - zero) * step).reshape(shape)
    np.testing.assert_allclose(quantised_weight(torch.tensor(weight), bits, symmetric=False), expected, atol=1e-12)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_they_are_those_of_pytorchs_own_operators(bits):
    weight, n = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(0)), 2 ** (bits - 1) - 1
    steps, zeros = weight.abs().amax((1, 2, 3)) / n, torch.zeros(5, dtype=torch.int32)
    theirs = torch.fake_quantize_per_channel_affine(weight, steps, zeros, 0, -n, n)
    torch.testing.assert_close(quantised_weight(weight, bits, symmetric=True), theirs)
    step, lowest, _ = affine_grid(*range_of(weight), bits)
    zero = int((-lowest / step).round())
    theirs = torch.fake_quantize_per_tensor_affine(weight, float(step), zero, 0, 2**bits - 1)
    torch.testing.assert_close(to_grid(weight, affine_grid(*range_of(weight), bits)), theirs, rtol=1e-5, atol=1e-6)


def test_gradients_go_straight_through_where_the_grid_reaches():
    x = torch.tensor([-2.0, -1.0, -0.3, 0.0, 0.4, 1.0, 2.0], requires_grad=True)
    for grid in (
        symmetric_grid(torch.tensor(-0.5), torch.tensor(1.0), 4),
        affine_grid(torch.tensor(-1.0), torch.tensor(1.0), 2),
    ):
        inside = (x >= grid.lowest) & (x <= grid.highest)
        (gradient,) = torch.autograd.grad((torch.arange(7) * to_grid(x, grid)).sum(), x)
        assert torch.equal(gradient, torch.arange(7) * inside) and 0 < inside.sum() < 7
        with torch.no_grad():
            without = to_grid(x, grid)
        assert torch.equal(to_grid(x, grid), without)


@pytest.mark.parametrize("bits", range(2, 32))
def test_grids_hold_zero_and_as_many_values_as_their_bits_say(bits):
    low, high = torch.tensor(-0.7, dtype=torch.double), torch.tensor(1.9, dtype=torch.double)
    for grid, n in ((symmetric_grid(low, high, bits), 2**bits - 2), (affine_grid(low, high, bits), 2**bits - 1)):
        assert ((grid.highest - grid.lowest) / grid.step).round() == n
        assert (grid.lowest / grid.step - (grid.lowest / grid.step).round()).abs() < 1e-4
        x = torch.linspace(-0.7, 1.9, 101, dtype=torch.double)
        assert (to_grid(x, grid) - x).abs().max() <= grid.step * 1.001 and to_grid(torch.zeros(1), grid) == 0


def test_numbers_that_are_all_zero_stay_so():
    zeros = torch.zeros(3, 2)
    for symmetric in (True, False):
        assert torch.equal(quantised_weight(zeros, 4, symmetric), zeros)
