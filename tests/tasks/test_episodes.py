import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from nastoolkit.families import FAMILIES
from nastoolkit.supernets import KernelTransform, Supernet
from nastoolkit.tasks import Split
from nastoolkit.tasks.episodes import episode


@pytest.fixture
def examples():
    targets = torch.arange(5).repeat(8)
    return Split(torch.randn(40, 1, 32, 32, generator=torch.Generator().manual_seed(0)), targets)


def test_an_episode_has_few_classes_and_no_example_twice(examples):
    for step in range(20):
        support, query = episode(examples, step, n_classes=3, n_support=2, n_query=4)
        assert support.targets.tolist() == [0, 0, 1, 1, 2, 2] and query.targets.tolist() == [0] * 4 + [1] * 4 + [2] * 4
        rows = torch.cat([support.rows, query.rows])
        assert len(set(rows.tolist())) == 18 and torch.equal(query.inputs, examples.inputs[query.rows])
        classes = [examples.targets[part.rows].view(3, -1) for part in (support, query)]
        assert all((part == part[:, :1]).all() for part in classes) and torch.equal(classes[0][:, 0], classes[1][:, 0])
        assert len(set(classes[0][:, 0].tolist())) == 3


def test_it_follows_from_step_and_seed(examples):
    rows = [tuple(episode(examples, step, 3, 2, 4, seed)[0].rows.tolist()) for step, seed in ((0, 0), (0, 0), (1, 0), (0, 1))]
    assert rows[0] == rows[1] and len(set(rows)) == 3


def test_too_few_classes_or_examples_are_told(examples):
    with pytest.raises(ValueError, match="an episode of 6 classes needs as many, and the examples have 5"):
        episode(examples, 0, 6, 1, 1)
    with pytest.raises(ValueError, match="needs 9 examples of each class, and one has 8"):
        episode(examples, 0, 5, 5, 4)


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_of_the_query_go_through_a_step_on_the_support(examples, tiny, order):
    family = tiny if order == 1 else FAMILIES["digits-cells"]()  # PyTorch has no second derivative of the hard sigmoid
    supernet, genotype = Supernet(family, KernelTransform()).train(), family.space.smallest if order == 1 else family.largest
    support, query = episode(examples, 0, 3, 2, 2)
    weights = dict(supernet.named_parameters())

    def loss(weights, part):
        return cross_entropy(functional_call(supernet, weights, (part.inputs, genotype)), part.targets)

    gradients = torch.autograd.grad(loss(weights, support), weights.values(), create_graph=order == 2, materialize_grads=True)
    adapted = {name: weight - 0.1 * step for (name, weight), step in zip(weights.items(), gradients, strict=True)}
    loss(adapted, query).backward()
    assert sum(bool(np.any(weight.grad.numpy() != 0)) for weight in weights.values() if weight.grad is not None) > 10
