"""Generator and predictor learn what is in made-up tasks, and what both say is averaged over images."""

from itertools import product

import numpy as np
import pytest
import torch

from nastoolkit.systems.metad2a.learning import (
    N_GOOD,
    best_cells,
    generated,
    learn_generator,
    learn_predictor,
    predicted,
    ranked,
    some,
)

CELLS = torch.tensor([*product(range(3), repeat=3)])
HOW = {"n_nodes": 3, "n_images": 4, "seed": 0}


@pytest.fixture(scope="module")
def tasks():
    """Two kinds of four tasks each, and the accuracies of cells: one kind wants many 2, the other many 0."""
    rng = np.random.default_rng(0)
    kinds = np.repeat([1.0, -1.0], 4)
    features = kinds[:, None, None, None] + rng.normal(0, 0.3, (8, 3, 6, 5))
    truth = 50 + 10 * kinds[:, None] * (CELLS.numpy().sum(1) - 3) + rng.normal(0, 0.5, (8, 27))
    return torch.from_numpy(features).float(), torch.from_numpy(truth).float()


def test_the_best_cells_against_sorting(tasks):
    for own, good in zip(tasks[1], best_cells(CELLS, tasks[1]), strict=True):
        assert good.tolist() == CELLS[np.argsort(-own.numpy())[:N_GOOD]].tolist()
    assert best_cells(CELLS[:2], tasks[1][:, :2]).shape == (8, 2, 3)


def test_unseen_tasks_get_cells_of_their_kind(tasks):
    features, truth = tasks
    known = [0, 1, 2, 4, 5, 6]
    generator = learn_generator(features[known], CELLS, truth[known], n_steps=60, **HOW)
    made = generated(generator, features[[3, 7]], 50, 4, 5, seed=1)
    assert made.shape == (2, 50, 3)
    totals = made.sum(2).float().mean(1)
    assert totals[0] > 4.5 and totals[1] < 1.5
    assert torch.equal(made, generated(generator, features[[3, 7]], 50, 4, 5, seed=1))


def test_accuracies_on_unseen_tasks_are_ranked(tasks):
    features, truth = tasks
    known = [0, 1, 2, 4, 5, 6]
    predictor = learn_predictor(features[known], CELLS, truth[known], n_steps=60, **HOW)
    answers = predicted(predictor, features[[3, 7]], CELLS, 4, 5, np.random.default_rng(1))
    for found, wanted in zip(answers, truth[[3, 7]], strict=True):
        assert np.corrcoef(found, wanted)[0, 1] > 0.9


def test_predictions_are_means_over_draws_of_images(tasks):
    features, truth = tasks
    predictor = learn_predictor(features, CELLS, truth, n_steps=1, **HOW)
    rng = np.random.default_rng(3)
    with torch.no_grad():
        wanted = sum(predictor(some(features, 4, rng), CELLS) for _ in range(2)) / 2
    torch.testing.assert_close(predicted(predictor, features, CELLS, 4, 2, np.random.default_rng(3)), wanted)


def test_some_images_of_every_class_are_shown(tasks):
    shown = some(tasks[0], 4, np.random.default_rng(0))
    assert shown.shape == (8, 3, 4, 5)
    for one, every in zip(shown.flatten(0, 1), tasks[0].flatten(0, 1), strict=True):
        assert len({*map(tuple, one.tolist())} & {*map(tuple, every.tolist())}) == 4


def test_different_cells_are_ranked_by_score():
    assert ranked([2, 0, 2, 1], torch.tensor([0.5, 0.1, 0.9])) == [2, 0, 1]
