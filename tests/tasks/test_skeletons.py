"""Poses become inputs: what is filled, where the origin is, and what is refused; simulated bodies keep their limbs."""

import numpy as np
import pytest
import torch

from nastoolkit.tasks import TASKS, MissingDataError
from nastoolkit.tasks.jhmdb import FILE
from nastoolkit.tasks.made_up_skeletons import ACTIONS, ANGLES, PEOPLE, SIZES, bodies
from nastoolkit.tasks.skeletons import body_of_15, filled, prepared

NAN = np.nan


def walk(n=20, dims=3, seed=0):
    return np.random.default_rng(seed).normal(size=(1, 15, dims)) + 0.1 * np.arange(n)[:, None, None]


def test_an_unseen_joint_stays_where_it_was_or_where_it_will_be():
    first = np.array([NAN, 1.0, NAN, NAN, 4.0, NAN])
    poses = np.stack([np.stack([first, first], 1), np.full((6, 2), NAN), np.arange(12.0).reshape(6, 2)], axis=1)
    whole = filled(poses)
    assert whole[:, 0, 0].tolist() == [1, 1, 1, 1, 4, 4]
    assert not whole[:, 1].any()
    assert np.array_equal(whole[:, 2], poses[:, 2])


def test_a_joint_with_one_coordinate_is_unseen():
    assert filled(np.array([[[1.0, 2.0]], [[NAN, 9.0]]])).tolist() == [[[1, 2]], [[1, 2]]]
    assert filled(np.array([[[1.0, 2.0], [np.inf, 9.0]], [[1.0, 3.0], [NAN, 8.0]]]))[:, 1].tolist() == [[0, 0], [0, 0]]


def test_a_skeleton_without_any_joint_is_told():
    with pytest.raises(ValueError, match="a skeleton of 15 joints has none in any of its 7 frames"):
        prepared(np.full((7, 15, 2), NAN), body_of_15(2), 10)


@pytest.mark.parametrize("shape", [(5, 14, 2), (5, 15, 3), (0, 15, 2), (5, 30)])
def test_other_poses_are_refused(shape):
    with pytest.raises(ValueError, match=r"poses are \(frames, 15, 2\), got"):
        prepared(np.zeros(shape), body_of_15(2), 10)


def test_short_clips_keep_their_last_pose_and_long_ones_skip_frames():
    poses = walk(4, dims=2)
    short = prepared(poses, body_of_15(2), 9)
    assert short.shape == (30, 1, 9) and short.dtype == np.float32
    assert np.array_equal(short[..., 3:], np.repeat(short[..., 3:4], 6, axis=2))
    padded = np.concatenate([poses, np.full((5, 15, 2), NAN)])
    np.testing.assert_allclose(prepared(padded, body_of_15(2), 9), short, rtol=1e-5, atol=1e-6)
    long = prepared(walk(101, dims=2), body_of_15(2), 11)
    np.testing.assert_allclose(np.diff(long[0, 0]), np.diff(long[0, 0]).mean(), rtol=1e-4)


def test_place_size_and_direction_of_a_body_do_not_matter():
    poses, skeleton = walk(), body_of_15(3)
    angle = 0.7
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    other = 3 * poses @ turn + np.array([5.0, 1.0, -2.0])
    one, two = (prepared(some, skeleton, 20) for some in (poses, other))
    np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    joints = one[:, 0].reshape(15, 3, 20)
    np.testing.assert_allclose(joints[1, :, 0], 0, atol=1e-6)
    right, left = (joints[joint, :, 0] for joint in skeleton.shoulders)
    assert left[0] > right[0] and left[2] == pytest.approx(right[2], abs=1e-5)


def test_channels_of_a_part_are_those_of_its_joints():
    skeleton = body_of_15(3)
    channels = [channel for part in skeleton.parts for channel in skeleton.channels_of(part)]
    assert sorted(channels) == list(range(45))
    assert skeleton.channels_of("trunk") == tuple(range(9))


def test_limbs_keep_their_lengths_and_hang_down():
    rng = np.random.default_rng(0)
    angles = {name: rng.uniform(-1, 1, 8) for name in ANGLES}
    joints = bodies(angles, SIZES)
    for one, other, size in ((0, 1, 0), (0, 2, 1), (3, 7, 3), (8, 12, 4), (5, 9, 6), (10, 14, 7)):
        np.testing.assert_allclose(np.linalg.norm(joints[:, one] - joints[:, other], axis=1), SIZES[size])
    still = bodies({name: np.zeros(1) for name in ANGLES}, SIZES)[0]
    assert still[0, 1] > still[1, 1] > still[9, 1] > still[13, 1] == pytest.approx(0)


def test_simulated_people_are_in_one_split_and_actions_in_all():
    task = TASKS["made-up-skeletons"]()
    sizes = {name: len(task.split(name)) for name in PEOPLE}
    assert sizes == {"train": 336, "validation": 144, "test": 288} and task.n_classes == 12 == len(ACTIONS)
    for name in PEOPLE:
        assert len(set(task.split(name).targets.bincount().tolist())) == 1
    assert len({person for people in PEOPLE.values() for person in people}) == sum(map(len, PEOPLE.values())) == 16


def test_jhmdb_keeps_its_test_clips_and_takes_a_fifth_of_the_others(data_sets, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(data_sets))
    task = TASKS["jhmdb-poses"]()
    assert [task.split(name).targets.bincount().tolist() for name in ("train", "validation", "test")] == [
        [16] * 3,
        [4] * 3,
        [2] * 3,
    ]
    assert task.split("test").inputs.shape == (6, 30, 1, 40) and torch.isfinite(task.split("train").inputs).all()


def test_a_missing_file_and_one_that_is_none_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path / "nowhere"))
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    with pytest.raises(
        MissingDataError, match="(?s)'jhmdb-poses': there is no jhmdb_pose_split1.npz in .*NASTOOLKIT_DATA=DIR"
    ):
        TASKS["jhmdb-poses"]().split("train")
    np.savez(tmp_path / FILE, pose=np.zeros((3, 40, 14, 2)), label=np.array(["a", "a", "b"]), test=np.array([0, 0, 1], bool))
    with pytest.raises(MissingDataError, match=r"has no poses of 15 joints \(poses are"):
        TASKS["jhmdb-poses"]().split("train")


def test_the_published_poses(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    task = TASKS["jhmdb-poses"]()
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [343, 90, 176] and task.n_classes == 14
