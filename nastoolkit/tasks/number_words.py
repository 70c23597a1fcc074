"""Number words: English "one hundred twenty-three" to German "einhundertdreiundzwanzig", spelled by ``num2words``.

Translation in miniature: German swaps tens and units, joins words, and has a plural of million. Source tokens are English
words, target tokens are pieces of German ones (ein, hundert, drei, und, zwan, zig). Splits share no numbers; those below a
hundred, from which all others are made, are for training.

[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020. Differs from
the paper in: the language, while the paper uses WMT and IWSLT; BLEU of characters instead of words. Beam search is the same.
[Post2018] M. Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018: sacrebleu.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from num2words import num2words
from sacrebleu.metrics.bleu import BLEU

from nastoolkit.families.translator import EOS, PAD
from nastoolkit.tasks.base import SPLITS, Split, drawn_rows
from nastoolkit.tasks.beam_search import BeamSearch
from nastoolkit.tasks.translation import Translation, pairs, up_to_end, with_ends

N_DIGITS = (3, 4, 5, 6, 7, 8, 9)
N_NUMBERS = {"train": 50, "validation": 40, "test": 70}  # of each number of digits
SPECIAL = ("<bos>", "<pad>", "<eos>", "<unk>")  # fairseq's
ENGLISH = (
    *"one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split(),
    *"seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred".split(),
    *"thousand million".split(),
)
GERMAN = (
    *"ein eins eine zwei drei vier fünf sechs sech sieben sieb acht neun zehn elf zwölf".split(),
    *"zwan zig ßig und hundert tausend".split(),
    *(" ", " Million", " Millionen"),
)
VOCABULARY = (*SPECIAL, *ENGLISH, *GERMAN)
SOURCE_LENGTH = 15  # of 777,777,777, with its end
TARGET_LENGTH = 22

_LONGEST_FIRST = re.compile("|".join(sorted(GERMAN, key=len, reverse=True)))


class NumberWords(Translation):
    """Translates numbers from 1 to 999,999,999, from 15 English tokens to 22 German ones."""

    name = "number-words"
    n_tokens = len(VOCABULARY)
    search = BeamSearch(TARGET_LENGTH, eos=EOS, pad=PAD, beam=5, length_penalty=0.6)

    def split(self, name: str) -> Split:
        """One of the three fixed splits."""
        if name not in SPLITS:
            raise ValueError(f"unknown split {name!r}; known: {SPLITS}")
        return _split(name)

    @property
    def n_rows(self) -> int:
        """Number of training examples."""
        return len(_split("train"))

    def batch(self, step: int, size: int, seed: int = 0, rows: np.ndarray | None = None) -> Split:
        """Random examples of the training split; they depend only on the arguments."""
        return _split("train").take(drawn_rows(rows, self.n_rows, size, np.random.default_rng([seed, step])))

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """BLEU of all examples, 0..100 ([Post2018]), of characters, because German joins most words of a number."""
        return BLEU(tokenize="char").corpus_score(german_words(predictions), [german_words(targets)]).score


def english(number: int) -> str:
    """American spelling: ``one hundred twenty-three``."""
    return num2words(number).replace(",", "").replace(" and ", " ")


def german_pieces(word: str) -> list[str]:
    """The longest pieces of ``GERMAN`` that a word is made of, from the left."""
    return _LONGEST_FIRST.findall(word)


def german_words(tokens: torch.Tensor) -> list[str]:
    """The words that rows ``(n, t)`` of tokens spell up to their first ``<eos>``."""
    return ["".join(VOCABULARY[token] for token in row) for row in up_to_end(tokens)]


def numbers(name: str) -> list[int]:
    """The numbers of a split."""
    first = sum(N_NUMBERS[other] for other in SPLITS[: SPLITS.index(name)])
    chosen = list(range(1, 100)) if name == "train" else []
    for n_digits in N_DIGITS:
        smallest, rng = 10 ** (n_digits - 1), np.random.default_rng(n_digits)
        drawn = smallest + rng.choice(9 * smallest, sum(N_NUMBERS.values()), replace=False)
        chosen += drawn[first : first + N_NUMBERS[name]].tolist()
    return chosen


@cache
def _split(name: str) -> Split:
    return examples(numbers(name))


def examples(chosen: Sequence[int]) -> Split:
    """Numbers from 1 to 999,999,999 as inputs and targets."""
    source = with_ends([_tokens(re.split("[ -]", english(number))) for number in chosen], SOURCE_LENGTH)
    targets = with_ends([_tokens(german_pieces(num2words(number, lang="de"))) for number in chosen], TARGET_LENGTH)
    return pairs(source, targets)


def _tokens(text: list[str]) -> list[int]:
    return [VOCABULARY.index(token) for token in text]
