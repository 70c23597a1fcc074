"""Sixty actions, by the skeletons that a depth camera saw: NTU RGB+D. The user provides the folder of files.

[Shahroudy2016] A. Shahroudy et al., "NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis", CVPR 2016: 56,880
clips of 40 people; those for training are named in its cross-subject protocol.

Differs from it in: every eighth of the people for training is for validation. Files are ``S001C002P003R002A013.skeleton``,
where P is the number of the person and A that of the action. They are texts: the number of frames; in each frame the number
of bodies; for each body a line that begins with its name, the number of joints, and a line for each joint that begins with
its three coordinates in metres. The two bodies that are in most frames count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nastoolkit.tasks.base import Split
from nastoolkit.tasks.data_sets import datasets_folder
from nastoolkit.tasks.skeletons import Skeleton, Skeletons

NAME = re.compile(r"S\d{3}C\d{3}P(\d{3})R\d{3}A(\d{3})")
N_JOINTS, N_BODIES = 25, 2
TRAINING = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)  # people, by [Shahroudy2016]
VALIDATION = TRAINING[7::8]
REMEDY = "Put its files *.skeleton into the folder ntu-skeletons of your data sets: NASTOOLKIT_DATASETS=DIR"
ONE_BODY = {
    "left arm": (4, 5, 6, 7, 21, 22),
    "right arm": (8, 9, 10, 11, 23, 24),
    "left leg": (12, 13, 14, 15),
    "right leg": (16, 17, 18, 19),
    "trunk": (0, 1, 2, 3, 20),
}
TWO_BODIES = {part: (*joints, *(N_JOINTS + joint for joint in joints)) for part, joints in ONE_BODY.items()}


class NtuSkeletons(Skeletons):
    """300 frames of one or two people, across subjects."""

    skeleton = Skeleton(N_BODIES * N_JOINTS, 3, TWO_BODIES, origin=1, spine=(0, 1), shoulders=(8, 4))
    length = 300

    def __init__(self) -> None:
        super().__init__("ntu-skeletons", REMEDY)

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`; files without any joint are left out."""
        folder = datasets_folder() / self.name
        files = [(file, match) for file in sorted(folder.glob("*.skeleton")) if (match := NAME.fullmatch(file.stem))]
        clips = [(read_skeletons(file), int(match[1]), int(match[2])) for file, match in files]
        whole = [clip for clip in clips if not np.isnan(clip[0]).all()]
        splits = np.array([_split_of(person) for _, person, _ in whole], dtype=str)
        if set(splits) != {"train", "validation", "test"}:
            raise self.missing(f"{folder} has skeletons of people for {', '.join(sorted(set(splits))) or 'no split'}")
        targets = np.unique([action for *_, action in whole], return_inverse=True)[1]
        poses = [pose for pose, *_ in whole]
        return {
            name: self.examples(poses, targets, np.flatnonzero(splits == name)) for name in ("train", "validation", "test")
        }


def _split_of(person: int) -> str:
    if person not in TRAINING:
        return "test"
    return "validation" if person in VALIDATION else "train"


def read_skeletons(file: str | Path) -> np.ndarray:
    """Poses ``(t, 50, 3)`` of two bodies in metres, NaN where a body is not seen.

    Raises:
        ValueError: The file ends early, has a text where a number should be, or bodies of another number of joints.
    """
    try:
        lines = iter(Path(file).read_text().splitlines())
        frames = [dict(_bodies(lines)) for _ in range(int(next(lines)))]
        bodies = [name for name, _ in Counter(name for frame in frames for name in frame).most_common(N_BODIES)]
        poses = np.full((len(frames), N_BODIES, N_JOINTS, 3), np.nan)
        for number, frame in enumerate(frames):
            for place, name in enumerate(bodies):
                poses[number, place] = frame.get(name, np.nan)
    except (StopIteration, RuntimeError, ValueError, IndexError) as error:
        raise ValueError(f"{file} has no skeletons of {N_JOINTS} joints: {error or 'it ends early'}") from None
    return poses.reshape(len(frames), -1, 3)


def _bodies(lines: Iterator[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and joints ``(25, 3)`` of each body in a frame."""
    for _ in range(int(next(lines))):
        name = next(lines).split()[0]
        yield name, np.array([next(lines).split()[:3] for _ in range(int(next(lines)))], dtype=float).reshape(N_JOINTS, 3)
