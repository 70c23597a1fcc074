"""Blocks and what they learn: where they begin, weights that are left alone, a perfect one."""

import numpy as np
import torch

from nastoolkit.supernets import Supernet
from nastoolkit.systems.dna_family.blocks import all_rated, cut, learnt_blocks, trained_alone
from nastoolkit.tasks.imitation import Teacher
from nastoolkit.training import Recipe

RECIPE = Recipe(6, 8, 0.01, seed=100)


def test_blocks_take_up_where_the_one_before_ends(problem):
    _, family, (first, second), _ = problem
    assert [slot.name for slot in first.slots] == ["stem", "stage1.layer1"]
    assert [slot.name for slot in second.slots] == ["stage2.layer1", "stage2.layer2"]
    assert first.output_shape == second.input_shape(second.space.smallest) and first.space.size * second.space.size == 27
    (whole,) = cut(family, ["stage2"])
    assert whole.space.size == family.space.size


def test_blocks_come_nearer_to_the_teacher_which_stays_as_it_is(problem):
    *_, blocks, teacher = problem
    before = {name: tensor.clone() for name, tensor in teacher.network.state_dict().items()}
    new = [Supernet(block, seed=100) for block in blocks]
    learnt = learnt_blocks(teacher, blocks, Recipe(40, 16, 0.01, seed=100))
    for one, other in zip(all_rated(teacher, new), all_rated(teacher, learnt), strict=True):
        assert other.ratings.mean() < one.ratings.mean() and len(other.genes) == len(set(map(tuple, other.genes.tolist())))
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.network.state_dict().items())
    np.testing.assert_array_equal(other.costs, blocks[1].macs(other.genes))


def test_a_block_that_is_the_teachers_own_is_perfect(problem):
    task, family, blocks, _ = problem
    genotype = np.array([1, 0, 2])
    network = trained_alone(family, genotype, task, RECIPE)
    teacher = Teacher(network, task, blocks, ["stage1", "stage2"], 30)
    supernet = Supernet(blocks[1])
    for layer, option in (("layer1", "mb1_k3"), ("layer2", "mb2_k5")):
        own = network.get_submodule(f"stage2.{layer}").state_dict()
        supernet.shared.get_submodule(f"stage2.{layer}.{option}").load_state_dict(own)
    features = teacher.features(task.batch(0, 8).at((1, 8, 8)).inputs)
    torch.testing.assert_close(supernet.eval()(features[1], genotype[1:]), features[2])
