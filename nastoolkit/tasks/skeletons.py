"""Skeletons over time: joints and parts of a body, how poses become inputs of networks, and a task of such actions.

[Xu2018] Y. Xu et al., "Ensemble One-dimensional Convolution Neural Networks for Skeleton-based Action Recognition", IEEE
Signal Processing Letters 2018, arXiv 1801.02475.

Differs from the paper in: a clip that ends early keeps its last pose, and is not filled with zeros; the origin is the trunk in
the first frame, and no mean is subtracted; bodies are turned about the vertical axis alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nastoolkit.tasks.base import Split
from nastoolkit.tasks.data_sets import StoredClassification


@dataclass(frozen=True)
class Skeleton:
    """The joints of a body, or of two.

    Attributes:
        n_joints: Number of joints.
        n_dims: Number of coordinates of a joint: 2, or 3 with the second one upwards.
        parts: Joints of each part of the body, by its name.
        origin: Joint that is the origin, in the first frame.
        spine: Two joints; their mean distance is the unit of length.
        shoulders: Two joints that are turned into the direction of the first axis, if there are three coordinates.
    """

    n_joints: int
    n_dims: int
    parts: Mapping[str, tuple[int, ...]]
    origin: int
    spine: tuple[int, int]
    shoulders: tuple[int, int]

    def channels_of(self, part: str) -> tuple[int, ...]:
        """Channels of a part's joints."""
        return tuple(self.n_dims * joint + dim for joint in self.parts[part] for dim in range(self.n_dims))


PARTS = {"right arm": (3, 7, 11), "left arm": (4, 8, 12), "right leg": (5, 9, 13), "left leg": (6, 10, 14), "trunk": (0, 1, 2)}


def body_of_15(n_dims: int) -> Skeleton:
    """The joints of J-HMDB: neck, belly and face, then right and left shoulders, hips, elbows, knees, wrists and ankles."""
    return Skeleton(15, n_dims, PARTS, origin=1, spine=(0, 1), shoulders=(3, 4))


def filled(poses: np.ndarray) -> np.ndarray:
    """Poses ``(t, joints, dims)`` of numbers: a joint that is not seen stays where it was, or, before, where it first is.

    A joint is not seen in a frame if a coordinate is NaN or infinite. Joints that are in no frame are at 0.

    Raises:
        ValueError: No joint is in any frame.
    """
    seen = np.isfinite(poses).all(axis=2)
    if not seen.any():
        raise ValueError(f"a skeleton of {poses.shape[1]} joints has none in any of its {len(poses)} frames")
    frames = np.where(seen, np.arange(len(poses))[:, None], -1)
    last = np.maximum.accumulate(frames, axis=0)
    last = np.where(last < 0, seen.argmax(axis=0), last)
    return np.where(seen.any(axis=0)[:, None], np.take_along_axis(poses, last[:, :, None], axis=0), 0.0)


def prepared(poses: np.ndarray, skeleton: Skeleton, length: int) -> np.ndarray:
    """The inputs ``(joints * dims, 1, length)`` of a network.

    Args:
        poses: Poses ``(t, joints, dims)``, in which unseen joints, and frames after the end, are NaN; see :func:`filled`.
        skeleton: Their joints.
        length: Number of frames: longer clips skip frames, shorter ones keep their last pose.

    Raises:
        ValueError: Poses are not those of the skeleton, or have no joint at all.
    """
    if poses.ndim != 3 or poses.shape[1:] != (skeleton.n_joints, skeleton.n_dims) or not len(poses):
        raise ValueError(f"poses are (frames, {skeleton.n_joints}, {skeleton.n_dims}), got {poses.shape}")
    whole = filled(poses.astype(np.float64))
    frames = np.linspace(0, len(whole) - 1, length).round() if len(whole) > length else np.arange(length)
    centred = whole - whole[:1, skeleton.origin : skeleton.origin + 1]
    one, other = skeleton.spine
    unit = np.linalg.norm(whole[:, one] - whole[:, other], axis=1).mean()
    turned = _turned(centred / (unit or 1.0), skeleton)
    chosen = turned[np.minimum(frames, len(whole) - 1).astype(int)]
    return np.ascontiguousarray(chosen.reshape(length, -1).T[:, None], dtype=np.float32)


def _turned(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Poses ``(t, joints, 3)`` turned about the vertical axis: the shoulders of the first frame lie along the first one."""
    if skeleton.n_dims < 3:
        return poses
    right, left = skeleton.shoulders
    across = poses[0, left] - poses[0, right]
    angle = np.arctan2(across[2], across[0])
    cos, sin = np.cos(angle), np.sin(angle)
    return poses @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


class Skeletons(StoredClassification):
    """Actions of skeletons; inputs are ``(joints * dims, 1, length)``.

    Attributes:
        skeleton: The joints.
        length: Frames of an input.
    """

    skeleton: Skeleton
    length: int

    def examples(self, poses: Sequence[np.ndarray], targets: np.ndarray, rows: np.ndarray) -> Split:
        """The clips at ``rows``, each prepared, with their classes."""
        inputs = np.stack([prepared(poses[row], self.skeleton, self.length) for row in rows])
        return Split(torch.from_numpy(inputs), torch.from_numpy(targets[rows].astype(np.int64)))
