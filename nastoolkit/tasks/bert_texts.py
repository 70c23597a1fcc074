"""Masked words in your own texts, such as Wikipedia's, with BERT's tokens.

[Devlin2019] J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL 2019,
Section 3.1 and Appendix A.2.

Differs from the paper in: what :mod:`nastoolkit.tasks.masked_words` says. All texts are held in memory, with 24 bytes per
token.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch

from nastoolkit.tasks.base import SPLITS
from nastoolkit.tasks.data_sets import datasets_folder
from nastoolkit.tasks.help_topics import windows
from nastoolkit.tasks.hub import BERT_TOKENS, TOKENIZER_FILES, HubSource, tokenizer_of
from nastoolkit.tasks.masked_words import Marks, MaskedExamples, MaskedTask

ELSEWHERE = "or set NASTOOLKIT_DATASETS to the folder that has bert-texts in it."


class BertTexts(MaskedTask):
    """Pieces of the files ``<datasets>/bert-texts/train/*.txt``, and of those in ``validation`` and ``test``.

    Inputs are ``(input_ids, attention_mask, token_type_ids, places)``, int64 ``(n, length)`` and ``(n, k)``.

    Args:
        tokenizer: A folder; or a name on the Hub, ``<owner>/<name>``, which is looked for in ``<datasets>/<name>`` first.
        length: Number of tokens in a piece, including its start and end.
    """

    def __init__(self, tokenizer: str = BERT_TOKENS, length: int = 128) -> None:
        self.source, self.length = HubSource(tokenizer, download=TOKENIZER_FILES), length
        folder = datasets_folder() / "bert-texts"
        super().__init__("bert-texts", f"Put text files, in UTF-8, into train, validation and test of {folder}; {ELSEWHERE}")

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_of(self, self.source)

    @property
    def n_tokens(self) -> int:
        """Number of tokens that the tokenizer knows: a network needs as many outputs."""
        return len(self._tokenizer)

    @property
    def n_words(self) -> int:
        """The same number, for networks that classify: they need as many embeddings."""
        return self.n_tokens

    def read(self) -> dict[str, MaskedExamples]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        marks = Marks(self._tokenizer.mask_token_id, max(self._tokenizer.all_special_ids) + 1, self.n_tokens)
        return {name: MaskedExamples(self._inputs(self._texts(name)), seed, marks) for seed, name in enumerate(SPLITS)}

    def _texts(self, split: str) -> list[str]:
        folder = datasets_folder() / self.name / split
        if not (files := sorted(folder.glob("*.txt"))):
            raise self.missing(f"there are no text files in {folder}")
        return [file.read_text(encoding="utf-8", errors="replace") for file in files]

    def _inputs(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        ends = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id
        rows = self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        pieces = [[ends[0], *piece, ends[1]] for piece in windows(rows, self.length - 2)]
        how = {"padding": "max_length", "max_length": self.length, "return_tensors": "pt"}
        found = self._tokenizer.pad({"input_ids": pieces}, **how)
        return found["input_ids"], found["attention_mask"], torch.zeros_like(found["input_ids"])
