import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.families import FAMILIES
from nastoolkit.families.activations import peak_activation_bytes
from nastoolkit.families.mcunet import activation_bytes, least_costs

# Networks that were rebuilt layer by layer from the rules of the lab's ``ofa_mcunets.py`` and ``layers.py``, with the same
# kernel, expansion and extra depth everywhere. MACs of convolutions and linear layers were counted by PyTorch, and peak memory
# as by the lab's ``count_peak_activation_size``.
REBUILT = [  # width, kernel, expansion, extra depth, resolution, params, MACs, peak in KiB
    (1.0, 7, 6, 2, 160, 4_067_018, 278_011_136, 750.0),
    (0.5, 3, 3, 0, 96, 304_538, 7_237_104, 72.0),
    (1.0, 3, 3, 0, 96, 1_036_070, 22_579_776, 144.0),
    (0.75, 5, 4, 1, 128, 1_201_072, 57_325_184, 320.0),
]


@pytest.fixture(scope="module")
def family():
    return FAMILIES["mcunet-vww"]()


def encode(family, width, kernel, expand, extra, resolution):
    """The genotype with the same kernel, expansion and extra depth everywhere; the last stage always has one block."""
    depths = {f"stage{stage}.depth": (1 if stage == 1 else 2) + extra for stage in range(1, 6)}
    options = {"resolution": resolution, "width": width} | depths
    for name in family.space.names:
        options |= {name: kernel} if name.endswith(".kernel") else {name: expand} if name.endswith(".expand") else {}
    return family.space.encode(options)


@pytest.mark.parametrize(("width", "kernel", "expand", "extra", "resolution", "params", "macs", "kib"), REBUILT)
def test_counts_of_the_labs_networks(family, width, kernel, expand, extra, resolution, params, macs, kib):
    genotype = encode(family, width, kernel, expand, extra, resolution)
    assert (family.params(genotype), family.macs(genotype), family.peak_kib(genotype)) == (params, macs, kib)


def test_the_number_of_subnetworks(family):
    # Five input sizes and three widths; a stage of one to three blocks, four of two to four, and one of a single block.
    assert family.space.size == 5 * 3 * (9 + 9**2 + 9**3) * (9**2 + 9**3 + 9**4) ** 4 * 9


def test_rows_of_the_table(family):
    plan = dict(family.plan(family.space.largest))
    first = [plan[f"stage{stage}.block1"] for stage in range(1, 7)]
    assert [spec.out_channels for spec in first] == [24, 40, 80, 96, 192, 320]
    assert [spec.input_size for spec in first] == [80, 40, 20, 10, 10, 5] and plan["pool"].input_size == 5
    assert [spec.hidden for spec in first] == [0, 0, 10, 20, 24, 0] and plan["stage2.block2"].hidden == 10
    assert plan["first_block"].kernel == 1 and plan["first_block"].act == "none"
    narrow = dict(family.plan(encode(family, 0.5, 7, 6, 2, 160)))
    assert [narrow[f"stage{stage}.block1"].out_channels for stage in range(1, 7)] == [16, 24, 40, 48, 96, 160]
    assert narrow["first_block"].out_channels == 8 and narrow["feature_mix"].out_channels == 384


def layers_of(network, inputs):
    """Values that come into and go out of each convolution and linear layer, by name."""
    seen = {}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            note = lambda _, x, y, name=name: seen.update({name: (x[0].numel(), y.numel())})  # noqa: E731
            layer.register_forward_hook(note)
    network(inputs)
    return seen


def counted_peak(family, genotype):
    """As the lab counts it: what each layer reads and writes, and during a depthwise convolution the input to be added."""
    with torch.device("meta"):
        layers = layers_of(family.build(genotype).eval(), torch.empty(1, *family.input_shape(genotype)))
    residual = {name for name, spec in family.plan(genotype) if getattr(spec, "residual", False)}
    sizes = []
    for name, (inputs, outputs) in layers.items():
        block, _, layer = name.rpartition(".conv")[0].rpartition(".")
        kept = layers[f"{block}.expand.conv"][0] if layer == "depthwise" and block in residual else 0
        sizes.append(inputs + outputs + kept)
    return max(sizes) / 1024


def test_peak_memory_is_what_the_layers_of_a_network_hold(family):
    genotypes = family.space.sample(2, np.random.default_rng(0))
    assert [counted_peak(family, genotype) for genotype in genotypes] == family.peak_kib(genotypes).tolist()


def test_peak_memory_is_not_that_of_pytorch(family):
    block = dict(family.plan(family.space.smallest))["stage1.block1"]
    assert peak_activation_bytes(block) > 4 * activation_bytes(block)  # floats, and results that are not written in place


def test_without_bits_and_with_them_the_peak_is_the_same(family):
    quantised = family.quantised((8, 32), tied=True)
    genotypes = quantised.space.sample(3, np.random.default_rng(0))
    np.testing.assert_array_equal(quantised.peak_kib(genotypes), family.peak_kib(genotypes[:, : family.space.n_genes]))


def test_the_smallest_network_of_a_resolution_and_width_has_their_least_costs(family):
    rows = least_costs(family)
    scales = [{"resolution": (row["resolution"],), "width": (row["width"],)} for row in rows]
    smallest = np.stack([family.space.restrict(scale).smallest for scale in scales])
    assert [row["mmacs"] for row in rows] == family.mmacs(smallest).tolist() and len(rows) == 15
    assert [row["peak_kib"] for row in rows] == family.peak_kib(smallest).tolist()
    assert min(row["peak_kib"] for row in rows) == 72  # no network fits into 64 KiB


def test_nothing_random_is_below_the_least_costs(family):
    genotypes = family.space.sample(3000, np.random.default_rng(0))
    least = {(row["resolution"], row["width"]): (row["mmacs"], row["peak_kib"]) for row in least_costs(family)}
    scales = [[choice.options[gene] for choice, gene in zip(family.space.choices[:2], one, strict=False)] for one in genotypes]
    bounds = np.array([least[tuple(scale)] for scale in scales])
    assert (np.stack([family.mmacs(genotypes), family.peak_kib(genotypes)], axis=1) >= bounds).all()
