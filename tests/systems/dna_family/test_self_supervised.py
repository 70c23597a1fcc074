"""Blocks without a teacher: the loss by hand, the average in time, gradients, the same from the same seed."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nastoolkit.systems.dna_family.self_supervised import Siamese, distances, self_supervised, views
from nastoolkit.training import Recipe


def test_distances_are_squared_ones_of_normalised_rows():
    ours, theirs = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    wanted = (functional.normalize(ours) - functional.normalize(theirs)).square().sum(1).mean()
    assert distances(ours, theirs).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_views_move_images_by_two_pixels_at_most():
    images = torch.zeros(50, 1, 9, 9)
    images[:, 0, 4, 4] = 10.0
    seen = views(images, np.random.default_rng(0))
    places = seen.flatten(1).argmax(1)
    assert seen.shape == images.shape and set((places // 9).tolist()) == set((places % 9).tolist()) == {2, 3, 4, 5, 6}


def test_the_average_follows_and_learns_nothing(problem):
    siamese, paths = Siamese(problem[2][0], seed=100), list(np.array([[0], [1], [2]]))
    loss = siamese.loss([torch.randn(6, 1, 8, 8), torch.randn(6, 1, 8, 8)], paths)
    loss.backward()
    assert all(weight.grad is None for weight in siamese.slow.parameters()) and len(siamese.learning) > 0
    assert all(weight.grad is not None for weight in siamese.learning)
    own, slow = (dict(module.named_parameters()) for module in (siamese.project, siamese.slow[1]))
    with torch.no_grad():
        own["2.weight"].add_(1.0)
    before = slow["2.weight"].clone()
    siamese.follow(0.75)
    torch.testing.assert_close(slow["2.weight"], before + 0.25)


def test_every_path_of_every_block_is_rated_the_same_from_the_same_seed(problem):
    task, _, blocks, _ = problem
    one, same = (self_supervised(blocks, task, Recipe(9, 8, 0.01, seed=100), 30) for _ in range(2))
    assert [block.genes.shape for block in one] == [(3, 1), (9, 2)]
    for ours, theirs in zip(one, same, strict=True):
        np.testing.assert_array_equal(ours.ratings, theirs.ratings)
        assert np.ptp(ours.ratings) > 0 and (ours.ratings >= 0).all() and (ours.ratings <= 4).all()
