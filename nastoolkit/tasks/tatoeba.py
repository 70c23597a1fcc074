"""Tatoeba, English to German: short everyday sentences that volunteers wrote and translated.

[Tiedemann2020] J. Tiedemann, "The Tatoeba Translation Challenge", WMT 2020. Sentences by the contributors of https://tatoeba.org,
CC BY 2.0 FR.

Differs from it in: 50,001 pairs, as in one file; all translations of an English sentence are in the same split.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch
from sacrebleu.metrics.bleu import BLEU

from nastoolkit.families.translator import EOS, PAD
from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.beam_search import BeamSearch
from nastoolkit.tasks.data_sets import StoredTask
from nastoolkit.tasks.sentences import held_out, text_files
from nastoolkit.tasks.translation import Translation, pairs, up_to_end, with_ends
from nastoolkit.tasks.vocabulary import SIZE, Vocabulary, vocabulary_of

FILE = "deu.txt"
LENGTH = 24  # tokens of a sentence with its end; longer ones are cut
REMEDY = "Download the original with `nastoolkit fetch tatoeba-en-de`, or name the folder that has it: NASTOOLKIT_DATA=DIR"


class Tatoeba(Translation, StoredTask):
    """Translates a sentence of at most 24 tokens; one vocabulary serves both languages."""

    n_tokens = SIZE
    search = BeamSearch(LENGTH, eos=EOS, pad=PAD, beam=4, length_penalty=0.6)

    def __init__(self) -> None:
        super().__init__("tatoeba-en-de", REMEDY)

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        return {name: pairs(*(self._tokens(side) for side in zip(*self._pairs[name], strict=True))) for name in SPLITS}

    def _tokens(self, texts: tuple[str, ...]) -> torch.Tensor:
        return with_ends(self.vocabulary.numbers(texts), LENGTH)

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """BLEU of all examples, 0..100, for the texts of the tokens."""
        said, wanted = (self.vocabulary.texts(up_to_end(tokens)) for tokens in (predictions, targets))
        return BLEU().corpus_score(said, [wanted]).score

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Sub-words of both languages."""
        return vocabulary_of([text for pair in self._pairs["train"] for text in pair], lower_case=False)

    @cached_property
    def _pairs(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {name: [] for name in SPLITS}
        read = list(dict.fromkeys(self._lines()))
        split_of = held_out({english for english, _ in read})
        for pair in read:
            found[split_of[pair[0]]].append(pair)
        return found

    def _lines(self) -> Iterator[tuple[str, str]]:
        """English and German of each line, except the first, which counts the columns."""
        file = text_files(self, self.name, (FILE,))[FILE]
        for number, line in enumerate(file.read_bytes().decode(errors="replace").rstrip().split("\n")[1:], start=2):
            english, tab, german = line.strip().partition("\t")
            if not tab:
                raise self.missing(f"line {number} of {file} has no tab between English and German: {line!r:.80}")
            yield english, german
