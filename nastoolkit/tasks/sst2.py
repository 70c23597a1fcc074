"""SST-2: is a sentence about a film positive or negative? For BERT and similar networks.

From a folder or the Hugging Face Hub, as :mod:`nastoolkit.tasks.hub` finds it; for the splits, see
:class:`nastoolkit.tasks.data_sets.StoredClassification`.

[Socher2013] R. Socher et al., "Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank", EMNLP 2013.
[Wang2019] A. Wang et al., "GLUE: A Multi-Task Benchmark and Analysis Platform for Natural Language Understanding", ICLR 2019,
Section 3.1: two classes; the labels of the test split are hidden.

Differs from [Wang2019] in: a sentence that is in the training split twice counts once, so that ``train`` and ``validation``
share none. Many are still phrases of others, so ``validation`` is easier than ``test``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from nastoolkit.tasks.base import Split
from nastoolkit.tasks.data_sets import StoredClassification
from nastoolkit.tasks.hub import HubSource, column_of, huggingface, labelled_splits

Encoder = Callable[[list[str]], tuple[torch.Tensor, ...]]


@dataclass(frozen=True)
class SentenceExamples:
    """Sentences that become tokens when they are needed.

    Attributes:
        sentences: ``n`` texts.
        targets: Classes, int64 ``(n,)``.
        encode: Turns sentences into a network's inputs.
    """

    sentences: list[str]
    targets: torch.Tensor
    encode: Encoder

    def __len__(self) -> int:
        return len(self.sentences)

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`nastoolkit.tasks.Examples`; sentences keep the task's length."""
        total = len(self.sentences[:n])
        for start in range(0, total, size):
            chosen = slice(start, min(start + size, total))
            yield Split(self.encode(self.sentences[chosen]), self.targets[chosen])

    def at(self, places: np.ndarray) -> SentenceExamples:
        """Examples of the sentences at ``places`` ``(n,)``."""
        return SentenceExamples([self.sentences[place] for place in places.tolist()], self.targets[places], self.encode)

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """The sentences at ``places`` ``(n,)``, as they are."""
        chosen = self.at(places)
        return Split(self.encode(chosen.sentences), chosen.targets)


class Sst2(StoredClassification):
    """SST-2 ([Socher2013], [Wang2019]): positive is 1, negative 0.

    Inputs are ``(input_ids, attention_mask, token_type_ids)``, int64 ``(n, length)``, as BERT takes them. 2,000 of GLUE's
    training sentences are ``validation``; its validation split is ``test``.

    Args:
        dataset: A folder; or a name on the Hub, ``<owner>/<name>``, which is looked for in ``<datasets>/<name>`` first.
        tokenizer: The same for the tokenizer.
        length: Number of tokens to which a sentence is cut or padded.
    """

    def __init__(
        self, dataset: str = "stanfordnlp/sst2", tokenizer: str = "google-bert/bert-base-uncased", length: int = 128
    ) -> None:
        self.source = HubSource(dataset)
        self.tokenizer = HubSource(tokenizer, download='--include "*.json" --include vocab.txt')
        self.length = length
        super().__init__("sst2", self.source.remedy, most_held_out=2000)

    def read(self) -> dict[str, SentenceExamples]:
        """See :class:`nastoolkit.tasks.data_sets.StoredClassification`."""
        encode, found = self._encoder(), {}
        for name, (table, labels) in labelled_splits(self, self.source).items():
            sentences = table[column_of(self, table, ("sentence",))][:]
            rows = distinct(sentences) if name == "train" else range(len(sentences))
            found[name] = SentenceExamples([sentences[row] for row in rows], labels[list(rows)], encode)
        chosen = self.our_splits({name: len(examples) for name, examples in found.items()})
        return {name: found[official].at(rows) for name, (official, rows) in chosen.items()}

    @property
    def n_words(self) -> int:
        """Number of tokens that the tokenizer knows: a network needs as many."""
        return len(self._tokenizer)

    @cached_property
    def _tokenizer(self) -> Any:
        transformers, folder = huggingface("transformers"), self.tokenizer.folder
        try:
            return transformers.AutoTokenizer.from_pretrained(str(folder) if folder.is_dir() else self.tokenizer.name)
        except Exception as error:  # of the network, of the Hub or of the tokenizer's files
            raise self.missing(self.tokenizer.not_had(error), self.tokenizer.remedy) from None

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in super().__getstate__().items() if key != "_tokenizer"}

    def _encoder(self) -> Encoder:
        tokenizer = self._tokenizer

        def encode(sentences: list[str]) -> tuple[torch.Tensor, ...]:
            how = {"padding": "max_length", "truncation": True, "max_length": self.length, "return_tensors": "pt"}
            encoded = tokenizer(sentences, return_token_type_ids=True, **how)
            return encoded["input_ids"], encoded["attention_mask"], encoded["token_type_ids"]

        return encode


def distinct(sentences: list[str]) -> list[int]:
    """Position of each sentence's first occurrence."""
    return sorted({sentence: row for row, sentence in reversed(list(enumerate(sentences)))}.values())
