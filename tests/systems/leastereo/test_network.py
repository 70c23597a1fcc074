"""The volume is its definition, one path of the trellis is its network, and published ones have their number of parameters."""

import numpy as np
import pytest
import torch

from nastoolkit.systems.leastereo.decoding import random_design, routes
from nastoolkit.systems.leastereo.network import (
    CONV,
    SKIP,
    Design,
    Mix,
    StereoNet,
    StereoShape,
    all_edges,
    n_params,
    soft_argmin,
    volume,
)

SHAPE = StereoShape(layers=(2, 3), n_levels=3, width=2, n_nodes=2, n_joined=2, stride=2, max_disparity=8)


def views(n=2, height=16, width=24):
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(n, 3, height, width, generator=generator) for _ in range(2))


def only(shape, design):
    """Weights of a mixture in which a decided network alone counts."""
    ways = torch.zeros(len(design.path), shape.n_levels, shape.n_levels)
    for layer, (source, level) in enumerate(zip((0, *design.path), design.path, strict=False)):
        ways[layer, level, source] = 1
    options = {edge[:2]: edge[2] for edge in design.edges}
    shares = torch.tensor([[float(options.get(edge) == one) for one in (SKIP, CONV)] for edge in all_edges(shape.n_nodes)])
    return Mix(ways, shares)


def moved_to(network, mixture, designs):
    """A decided network with the weights of the mixture that it was taken from."""
    theirs, copied = mixture.state_dict(), {}
    edges = all_edges(SHAPE.n_nodes)
    for name in network.state_dict():
        part, *rest = name.split(".")
        if part in ("features", "matching") and rest[0] == "cells":
            kept = designs[part == "matching"].edges[int(rest[3])]
            rest[3:5] = [str(edges.index(kept[:2])), str(kept[2])]
        copied[name] = theirs[".".join([part, *rest])]
    network.load_state_dict(copied)
    return network


def test_the_volume_is_its_definition():
    left, right = (torch.randn(2, 3, 4, 6) for _ in range(2))
    found = volume(left, right, 5)
    assert found.shape == (2, 6, 5, 4, 6)
    for d in range(5):
        for x in range(6):
            if x < d:
                assert not found[:, :, d, :, x].any()
            else:
                assert torch.equal(found[:, :3, d, :, x], left[..., x]) and torch.equal(
                    found[:, 3:, d, :, x], right[..., x - d]
                )


def test_soft_argmin_is_the_mean_and_sharp_costs_give_their_place():
    costs = torch.randn(2, 5, 3, 4)
    weights = (-costs).exp() / (-costs).exp().sum(1, keepdim=True)
    assert torch.allclose(soft_argmin(costs), sum(d * weights[:, d] for d in range(5)), atol=1e-5)
    sharp = torch.full((1, 5, 1, 1), 100.0)
    sharp[0, 3] = 0
    assert soft_argmin(sharp).item() == 3


@pytest.mark.parametrize("seed", range(4))
def test_a_mixture_of_one_path_is_the_network_of_that_path(seed):
    rng = np.random.default_rng(seed)
    designs = tuple(random_design(SHAPE, n, rng) for n in SHAPE.layers)
    torch.manual_seed(seed)
    mixture = StereoNet(SHAPE).train()
    mixture(views(), tuple(only(SHAPE, one) for one in designs))  # gives normalisations their statistics
    alone = moved_to(StereoNet(SHAPE, designs), mixture, designs)
    found = mixture.eval()(views(), tuple(only(SHAPE, one) for one in designs))
    assert torch.allclose(alone.eval()(views()), found, atol=1e-5) and found.std() > 0


def test_a_mixture_has_gradients_for_all_ways_and_options():
    torch.manual_seed(0)
    mixture, betas = StereoNet(SHAPE), [torch.zeros(n, 3, 3, requires_grad=True) for n in SHAPE.layers]
    alphas = [torch.zeros(5, 2, requires_grad=True) for _ in SHAPE.layers]
    mixes = tuple(Mix(routes(b), a.softmax(-1)) for a, b in zip(alphas, betas, strict=True))
    mixture(views(), mixes).square().sum().backward()
    for own, n_ways in zip(betas, ((2, 5), (2, 5, 7)), strict=True):
        assert [int((layer != 0).sum()) for layer in own.grad] == list(n_ways)  # of levels that are reached
    assert all((own.grad != 0).all() for own in alphas)


def test_disparities_have_the_size_of_the_image_and_lie_in_the_volume():
    design = Design((1, 0), ((0, 0, SKIP), (0, 1, CONV), (1, 1, CONV), (1, 2, SKIP)))
    found = StereoNet(SHAPE, (design, Design((0, 1, 2), design.edges)))(views(3, 18, 26))
    assert found.shape == (3, 18, 26) and found.min() >= 0 and found.max() <= 7


def test_the_published_networks_have_their_parameters():
    """1.81 million are published; 84,800 of them belong to last convolutions of levels that the paths do not end at."""
    edges = [(node, source) for node in range(3) for source in (0, 1)]
    all_convolutions = tuple((*edge, CONV) for edge in edges)
    features = Design((1, 0, 1, 0, 0, 0), (*all_convolutions[:3], (1, 1, SKIP), *all_convolutions[4:]))
    matching = Design((1, 1, 2, 2, 1, 2, 2, 2, 1, 1, 0, 1), all_convolutions)
    shape = StereoShape((6, 12), 4, 8, 3, 4, 3, 192, joins=((1, 4), (4, 8)))
    with torch.device("meta"):
        found = n_params(StereoNet(shape, (features, matching)))
    channels, unused = 32, 0
    for levels in ((1, 2, 3), (2, 3)):  # features end at level 0, matching at level 1
        unused += sum((channels << level) * (channels << level - 1) + 2 * (channels << level - 1) for level in levels)
    assert (found, unused) == (1_724_912, 84_800) and round((found + unused) / 1e6, 2) == 1.81


def test_joins_see_the_earlier_cell():
    design = Design((0, 1, 0), ((0, 0, CONV), (0, 1, CONV), (1, 0, CONV), (1, 1, CONV)))
    shape = StereoShape((2, 3), 3, 2, 2, 2, 2, 8, joins=((0, 1),))
    network = StereoNet(shape, (Design((0, 0), design.edges), design)).eval()
    assert network(views()).shape == (2, 16, 24)
    assert n_params(network.matching.joined) == (4 + 8) * 8 * 27 + 2 * 8


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"max_disparity": 7}, "^max_disparity must be a multiple of the stride 2, got 7$"),
        ({"layers": (0, 3)}, r"^a trellis needs layers and two levels, got layers \(0, 3\) and 3 levels$"),
        ({"n_levels": 1}, r"^a trellis needs layers and two levels, got layers \(2, 3\) and 1 levels$"),
        ({"n_joined": 4}, "^n_joined must be between 1 and 3, one more than n_nodes, got 4$"),
    ],
)
def test_bad_shapes_are_told(values, words):
    good = {"layers": (2, 3), "n_levels": 3, "width": 2, "n_nodes": 2, "n_joined": 2, "stride": 2, "max_disparity": 8}
    with pytest.raises(ValueError, match=words):
        StereoShape(**(good | values))


def test_disparities_beyond_the_features_are_told():
    with pytest.raises(ValueError, match="^a volume of 7 disparities needs features at least as wide, got 6$"):
        volume(torch.zeros(1, 1, 2, 6), torch.zeros(1, 1, 2, 6), 7)
