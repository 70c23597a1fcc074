import numpy as np
import pytest
import torch

from nastoolkit import TASKS
from nastoolkit.tasks import Episodes, ImageFolder
from nastoolkit.tasks.episodes import class_groups


@pytest.fixture(scope="module")
def digits():
    return TASKS["digits"]()


def test_an_episode_has_as_many_examples_of_each_class_as_asked(digits):
    episode = Episodes(digits, n_classes=4, n_support=2, n_query=3).draw(0)
    assert episode.support.targets.tolist() == [0, 1, 2, 3] * 2 and episode.query.targets.tolist() == [0, 1, 2, 3] * 3
    assert episode.support.inputs.shape == (8, 1, 32, 32) and episode.query.inputs.shape == (12, 1, 32, 32)
    rows = torch.cat([episode.support.rows, episode.query.rows])
    assert len(rows.unique()) == 20
    _, labels = digits.handwritten("train")
    np.testing.assert_array_equal(labels[rows], np.tile(episode.classes, 5))


def test_an_episode_follows_from_its_number_and_the_seed(digits):
    episodes = Episodes(digits, n_query=2)
    one, again, other = episodes.draw(3), Episodes(digits, n_query=2).draw(3), episodes.draw(4)
    assert torch.equal(one.support.inputs, again.support.inputs) and torch.equal(one.query.inputs, again.query.inputs)
    np.testing.assert_array_equal(one.classes, again.classes)
    assert not torch.equal(one.support.rows, other.support.rows)
    assert not torch.equal(one.support.rows, Episodes(digits, n_query=2, seed=1).draw(3).support.rows)


def test_classes_can_be_kept_for_the_test(digits):
    episodes = Episodes(digits, n_classes=3, classes=(6, 7, 8, 9))
    drawn = [tuple(episodes.draw(number).classes) for number in range(12)]
    assert {label for classes in drawn for label in classes} == {6, 7, 8, 9}
    assert len(set(map(frozenset, drawn))) > 1 and len(set(drawn)) > len(set(map(frozenset, drawn)))  # and in any order


def test_episodes_are_drawn_from_folders_of_images(image_folder, tmp_path):
    for split, seed in (("train", 0), ("val", 1)):
        image_folder(tmp_path / split, n_classes=3, n_images=6, seed=seed)
    task = ImageFolder(tmp_path)
    episode = Episodes(task, n_classes=2, n_support=2, n_query=1).draw(0)
    labels = task.split("train").targets[torch.cat([episode.support.rows, episode.query.rows])]
    assert labels.tolist() == [*episode.classes] * 3 and episode.query.inputs.shape[1] == 3


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("digits", {"n_classes": 11}, "episodes have 11 classes, and there are 10 in task 'digits'"),
        ("digits", {"n_classes": 3, "classes": (1, 2)}, "episodes have 3 classes, and there are 2 in task 'digits'"),
        (
            "digits-few",
            {"n_support": 6, "n_query": 5},
            "episodes need 11 examples of each class, and class 0 of task 'digits-few' has 10",
        ),
        ("digits", {"n_classes": 2, "classes": (1, 12)}, "20 examples of each class, and class 12 of task 'digits' has 0"),
        ("digits", {"n_classes": 1}, "n_classes must be at least 2, got 1"),
        ("digits", {"n_query": 0}, "n_query must be at least 1, got 0"),
        ("number-words", {}, "episodes need classes, and task 'number-words' has none"),
    ],
)
def test_what_a_task_cannot_give_is_told(name, asked, message):
    with pytest.raises(ValueError, match=message):
        Episodes(TASKS[name](), **asked)


def test_a_row_without_a_class_of_its_own_is_told():
    with pytest.raises(ValueError, match="^examples of task 'digits-sums' change their classes, so no episodes can be drawn$"):
        Episodes(TASKS["digits-sums"](), n_support=1, n_query=1).draw(0)


@pytest.mark.parametrize("name", ["turned-digits", "digits"])
def test_groups_of_classes_have_no_class_and_their_episodes_no_image_in_common(name):
    task = TASKS[name]()
    groups = class_groups(task)
    classes = np.concatenate([*groups.values()])
    assert list(groups) == ["train", "validation", "test"] and sorted(classes.tolist()) == list(range(task.n_classes))
    seen = []
    for own in groups.values():
        episodes = Episodes(task, n_classes=2, n_query=3, classes=own)
        drawn = [episodes.draw(number) for number in range(5)]
        seen.append({int(row) for one in drawn for part in (one.support, one.query) for row in part.rows})
        assert all(set(one.support.rows.tolist()).isdisjoint(one.query.rows.tolist()) for one in drawn)
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])


def test_a_task_without_groups_of_its_own_has_those_of_mini_imagenet(monkeypatch):
    monkeypatch.setattr(type(TASKS["digits"]()), "n_classes", 100)
    assert [len(own) for own in class_groups(TASKS["digits"]()).values()] == [64, 16, 20]
    with pytest.raises(ValueError, match="^episodes need classes, and task 'number-words' has none$"):
        class_groups(TASKS["number-words"]())
