"""Features of images, and the accuracy of nearest class means, held against plain loops."""

import numpy as np
import pytest
import torch

from nastoolkit.measurements.image_features import ImageFeatures, class_mean_accuracy
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Classification, Split
from nastoolkit.tasks.task_family import DigitTask

TASK = DigitTask((0, 1, 4), n_train=60, n_held_out=45)


class OneClass(Classification):
    name = "ones"

    def split(self, name):
        return Split(torch.zeros(50, 1, 16, 16), torch.zeros(50, dtype=torch.long))


@pytest.fixture
def network(tiny):
    family = tiny.with_classes(3)
    return Supernet(family, seed=1).network(family.space.smallest, TASK, 60), family.input_shape(family.space.smallest)


def test_features_are_what_the_head_sees(network):
    found = ImageFeatures(*network, 30)(TASK, "validation")
    seen, head = [], network[0].get_submodule("classifier").get_submodule("linear")
    head.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    network[0](TASK.split("validation")[:30].at(network[1]).inputs)
    torch.testing.assert_close(found, seen[0])


def test_too_few_images_and_one_class_are_told(network):
    with pytest.raises(
        ValueError, match=r"features are of 46 images of a task, and task 'digits-014.* has 45 in its test split"
    ):
        ImageFeatures(*network, 46)(TASK, "test")
    with pytest.raises(ValueError, match="task 'ones' has 1 class, so there is nothing to tell apart"):
        ImageFeatures(*network, 30)(OneClass())


def test_nearest_class_means_against_a_loop(network):
    found = class_mean_accuracy(network[0], TASK, network[1], 40)
    train, held = (TASK.split(name)[:40].at(network[1]) for name in ("train", "validation"))
    with torch.no_grad():
        body = torch.nn.Sequential(*list(network[0].train().children())[:-1])
        features = body(torch.cat([train.inputs, held.inputs])).flatten(1).numpy()
    means = [features[:40][train.targets.numpy() == label].mean(0) for label in range(3)]
    right = [
        int(np.argmin([np.linalg.norm(own - mean) for mean in means])) == int(target)
        for own, target in zip(features[40:], held.targets, strict=True)
    ]
    assert found == pytest.approx(np.mean(right)) and 0 < found <= 1


def test_a_class_without_images_has_a_mean_all_the_same(network):
    assert 0 <= class_mean_accuracy(network[0], TASK, network[1], 2) <= 1
