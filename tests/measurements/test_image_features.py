"""Features of images, and the accuracy of nearest class means, held against plain loops."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.measurements.image_features import ImageFeatures, class_features, class_mean_accuracy, images_by_class
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Classification, Split
from nastoolkit.tasks.cue_tasks import CueTask
from nastoolkit.tasks.fitting import cells_for
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


def test_features_by_class_are_standardised_over_known_tasks_and_tell_them_apart():
    tasks = [CueTask(cue, n_train=24, n_held_out=8) for cue in ("waves", "values", "grain")]
    family = cells_for(tasks[0], image_size=12, channels=8, n_cells=1, n_stages=1, n_nodes=2)
    family = type(family)("features", replace(family.table, n_classes=8))
    images = torch.stack([images_by_class(task, 4, 6, (1, 12, 12)) for task in tasks])
    assert torch.equal(images[1, 2, 0], tasks[1].split("train").inputs[2])
    found = class_features(images, 2, family, 20, seed=0)
    assert found.shape == (3, 4, 6, 8)
    known = found[:2].flatten(0, 2)
    torch.testing.assert_close(known.mean(0), torch.zeros(8), atol=1e-4, rtol=0)
    assert torch.equal(found, class_features(images, 2, family, 20, seed=0))


def test_images_by_class_need_classes_and_images():
    task = CueTask("waves", n_train=24, n_held_out=8)
    with pytest.raises(ValueError, match="7 images of each class are shown, and a class of task .* has 6"):
        images_by_class(task, 4, 7, (1, 12, 12))
    with pytest.raises(ValueError, match="4 classes, and 5 are shown"):
        images_by_class(task, 5, 2, (1, 12, 12))


def test_a_task_with_one_class_has_nothing_to_tell_apart():
    with pytest.raises(ValueError, match="has 1 class, so there is nothing to tell apart"):
        images_by_class(OneClass(), 1, 2, (1, 16, 16))
