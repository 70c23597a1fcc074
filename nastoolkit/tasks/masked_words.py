"""Masked words: which words were there before a text was changed? BERT is trained on this task first.

[Devlin2019] J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL 2019,
Section 3.1, task 1, and Appendix A.1: 80 % of the chosen tokens become a mask, 10 % any other token, and 10 % stay.

Differs from the paper in: sub-words are chosen one by one; the texts are short.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs
from nastoolkit.families.masked_bert import SHARE, n_masked
from nastoolkit.families.translator import N_SPECIAL, PAD
from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.data_sets import StoredTask
from nastoolkit.tasks.help_topics import help_topics, windows
from nastoolkit.tasks.sentences import LENGTH, VADER_REMEDY, vader_sentences
from nastoolkit.tasks.vocabulary import MASK, SIZE, Vocabulary, sentence_inputs, vocabulary_of

MASKED, CHANGED = 0.8, 0.1  # shares of the chosen tokens


@dataclass(frozen=True)
class Marks:
    """What distinguishes a vocabulary's words from its other tokens.

    Attributes:
        mask: Token that replaces words.
        first: Smallest token that is a word.
        size: Number of tokens.
    """

    mask: int = MASK
    first: int = N_SPECIAL
    size: int = SIZE


@dataclass(frozen=True)
class MaskedExamples:
    """Texts whose words are masked when they are needed.

    Attributes:
        texts: ``(input_ids, attention_mask, token_type_ids)``, each int64 ``(n, length)``.
        seed: Random seed of the masks for evaluation, which are always the same; training has new ones at every step.
        marks: Tokens that are words, and the mask.
    """

    texts: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    seed: int
    marks: Marks = Marks()

    @property
    def targets(self) -> torch.Tensor:
        """All targets ``(n, k)``, as evaluation sees them."""
        return self._fixed.targets

    def __len__(self) -> int:
        return len(self.texts[0])

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`nastoolkit.tasks.Examples`; texts keep their length."""
        return self._fixed.batches(size, None, n)

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """The texts at ``places`` ``(n,)``, with new masks."""
        return masked(tuple(part[places] for part in self.texts), rng, self.marks)

    @cached_property
    def _fixed(self) -> Split:
        return masked(self.texts, np.random.default_rng([self.seed, 0]), self.marks)


def masked(texts: tuple[torch.Tensor, ...], rng: np.random.Generator, marks: Marks = Marks()) -> Split:
    """Inputs with some tokens changed, and the places of these ``(n, k)``; targets ``(n, k)`` are the original tokens.

    Shorter texts have fewer such places; the rest of their ``k`` have ``PAD`` as target.
    """
    tokens = texts[0].numpy()
    words = tokens >= marks.first
    places = np.where(words, rng.random(tokens.shape), 1.0).argsort(axis=1)[:, : n_masked(tokens.shape[1])]
    chosen = np.arange(places.shape[1]) < np.ceil(SHARE * words.sum(axis=1, keepdims=True))
    own, how = np.take_along_axis(tokens, places, axis=1), rng.random(places.shape)
    others = np.where(how < MASKED + CHANGED, rng.integers(marks.first, marks.size, places.shape), own)
    changed = tokens.copy()
    np.put_along_axis(changed, places, np.where(chosen, np.where(how < MASKED, marks.mask, others), own), axis=1)
    inputs = (torch.from_numpy(changed), *texts[1:], torch.from_numpy(places))
    return Split(inputs, torch.from_numpy(np.where(chosen, own, PAD)))


class MaskedTask(StoredTask):
    """Loss and metric of predicting masked words: networks return logits ``(n, k, n_tokens)``, targets are ``(n, k)``."""

    metric = "accuracy_masked"
    unit = "%"

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Cross-entropy at the masked places."""
        flat = outputs.flatten(0, 1), targets.flatten()
        return functional.cross_entropy(*flat, ignore_index=PAD, label_smoothing=label_smoothing)

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """The likeliest tokens ``(n, k)``."""
        return network(inputs).argmax(-1)

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """Share of masked places whose token was predicted correctly, in %."""
        return 100.0 * (predictions == targets)[targets != PAD].double().mean().item()


class MaskedWords(MaskedTask):
    """Masked words of Python's own help, which every installation has: see :mod:`nastoolkit.tasks.help_topics`.

    Inputs are ``(input_ids, attention_mask, token_type_ids, places)``, int64 ``(n, 48)`` and ``(n, 8)``; networks return
    logits ``(n, 8, n_tokens)`` of the original tokens at these places.
    """

    n_tokens = SIZE

    def __init__(self, name: str = "masked-words", remedy: str = "") -> None:
        super().__init__(name, remedy)

    def read(self) -> dict[str, MaskedExamples]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        return {name: MaskedExamples(sentence_inputs(self._rows(name), LENGTH), seed) for seed, name in enumerate(SPLITS)}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The task's vocabulary."""
        return vocabulary_of(self._texts["train"])

    @cached_property
    def _texts(self) -> Mapping[str, list[str]]:
        return self.corpus()

    def corpus(self) -> Mapping[str, list[str]]:
        """Texts by split."""
        return help_topics()

    def _rows(self, split: str) -> list[list[int]]:
        """Windows of all texts."""
        return windows(self.vocabulary.numbers(self._texts[split]), LENGTH - 2)


class MaskedVader(MaskedWords):
    """Masked words in all sentences of VADER, with the splits and the vocabulary of :mod:`nastoolkit.tasks.sentences`."""

    def __init__(self) -> None:
        super().__init__("masked-vader", VADER_REMEDY)

    def corpus(self) -> Mapping[str, list[str]]:
        """See :class:`MaskedWords`."""
        return {name: [one.text for one in sentences] for name, sentences in vader_sentences(self).items()}

    def _rows(self, split: str) -> list[list[int]]:
        return self.vocabulary.numbers(self._texts[split])
