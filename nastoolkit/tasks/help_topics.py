"""Which topic of Python's own help is a piece of text from? A text of 465,000 letters that every installation has.

``pydoc_data.topics`` is what ``help("topics")`` shows; it changes with Python's version. A paragraph in several topics belongs
to the shortest one. A topic's text is cut into three consecutive parts, so that splits share no text.
"""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from pydoc_data.topics import topics

import numpy as np
import torch

from nastoolkit.tasks.base import SPLITS, Classification, Split
from nastoolkit.tasks.data_sets import StoredTask
from nastoolkit.tasks.sentences import LENGTH
from nastoolkit.tasks.vocabulary import Vocabulary, sentence_inputs, vocabulary_of

SHARES = (0.6, 0.2, 0.2)  # of each topic, by split
N_CLASSES = 12  # the longest topics
N_FEW = 10  # pieces of each to train on, where they are few


class HelpTopics(StoredTask, Classification):
    """Which of the 12 longest topics is it?

    Inputs are ``(input_ids, attention_mask, token_type_ids)``, int64 ``(n, 48)``; the vocabulary is that of ``masked-words``.
    """

    def __init__(self, name: str = "help-topics") -> None:
        super().__init__(name, "")

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        return {name: self._examples(texts) for name, texts in help_topics().items()}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The task's vocabulary."""
        return vocabulary_of(help_topics()["train"])

    def _examples(self, texts: list[str]) -> Split:
        pieces = [windows(self.vocabulary.numbers([text]), LENGTH - 2) for text in texts[:N_CLASSES]]
        targets = np.repeat(np.arange(N_CLASSES), [len(of_topic) for of_topic in pieces])
        return Split(sentence_inputs(list(chain(*pieces)), LENGTH), torch.from_numpy(targets))


class FewHelpTopics(HelpTopics):
    """The same with only ten training pieces of each topic, spread over its text."""

    def __init__(self) -> None:
        super().__init__("help-topics-few")

    def read(self) -> dict[str, Split]:
        """See :class:`HelpTopics`."""
        splits = super().read()
        pieces = [torch.nonzero(splits["train"].targets == topic).flatten().numpy() for topic in range(N_CLASSES)]
        rows = [of_topic[np.linspace(0, len(of_topic) - 1, N_FEW).round().astype(int)] for of_topic in pieces]
        return {**splits, "train": splits["train"][np.concatenate(rows)]}


def help_topics() -> dict[str, list[str]]:
    """The part of every topic that belongs to a split, the longest topic first."""
    found: dict[str, list[str]] = {name: [] for name in SPLITS}
    for words in sorted(_distinct_words(), key=len, reverse=True):
        ends = (np.cumsum(SHARES[:-1]) * len(words)).astype(int)
        for name, start, end in zip(SPLITS, (0, *ends), (*ends, len(words)), strict=True):
            found[name].append(" ".join(words[start:end]))
    return found


def _distinct_words() -> list[list[str]]:
    """The words of each topic, without paragraphs of shorter ones, which long topics partly consist of."""
    seen, found = set[str](), []
    for text in sorted(topics.values(), key=len):
        paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
        found.append(" ".join(one for one in dict.fromkeys(paragraphs) if one not in seen).split())
        seen |= set(paragraphs)
    return found


def windows(rows: list[list[int]], length: int) -> list[list[int]]:
    """Consecutive pieces of ``length`` of each row; a rest at the end is dropped, unless it is everything."""
    starts = ((row, range(0, max(len(row) - length, 0) + 1, length)) for row in rows if row)
    return [row[start : start + length] for row, places in starts for start in places]
