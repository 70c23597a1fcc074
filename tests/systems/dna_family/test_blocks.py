"""Blocks and what they learn: the loss and the rating by hand, the teacher's features, weights that are left alone."""

import numpy as np
import pytest
import torch

from nastoolkit.supernets import Supernet
from nastoolkit.systems.dna_family.blocks import Imitation, Teacher, all_rated, cut, learnt_blocks, trained_alone
from nastoolkit.systems.dna_family.comparison import family_of
from nastoolkit.training import Recipe

RECIPE = Recipe(6, 8, 0.01, seed=100)


def test_blocks_take_up_where_the_one_before_ends(problem):
    _, family, (first, second), _ = problem
    assert [slot.name for slot in first.slots] == ["stem", "stage1.layer1"]
    assert [slot.name for slot in second.slots] == ["stage2.layer1", "stage2.layer2"]
    assert first.output_shape == second.input_shape(second.space.smallest) and first.space.size * second.space.size == 27
    (whole,) = cut(family, ["stage2"])
    assert whole.space.size == family.space.size


def test_the_teacher_gives_inputs_and_outputs_of_its_stages(problem):
    task, _, _, teacher = problem
    x = next(task.split("test").batches(5, (1, 8, 8))).inputs
    images, first, second = teacher.features(x)
    assert images is x and first.shape == (5, 4, 8, 8) and second.shape == (5, 6, 4, 4)
    torch.testing.assert_close(teacher.network.stage2(first), second)
    head = torch.nn.Sequential(teacher.network.pool, teacher.network.classifier)
    torch.testing.assert_close(head(second), teacher.network(x))


def test_a_block_sees_what_the_teacher_does_to_the_same_images(problem):
    task, _, _, teacher = problem
    imitation = Imitation(teacher, 1)
    batch, images = imitation.batch(3, 8, 100), task.batch(3, 8, 100).at((1, 8, 8))
    torch.testing.assert_close(batch.inputs, teacher.features(images.inputs)[1])
    torch.testing.assert_close(batch.targets, teacher.features(images.inputs)[2])
    assert len(imitation.split("validation")) == 30 and imitation.split("validation").inputs.shape == (30, 4, 8, 8)


def test_the_loss_is_squared_and_the_rating_is_relative(problem):
    imitation = Imitation(problem[3], 0)
    ours, theirs = torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1.0, 3.0, 5.0])
    assert imitation.loss(ours, theirs).item() == pytest.approx(2 / 3)
    assert imitation.score(ours, theirs) == pytest.approx(-(2 / 3) / 2)  # the standard deviation of 1, 3, 5 is 2
    assert imitation.score(7 * ours, 7 * theirs) == pytest.approx(imitation.score(ours, theirs))


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


def test_a_teacher_whose_stages_do_not_fit_is_told_in_a_sentence(problem, sizes):
    task, family, blocks, _ = problem
    other = family_of("few", {**sizes, "channels": [4, 10]})
    network = other.build(other.largest).eval()
    wanted = r"^the teacher's stage2 has features \(10, 4, 4\), and the students' block that imitates it \(6, 4, 4\)$"
    with pytest.raises(ValueError, match=wanted):
        Teacher(network, task, blocks, ["stage1", "stage2"], 30)
    with pytest.raises(ValueError, match="^the network has no part 'stage3'; its parts are stem"):
        Teacher(family.build(family.largest), task, blocks, ["stage1", "stage3"], 30)
