"""What networks answer to one image, and how long each takes for it here and now."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nastoolkit.explorer.model import genes_of
from nastoolkit.measurements import Accuracy
from nastoolkit.tasks.base import Split
from nastoolkit.tasks.canvases import SIZE, noisy
from nastoolkit.tasks.digits import Digits
from nastoolkit.threads import torch_threads

N_RUNS = 15
N_KEPT = 12  # networks


@dataclass(frozen=True)
class Answer:
    """A network's answer.

    Attributes:
        probabilities: Probability of each class ``(n_classes,)``.
        ms: Time for this one image, in ms, on one thread: that of the quickest of a few runs, as other work only adds to it.
    """

    probabilities: np.ndarray
    ms: float

    @property
    def label(self) -> int:
        """The most probable class."""
        return int(self.probabilities.argmax())


class Answers:
    """Networks that answer; each is made and calibrated once, as for its accuracy.

    Args:
        accuracy: Measurement of the sub-networks' accuracy, for a task of digits.

    Raises:
        ValueError: The task's images are no digits that one could draw.
    """

    def __init__(self, accuracy: Accuracy) -> None:
        if not can_draw(accuracy):
            raise ValueError(f"there is nothing to draw for the task {accuracy.task.name!r}")
        self._accuracy, self._kept = accuracy, dict[tuple[int, ...], nn.Module]()

    def take(self, number: int) -> tuple[np.ndarray, int]:
        """Ink ``(32, 32)`` in 0..1 of a canvas with a handwritten digit that no training saw, and which digit it is."""
        task, rng = self._accuracy.task, np.random.default_rng([number, 1])
        assert isinstance(task, Digits)
        images, targets = task.handwritten("test")
        chosen = rng.integers(len(images), size=1)
        ink = task.canvas.ink(images[chosen], images, rng)
        return ink[0, 0].numpy(), task.digits[targets[chosen[0]]]

    def answer(self, genotype: np.ndarray, ink: np.ndarray) -> Answer:
        """The answer of a sub-network ``(d,)`` to ink ``(32, 32)`` in 0..1, which gets the noise that all canvases have."""
        canvas = noisy(torch.from_numpy(ink.astype(np.float32))[None, None], np.random.default_rng(0))
        network, shape = self._network(genotype), self._accuracy.supernet.family.input_shape(genotype)
        inputs = Split(canvas, torch.zeros(1)).at(shape).inputs
        times = []
        with torch.inference_mode(), torch_threads(1):
            for _ in range(N_RUNS):
                begun = time.perf_counter()
                logits = network(inputs)
                times.append(1e3 * (time.perf_counter() - begun))
        return Answer(logits[0].softmax(0).numpy(), min(times))

    def _network(self, genotype: np.ndarray) -> nn.Module:
        """A sub-network, calibrated; the last few are kept."""
        genes, how = genes_of(genotype), self._accuracy
        network = self._kept.pop(genes, None)
        if network is None:
            network = how.supernet.network(genotype, how.task, how.n_calibration).eval()
        self._kept[genes] = network
        if len(self._kept) > N_KEPT:
            self._kept.pop(next(iter(self._kept)))
        return network


def can_draw(accuracy: Accuracy | None) -> bool:
    """Whether the images of a measurement are digits on canvases, which one can draw."""
    return accuracy is not None and isinstance(accuracy.task, Digits) and accuracy.task.canvas.place == 0.0


def blank() -> np.ndarray:
    """Ink ``(32, 32)`` of an empty canvas."""
    return np.zeros((SIZE, SIZE))
