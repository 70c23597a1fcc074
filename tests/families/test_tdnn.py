from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.families import FAMILIES
from nastoolkit.families.tdnn import COARSE, TDNNFamily
from nastoolkit.families.tdnn_blocks import AttentivePool, Res2Groups, SumOfConvolutions
from nastoolkit.published.efficient_tdnn import encode_network
from nastoolkit.supernets import Supernet

FEW = {"n_mels": 6, "length": 20, "depths": (1, 2), "widths": (8, 16), "aggregated": (12, 24)}
TINY = replace(COARSE, **FEW, groups=4, hidden=5, dim=7)
PUBLISHED = [  # depth, widths, kernels, joined width, frames, params and operations, as they are printed
    (4, [512] * 5, [5] * 5, 1536, 300, "7.55M", "1.93G"),  # TDNN-NAS.ipynb
    (2, [128] * 3, [1] * 3, 384, 300, "443.97K", "83.47M"),
    (3, [512] * 4, [5, 3, 3, 3], 1536, 301, "5.79M", "1.45G"),  # the model card, whose inputs are 3 seconds
    (3, [384, 256, 256, 256], [5, 3, 3, 3], 768, 301, "2.42M", "570.98M"),
    (2, [256] * 3, [3] * 3, 400, 301, "899.20K", "204.07M"),
]


def normalised_numbers(network, inputs):
    """How many numbers pass batch normalisations: the authors' counter takes two operations for each."""
    seen = []
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.register_forward_hook(lambda _, inputs, outputs: seen.append(outputs[0].numel()))
    network.eval()(inputs)
    return sum(seen)


def in_short(number):
    unit, letter = next((unit, letter) for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "K")) if number >= unit)
    return f"{number / unit:.2f}{letter}"


@pytest.mark.parametrize(("depth", "widths", "kernels", "aggregated", "length", "params", "operations"), PUBLISHED)
def test_counts_are_the_published_ones(depth, widths, kernels, aggregated, length, params, operations):
    table = replace(COARSE, length=length, aggregated=(*COARSE.aggregated, 400))
    family = TDNNFamily("efficient-tdnn", table)
    genotype = encode_network(family.space, depth, widths, kernels, aggregated)
    with torch.device("meta"):
        extra = 2 * normalised_numbers(family.build(genotype), torch.empty(1, *family.input_shape(genotype)))
    assert in_short(family.params(genotype)) == params and in_short(family.macs(genotype) + extra) == operations


def test_the_space_is_the_papers():
    space = FAMILIES["efficient-tdnn"]().space
    assert len(space.one_hot(space.smallest)[0]) == 48
    assert space.size == 5 * sum(15 ** (depth + 1) for depth in (2, 3, 4)) == 4_066_875


def test_a_block_sees_the_sum_of_all_layers_before():
    network = TDNNFamily("tiny", TINY).build(TDNNFamily("tiny", TINY).space.largest).eval()
    x = torch.randn(2, 6, 1, 20)
    first = network.layer1(x)
    one = network.block1(first) + first
    two = network.block2(one) + first + one
    expected = network.embedding(network.pooling(network.aggregation(torch.cat([one, two], 1))))
    torch.testing.assert_close(network(x), expected)


def test_the_last_group_passes_and_each_other_sees_the_one_before():
    layer, x = Res2Groups(2, 3, 3, dilation=2).eval(), torch.randn(2, 6, 1, 9)
    zero, one, two = x[:, 0::3], x[:, 1::3], x[:, 2::3]
    first = layer[0](zero)
    outputs = layer(x)
    torch.testing.assert_close(outputs[:, 0::3], first)
    torch.testing.assert_close(outputs[:, 1::3], layer[1](one + first))
    torch.testing.assert_close(outputs[:, 2::3], two)


def test_a_sum_of_convolutions_is_that_of_the_joined_outputs():
    layer, x = SumOfConvolutions(nn.Conv2d(4, 5, 1, bias=False) for _ in range(3)), torch.randn(2, 12, 1, 9)
    together = functional.conv2d(x, torch.cat([convolution.weight for convolution in layer], 1))
    torch.testing.assert_close(layer(x), together.relu())


def test_pooling_weighs_frames_by_attention():
    pool, x = AttentivePool(4, 3, 11).build(), torch.randn(2, 4, 1, 11)
    attention = pool.expand(pool.reduce(x).tanh()).softmax(3)
    mean, square = (attention * x).sum(3)[..., 0], (attention * x**2).sum(3)[..., 0]
    torch.testing.assert_close(attention.sum(3), torch.ones(2, 4, 1))
    found = pool(x)
    torch.testing.assert_close(found[:, 0::2], mean)
    torch.testing.assert_close(found[:, 1::2], (square - mean**2).sqrt(), rtol=1e-4, atol=1e-5)


def test_narrow_networks_have_the_first_channels_of_every_group():
    supernet = Supernet(TDNNFamily("tiny", TINY))
    wide, narrow = (
        dict(supernet.extract(g).named_parameters()) for g in (supernet.family.space.largest, supernet.family.space.smallest)
    )
    name = "block1.first.conv.weight"
    groups = wide[name].unflatten(0, (-1, 4))  # of 4 channels, of which 2 are left
    torch.testing.assert_close(narrow[name].unflatten(0, (-1, 4)), groups[:2, :, :8])


def test_with_classes_it_gives_cosines():
    family = TDNNFamily("tiny", TINY).with_classes(9)
    network, x = family.build(family.space.largest).eval(), torch.randn(3, 6, 1, 20)
    cosines, embeddings = network(x), network.embedding_of(x)
    assert cosines.shape == (3, 9) and embeddings.shape == (3, 7) and cosines.abs().max() <= 1
    weight = network.classifier.linear.weight
    expected = functional.cosine_similarity(embeddings[:, None], weight[None], dim=2)
    torch.testing.assert_close(cosines, expected)
    assert family.params(family.space.largest) == TDNNFamily("tiny", TINY).params(family.space.largest)  # as in the paper


def test_costs_grow_with_every_choice():
    family = FAMILIES["efficient-tdnn"]()
    space = family.space
    for genotype in space.sample(20, np.random.default_rng(0)):
        for gene in np.flatnonzero(space.alive(genotype)):
            rows = np.repeat(genotype[None], len(space.choices[gene].options), axis=0)
            rows[:, gene] = range(len(rows))
            assert (np.diff(family.macs(rows)) > 0).all() and (np.diff(family.params(rows)) > 0).all()
