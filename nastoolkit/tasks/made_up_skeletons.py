"""Twelve actions of simulated people, told apart in people whom no network has seen.

Bodies have the fifteen joints of :func:`nastoolkit.tasks.skeletons.body_of_15`. Angles of joints follow simple curves;
limbs, speed, amplitude and the moment at which an action begins differ. Pairs of actions are alike but for one thing: the
direction of time, left and right, a short moment, what goes together, or the speed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.skeletons import Skeletons, body_of_15

SIDES, BENDS = ("right", "left"), ("raise", "side", "elbow", "hip", "knee")
ANGLES = ("lean", "nod", *(f"{side}_{bend}" for bend in BENDS for side in SIDES))  # radians
Curve = Callable[[np.ndarray], np.ndarray]  # of the part of an action that is over, from 0 to 1


def rise(part: np.ndarray) -> np.ndarray:
    """From 0 to 1."""
    return part**2 * (3 - 2 * part)


def fall(part: np.ndarray) -> np.ndarray:
    """From 1 to 0."""
    return 1 - rise(part)


def bump(part: np.ndarray) -> np.ndarray:
    """Up and down."""
    return np.sin(np.pi * part) ** 2


def short(part: np.ndarray) -> np.ndarray:
    """Up and down in a quarter of the time."""
    return bump(np.clip(4 * part - 1.5, 0, 1))


def slow(part: np.ndarray) -> np.ndarray:
    """Two waves."""
    return np.sin(4 * np.pi * part)


def fast(part: np.ndarray) -> np.ndarray:
    """Three and a half waves."""
    return np.sin(7 * np.pi * part)


def _both(joint: str, curve: Curve, size: float, other: float | None = None) -> list[tuple[str, Curve, float]]:
    return [(f"right_{joint}", curve, size), (f"left_{joint}", curve, size if other is None else other)]


ACTIONS: dict[str, list[tuple[str, Curve, float]]] = {
    "sit down": [*_both("hip", rise, 1.2), *_both("knee", rise, 1.3), ("lean", bump, 0.4)],
    "stand up": [*_both("hip", fall, 1.2), *_both("knee", fall, 1.3), ("lean", bump, 0.4)],
    "push": [*_both("raise", rise, 1.1), *_both("elbow", fall, 1.2)],
    "pull": [*_both("raise", fall, 1.1), *_both("elbow", rise, 1.2)],
    "raise right hand": [("right_raise", bump, 1.6), ("left_raise", bump, 0.5)],
    "raise left hand": [("left_raise", bump, 1.6), ("right_raise", bump, 0.5)],
    "punch": [("right_raise", short, 1.0), ("right_elbow", short, 0.5), ("nod", short, 0.2)],
    "nod": [("nod", short, 0.6), ("right_raise", short, 0.3), ("right_elbow", short, 0.5)],
    "clap": [*_both("raise", bump, 1.2), *_both("side", slow, 0.5)],
    "cross arms": [*_both("raise", bump, 1.2), *_both("side", slow, 0.5, -0.5)],
    "walk": [*_both("hip", slow, 0.5, -0.5), *_both("raise", slow, -0.4, 0.4)],
    "run": [*_both("hip", fast, 0.5, -0.5), *_both("raise", fast, -0.4, 0.4)],
}
PEOPLE = {"train": range(7), "validation": range(7, 10), "test": range(10, 16)}
N_CLIPS = 4  # of each person and action
IDLE, LOST = 0.25, 0.05  # radians of idle movements, share of joints that are not seen
DRIFT, NOISE = 0.08, 0.02  # slow and fast noise of a joint
SIZES = np.array([0.5, 0.25, 0.2, 0.3, 0.28, 0.12, 0.45, 0.42])  # trunk, head, shoulders, two of arms, hips, two of legs


class MadeUpSkeletons(Skeletons):
    """48 frames of one of 12 actions, in three dimensions, with noise and joints that are lost now and then."""

    skeleton, length = body_of_15(3), 48

    def __init__(self) -> None:
        super().__init__("made-up-skeletons", "")

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`; nobody is in two splits."""
        return {name: self._clips(name) for name in SPLITS}

    def _clips(self, name: str) -> Split:
        made = [
            (clip, action) for person in PEOPLE[name] for action in range(len(ACTIONS)) for clip in _recorded(person, action)
        ]
        order = np.random.default_rng(len(made)).permutation(len(made))
        return self.examples([clip for clip, _ in made], np.array([action for _, action in made]), order)


def _recorded(person: int, action: int) -> list[np.ndarray]:
    """Clips ``(48, 15, 3)`` of a person's action."""
    own, rng = np.random.default_rng([person, 99]), np.random.default_rng([person, action])
    sizes, pace, strength = SIZES * own.uniform(0.85, 1.15, len(SIZES)), own.uniform(0.7, 1.2), own.uniform(0.7, 1.3)
    return [_clip(list(ACTIONS.values())[action], sizes, pace, strength, rng) for _ in range(N_CLIPS)]


def _clip(
    action: list[tuple[str, Curve, float]], sizes: np.ndarray, pace: float, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """One clip, seen from anywhere."""
    n, frames = MadeUpSkeletons.length, np.arange(MadeUpSkeletons.length)
    duration = 26 / pace * rng.uniform(0.85, 1.15)
    part = np.clip((frames - rng.uniform(0, n - duration)) / duration, 0, 1)
    phases, speeds = rng.uniform(0, 2 * np.pi, len(ANGLES)), rng.uniform(0.05, 0.2, len(ANGLES))
    angles = dict(zip(ANGLES, IDLE * np.sin(phases[:, None] + np.outer(speeds, frames)), strict=True))
    for joint, curve, size in action:
        angles[joint] = angles[joint] + strength * rng.uniform(0.8, 1.2) * size * curve(part)
    drift = np.cumsum(rng.normal(0, DRIFT / np.sqrt(n), (n, 15, 3)), axis=0)
    noise = drift - drift.mean(axis=0) + rng.normal(0, NOISE, (n, 15, 3))
    joints = _turn(bodies(angles, sizes), rng.uniform(0, 2 * np.pi)) + noise
    joints[rng.random((n, 15)) < LOST] = np.nan
    return joints


def bodies(angles: dict[str, np.ndarray], sizes: np.ndarray) -> np.ndarray:
    """Joints ``(t, 15, 3)`` from angles ``(t,)`` in radians: forward kinematics; the second axis points upwards.

    Args:
        angles: One of each of ``ANGLES``.
        sizes: Lengths of the limbs, as those of ``SIZES``.
    """
    trunk, head, shoulders, upper_arm, forearm, hips, thigh, shin = sizes
    zero, across = np.zeros_like(angles["lean"]), np.array([1.0, 0.0, 0.0])
    bent = {side: angles[f"{side}_hip"] - angles[f"{side}_knee"] for side in ("right", "left")}
    heights = [thigh * np.cos(angles[f"{side}_hip"]) + shin * np.cos(bent[side]) for side in bent]
    belly = np.stack([zero, np.mean(heights, axis=0), zero], axis=1)
    neck = belly - trunk * _limb(-angles["lean"], zero)
    places = {"belly": belly, "neck": neck, "face": neck - head * _limb(-angles["lean"] - angles["nod"], zero)}
    for side, sign in (("right", -1.0), ("left", 1.0)):
        raised, aside = angles[f"{side}_raise"], sign * (0.15 + angles[f"{side}_side"])
        places[f"{side}_shoulder"] = neck + sign * shoulders * across
        places[f"{side}_elbow"] = places[f"{side}_shoulder"] + upper_arm * _limb(raised, aside)
        places[f"{side}_wrist"] = places[f"{side}_elbow"] + forearm * _limb(raised + angles[f"{side}_elbow"], aside)
        places[f"{side}_hip"] = belly + sign * hips * across
        places[f"{side}_knee"] = places[f"{side}_hip"] + thigh * _limb(angles[f"{side}_hip"], zero)
        places[f"{side}_ankle"] = places[f"{side}_knee"] + shin * _limb(bent[side], zero)
    pairs = [f"{side}_{joint}" for joint in ("shoulder", "hip", "elbow", "knee", "wrist", "ankle") for side in bent]
    return np.stack([places[name] for name in ("neck", "belly", "face", *pairs)], axis=1)


def _limb(forwards: np.ndarray, sideways: np.ndarray) -> np.ndarray:
    """Unit vectors ``(t, 3)`` of limbs that hang down if both angles ``(t,)`` are 0."""
    down = np.cos(sideways)
    return np.stack([np.sin(sideways), -down * np.cos(forwards), down * np.sin(forwards)], axis=1)


def _turn(joints: np.ndarray, angle: float) -> np.ndarray:
    """Joints ``(t, 15, 3)`` turned about the vertical axis."""
    cos, sin = np.cos(angle), np.sin(angle)
    return joints @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
