"""Imitation of a network's stages: features, loss and metric by hand, and what does not fit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families.mbconv_layers import DIGITS, MBConvLayersFamily
from nastoolkit.families.part import Part
from nastoolkit.tasks import load_task
from nastoolkit.tasks.imitation import Imitation, Teacher

TABLE = replace(DIGITS, image_size=8, stem=4, stem_stride=1, channels=(4, 6), strides=(1, 2), n_layers=(1, 2))
FAMILY = MBConvLayersFamily("students", TABLE)
BLOCKS = [Part(FAMILY, 0, 1), Part(FAMILY, 2, 3)]
ENDS = ("stage1", "stage2")


def teacher_of(table=TABLE, ends=ENDS):
    """A teacher with random weights."""
    family = MBConvLayersFamily("teachers", replace(table, operations=("mb3_k3",)))
    return Teacher(family.build(np.zeros(3, int)), load_task("few"), BLOCKS, ends, 30)


@pytest.fixture
def teacher(few_digits):
    return teacher_of()


def test_the_teacher_gives_inputs_and_outputs_of_its_stages(teacher):
    task = load_task("few")
    x = next(task.split("test").batches(5, (1, 8, 8))).inputs
    images, first, second = teacher.features(x)
    assert images is x and first.shape == (5, 4, 8, 8) and second.shape == (5, 6, 4, 4)
    torch.testing.assert_close(teacher.network.stage2(first), second)
    head = torch.nn.Sequential(teacher.network.pool, teacher.network.classifier)
    torch.testing.assert_close(head(second), teacher.network(x))


def test_a_block_sees_what_the_teacher_does_to_the_same_images(teacher):
    task = load_task("few")
    imitation = Imitation(teacher, 1)
    batch, images = imitation.batch(3, 8, 100), task.batch(3, 8, 100).at((1, 8, 8))
    torch.testing.assert_close(batch.inputs, teacher.features(images.inputs)[1])
    torch.testing.assert_close(batch.targets, teacher.features(images.inputs)[2])
    assert len(imitation.split("validation")) == 30 and imitation.split("validation").inputs.shape == (30, 4, 8, 8)


def test_the_loss_is_squared_and_the_rating_is_relative(teacher):
    imitation = Imitation(teacher, 0)
    ours, theirs = torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1.0, 3.0, 5.0])
    assert imitation.loss(ours, theirs).item() == pytest.approx(2 / 3)
    assert imitation.score(ours, theirs) == pytest.approx(-(2 / 3) / 2)  # the standard deviation of 1, 3, 5 is 2
    assert imitation.score(7 * ours, 7 * theirs) == pytest.approx(imitation.score(ours, theirs))


def test_a_teacher_whose_stages_do_not_fit_is_told_in_a_sentence(few_digits):
    wanted = r"^the teacher's stage2 has features \(10, 4, 4\), and the students' block that imitates it \(6, 4, 4\)$"
    with pytest.raises(ValueError, match=wanted):
        teacher_of(replace(TABLE, channels=(4, 10)))
    with pytest.raises(ValueError, match="^the network has no part 'stage3'; its parts are stem"):
        teacher_of(ends=("stage1", "stage3"))
