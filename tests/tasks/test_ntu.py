"""Files of NTU RGB+D: what a clip is, who is in which split, and files that are broken."""

import numpy as np
import pytest

from nastoolkit.tasks import TASKS, MissingDataError
from nastoolkit.tasks.ntu import TRAINING, VALIDATION, read_skeletons


def text_of(frames):
    """A file of frames, which are lists of bodies ``(name, 25 joints)``."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for name, joints in bodies:
            lines += [f"{name} 0 1", str(len(joints)), *(f"{x} {y} {z} 9 9" for x, y, z in joints)]
    return "\n".join(lines) + "\n"


def joints_at(value, n=25):
    return np.full((n, 3), float(value))


def test_the_two_bodies_of_most_frames_are_read_each_in_its_place(tmp_path):
    frames = [[("b", joints_at(1)), ("a", joints_at(2))], [("a", joints_at(3)), ("c", joints_at(4))], [("a", joints_at(5))]]
    (file := tmp_path / "S001C001P001R001A001.skeleton").write_text(text_of([*frames, [("b", joints_at(6))]]))
    poses = read_skeletons(file)
    assert poses.shape == (4, 50, 3)
    assert poses[:3, 0, 0].tolist() == [2, 3, 5] and np.isnan(poses[3, :25]).all()
    assert poses[[0, 3], 30, 2].tolist() == [1, 6] and np.isnan(poses[1:3, 25:]).all()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text[: len(text) // 2].rsplit("\n", 1)[0], ""),
        (lambda text: text.replace("1.0", "far", 1), "far"),
        (lambda text: text_of([[("a", joints_at(1, 24))]]), "cannot reshape"),
        (lambda text: "", ""),
        (lambda text: text.replace("a 0 1", ""), "index"),
    ],
)
def test_a_broken_file_is_told(tmp_path, change, why):
    (file := tmp_path / "S001C001P001R001A001.skeleton").write_text(change(text_of([[("a", joints_at(1))]] * 2)))
    with pytest.raises(ValueError, match=f"S001C001P001R001A001.skeleton has no skeletons of 25 joints: .*{why}"):
        read_skeletons(file)


def test_people_are_in_the_splits_of_the_protocol(tmp_path, monkeypatch, skeleton_files):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    skeleton_files(tmp_path / "ntu-skeletons")
    (tmp_path / "ntu-skeletons" / "S001C001P001R009A001.skeleton").write_text("2\n0\n0\n")  # nobody was seen
    task = TASKS["ntu-skeletons"]()
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [18, 6, 12] and task.n_classes == 3
    inputs = task.split("test").inputs
    assert inputs.shape == (12, 150, 1, 300) and np.isfinite(inputs.numpy()).all()
    assert len(TRAINING) == 20 and VALIDATION == (14, 28)
    assert sorted(len(joints) for joints in task.skeleton.parts.values()) == [8, 8, 10, 12, 12]


def test_an_empty_folder_and_one_without_test_people_are_told(tmp_path, monkeypatch, skeleton_files):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    with pytest.raises(MissingDataError, match="(?s)has skeletons of people for no split.*NASTOOLKIT_DATASETS=DIR"):
        TASKS["ntu-skeletons"]().split("train")
    skeleton_files(tmp_path / "ntu-skeletons", (1, 14), 1)
    with pytest.raises(MissingDataError, match="people for train, validation"):
        TASKS["ntu-skeletons"]().split("train")
