"""Models of a zoo: equal networks have equal embeddings, and weights are those of the task's supernet."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet
from nastoolkit.systems.tans.zoo import ZooModel, embeddings, functional, make_zoo, new_head
from nastoolkit.tasks.task_family import TaskFamily
from nastoolkit.training import Recipe


@pytest.fixture(scope="module")
def zoo():
    base, (tasks, _) = Supernet(FAMILIES["digits-mbv3-small"]()), TaskFamily(2, 1, n_classes=3, n_train=60).draw()
    genotypes = base.family.space.sample(3, np.random.default_rng(0))
    return make_zoo(base, tasks, genotypes, Recipe(2, batch_size=8), 60)


def twin_of(model):
    """A genotype that differs in a choice without effect, of a block that the network does not have."""
    space = FAMILIES[model.family]().space
    names = list(space.names)
    shallow = model.genotype.copy()
    shallow[names.index("stage1.depth")] = 0
    other = space.canonical(shallow)
    twin = other.copy()
    twin[names.index("stage1.block2.kernel")] += 1
    return other, twin


def test_equal_networks_have_equal_embeddings(zoo):
    model = zoo.models[0]
    genotype, twin = twin_of(model)
    supernet = zoo.supernets[0]
    assert not np.array_equal(genotype, twin)
    found = [
        functional(supernet, supernet.network(own, TaskFamily(2, 1, n_train=60).draw()[0][0], 60), own)
        for own in (genotype, twin)
    ]
    one, other = (replace(model, genotype=own, functional=seen) for own, seen in zip((genotype, twin), found, strict=True))
    assert torch.equal(*embeddings([one, other]))


def test_other_choices_or_other_weights_have_another_embedding(zoo):
    first, second = zoo.models[0], zoo.models[1]
    same_choices = zoo.models[3]
    assert same_choices.task == 1 and np.array_equal(first.genotype, same_choices.genotype)
    one, other, weights = embeddings([first, second, same_choices])
    n_options = len(one) - len(first.functional)
    assert not torch.equal(one[:n_options], other[:n_options])
    assert torch.equal(one[:n_options], weights[:n_options]) and not torch.equal(one, weights)


def test_models_are_those_of_each_task_in_turn(zoo):
    assert [model.task for model in zoo.models] == [0, 0, 0, 1, 1, 1]
    assert all(0 <= model.accuracy <= 100 and np.isfinite(model.functional).all() for model in zoo.models)
    assert zoo.best_of(1).accuracy == max(model.accuracy for model in zoo.models[3:])


def test_a_network_has_the_weights_of_its_task_and_a_new_head(zoo):
    model = zoo.models[4]
    found, same = zoo.network(model, 7, 0).state_dict(), zoo.network(model, 7, 0).state_dict()
    theirs = zoo.supernets[1].extract(model.genotype).state_dict()
    assert found["classifier.linear.weight"].shape[0] == 7
    for name in theirs:
        assert torch.equal(found[name], same[name])
        assert name.startswith("classifier.linear") or torch.equal(found[name], theirs[name])


def test_a_head_depends_on_its_seed_alone(zoo):
    network = zoo.base.extract(zoo.base.family.space.smallest)
    one, again, other = (new_head(network, 3, seed).classifier.linear.weight.clone() for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_an_unknown_family_and_several_are_told(zoo):
    model = zoo.models[0]
    with pytest.raises(ValueError, match="unknown family 'digits-mbv4'.*known"):
        embeddings([replace(model, family="digits-mbv4")])
    with pytest.raises(ValueError, match="of one family, and not of digits-mbv3, digits-mbv3-small"):
        embeddings([model, replace(model, family="digits-mbv3")])
    with pytest.raises(ValueError, match="of one family, and not of none"):
        embeddings(list[ZooModel]())
