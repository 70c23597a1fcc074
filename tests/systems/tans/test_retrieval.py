"""The contrastive loss against a loop, and what is learnt where tasks and networks have something in common."""

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.systems.tans.retrieval import Retriever, hinge, learn, nearest, own_ranks
from nastoolkit.systems.tans.zoo import ZooModel, embeddings

FAMILY, N_TASKS = "digits-mbv3-small", 6


def made_up(n_each=4, seed=0):
    """Models whose functional part tells their task, and features of images that do, too."""
    rng = np.random.default_rng(seed)
    space, marks = FAMILIES[FAMILY]().space, rng.standard_normal((N_TASKS, 10))
    genotypes = space.sample(n_each, rng)
    models = [
        ZooModel(task, FAMILY, genotype, 5 * marks[task] + 0.1 * rng.standard_normal(10), 50.0 + task)
        for task in range(N_TASKS)
        for genotype in genotypes
    ]
    images = torch.from_numpy((marks[:, None, ::-1] + 0.3 * rng.standard_normal((N_TASKS, 20, 10))).astype(np.float32))
    return images, models


def test_the_hinge_against_a_loop():
    torch.manual_seed(0)
    scores, wanted = torch.rand(5, 5), 0.0
    for own in range(5):
        for other in range(5):
            if own != other:
                wanted += max(0, 0.2 + scores[own, other] - scores[own, own])  # the same model, another task
                wanted += max(0, 0.2 + scores[other, own] - scores[own, own])  # the same task, another model
    torch.testing.assert_close(hinge(scores), torch.as_tensor(wanted))


def test_the_hinge_is_zero_where_all_negatives_are_a_margin_below():
    assert hinge(torch.eye(4)) == 0 and hinge(torch.eye(4), margin=1.5) == pytest.approx(2 * 12 * 0.5)


def test_what_is_encoded_has_length_one_and_is_a_mean_over_images():
    images, models = made_up()
    retriever, embedded = Retriever(10, embeddings(models).shape[1]), embeddings(models)
    tasks, found = retriever.encode_tasks(images), retriever.encode_models(embedded)
    torch.testing.assert_close(tasks.norm(dim=1), torch.ones(N_TASKS))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(len(models)))
    torch.testing.assert_close(retriever.encode_tasks(images.flip(1)), tasks)
    torch.testing.assert_close(retriever.encode_models(3 * embedded), found)


def test_contrast_finds_held_out_networks_and_the_predictor_alone_does_not():
    images, models = made_up(6)
    shown = [model for place, model in enumerate(models) if place % 6]
    held = embeddings(models[::6])
    by_contrast, alone = (learn(images, shown, 300, 10, seed=0, contrasts=contrasts) for contrasts in (True, False))
    with torch.no_grad():
        ranks = [own_ranks(one.encode_tasks(images), one.encode_models(held)).float() for one in (by_contrast, alone)]
        predicted = by_contrast.predict(by_contrast.encode_tasks(images), by_contrast.encode_models(held))
    assert ranks[0].tolist() == [1] * N_TASKS and ranks[1].mean() > 1
    assert (predicted - torch.arange(N_TASKS) / 100 - 0.5).abs().max() < 0.05


def test_learning_depends_on_its_seed_alone():
    images, models = made_up()
    one, again, other = (learn(images, models, 3, 10, seed).query.weight for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_the_nearest_and_the_ranks_against_sorting():
    torch.manual_seed(1)
    tasks, models = torch.randn(5, 8), torch.randn(5, 8)
    similarity = (tasks @ models.T).numpy()
    wanted = [1 + int((row > row[place]).sum()) for place, row in enumerate(similarity)]
    assert own_ranks(tasks, models).tolist() == wanted
    assert nearest(tasks[0], models, 3).tolist() == np.argsort(-similarity[0])[:3].tolist()
    assert len(nearest(tasks[0], models, 9)) == 5
