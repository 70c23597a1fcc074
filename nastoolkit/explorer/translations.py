"""What translating networks say to one number, and how long each takes for it here and now."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from nastoolkit.explorer.model import Model
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.number_words import NumberWords, examples, german_words
from nastoolkit.threads import torch_threads

LARGEST = 999_999_999


@dataclass(frozen=True)
class Translated:
    """A network's German word for a number.

    Attributes:
        word: The word.
        right: Whether it is the right one.
        ms: Time of the beam search, in ms, on one thread.
    """

    word: str
    right: bool
    ms: float


def translate(supernet: Supernet, task: NumberWords, genotype: np.ndarray, number: int) -> Translated:
    """The word that a sub-network ``(d,)`` finds for a number from 1 to 999,999,999."""
    network, split = supernet.extract(genotype).eval(), examples([number])
    with torch.inference_mode(), torch_threads(1):
        begun = time.perf_counter()
        found = task.predict(network, split.inputs)
        ms = 1e3 * (time.perf_counter() - begun)
    word, right = german_words(found)[0], german_words(split.targets)[0]
    return Translated(word, word == right, ms)


def question_of(model: Model) -> tuple[Supernet, NumberWords] | None:
    """The supernet and the task to ask; None where nothing translates numbers."""
    if model.accuracy is None or not isinstance(model.accuracy.task, NumberWords):
        return None
    return model.accuracy.supernet, model.accuracy.task
