"""Viterbi's path is that of brute force, weights of ways are those of the released code, and its quirks can be had."""

from itertools import product

import numpy as np
import pytest
import torch

from nastoolkit.systems.leastereo.decoding import everywhere, random_design, routes, strongest, viterbi
from nastoolkit.systems.leastereo.network import CONV, SKIP, Design, StereoShape

SHAPE = StereoShape(layers=(2, 3), n_levels=3, width=2, n_nodes=3, n_joined=2, stride=2, max_disparity=8)


@pytest.mark.parametrize("n_layers", [1, 3, 5])
@pytest.mark.parametrize("n_levels", [2, 4])
def test_viterbi_is_brute_force(n_layers, n_levels):
    for seed in range(5):
        betas = 2 * torch.randn(n_layers, n_levels, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        weights = routes(betas).numpy()
        paths = list(product(range(n_levels), repeat=n_layers))
        products = [
            np.prod([weights[layer, to, source] for layer, (source, to) in enumerate(zip((0, *path), path, strict=False))])
            for path in paths
        ]
        assert viterbi(weights) == paths[int(np.argmax(products))]


def test_weights_of_ways_are_softmaxes_and_two_thirds_of_one_at_both_ends():
    betas = torch.randn(4, 4, 3)
    weights = routes(betas)
    for layer, level in product(range(4), range(4)):
        ways = [move for move in range(3) if 0 <= level + move - 1 < 4]
        expected = betas[layer, level, ways].softmax(0) * len(ways) / 3 if level <= layer else torch.zeros(len(ways))
        assert torch.allclose(weights[layer, [level + move - 1 for move in ways], level], expected)
        assert torch.count_nonzero(weights[layer, :, level]) == (len(ways) if level <= layer else 0)
    quirk = routes(betas, faithful=True)
    assert torch.allclose(quirk[3, 2:, 3], torch.full((2,), 2 / 3)) and torch.equal(quirk[:, :, :3], weights[:, :, :3])


def test_a_trellis_without_a_path_is_told():
    weights = routes(torch.zeros(3, 3, 3)).numpy()
    weights[1] = 0
    with pytest.raises(ValueError, match="^no path leads through the trellis: layer 1 cannot be reached from level 0$"):
        viterbi(weights)


def test_the_strongest_edges_are_kept():
    shares = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8], [0.7, 0.3]])
    assert strongest(shares, 2) == ((0, 0, SKIP), (0, 1, CONV), (1, 1, CONV), (1, 2, SKIP))
    assert strongest(shares, 2, faithful=True) == ((0, 0, SKIP), (0, 1, CONV), (1, 0, SKIP), (1, 1, CONV))


def test_random_designs_are_walks_with_two_edges_a_node():
    rng, paths = np.random.default_rng(0), set()
    for _ in range(200):
        design = random_design(SHAPE, 3, rng)
        assert all(abs(after - before) <= 1 for before, after in zip((0, *design.path), design.path, strict=False))
        assert [node for node, *_ in design.edges] == [0, 0, 1, 1, 2, 2] and len(set(design.edges)) == 6
        assert all(source < node + 2 for node, source, _ in design.edges) and set(design.path) <= {0, 1, 2}
        paths.add(design.path)
    assert len(paths) == 12  # all that three steps can be


def test_convolutions_everywhere_keep_path_and_edges():
    design = Design((0, 1), ((0, 0, SKIP), (0, 1, CONV)))
    assert everywhere(design) == Design((0, 1), ((0, 0, CONV), (0, 1, CONV)))
