"""WMT14 English to German: news to translate, as sub-words, for the Transformers of HAT.

[Bojar2014] O. Bojar et al., "Findings of the 2014 Workshop on Statistical Machine Translation", WMT 2014.
[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020, and
https://github.com/mit-han-lab/hardware-aware-transformers, commit 35d1282, ``configs/wmt14.en-de``: the files, the splits, the
beam, and BLEU of words, with compounds split at their hyphens.
[Ott2019] M. Ott et al., "fairseq: A Fast, Extensible Toolkit for Sequence Modeling", NAACL 2019: the dictionary's form.

Differs from [Wang2020] in: all sentences are padded to one length, so that training wastes time; evaluation does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from sacrebleu.metrics.bleu import BLEU
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.families.translator import EOS, N_SPECIAL, PAD, EmbeddingBlock
from nastoolkit.tasks.base import Split
from nastoolkit.tasks.beam_search import BeamSearch
from nastoolkit.tasks.data_sets import StoredTask, datasets_folder
from nastoolkit.tasks.translation import Translation, pairs, up_to_end, with_ends

UNKNOWN = 3  # of fairseq's dictionaries
LENGTH = 256  # tokens of a sentence, its end included; longer ones are cut
PREFIXES = {"train": "train.tok.clean", "validation": "newstest2013.tok", "test": "newstest2014.tok"}
FILES = {name: f"{prefix}.bpe.32000" for name, prefix in PREFIXES.items()}
DICTIONARY = "dict.en.txt"
TEXTS_URL = "https://drive.google.com/uc?export=download&id=0B_bZck-ksdkpM25jRUN2X2UxMm8"
HAT_URL = "https://www.dropbox.com/s/axfwl1vawper8yk/wmt16_en_de.preprocessed.tgz?dl=1"

_COMPOUND = re.compile(r"(\S)-(\S)")


class Dictionary:
    """Sub-words and their numbers, after those of fairseq's special tokens.

    Args:
        lines: Lines with a sub-word and its count each.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.words = ["<s>", "<pad>", "</s>", "<unk>", *(line.rsplit(" ", 1)[0] for line in lines)]
        self._numbers = {word: number for number, word in enumerate(self.words) if number >= N_SPECIAL}

    def __len__(self) -> int:
        return len(self.words)

    def tokens(self, sentences: list[str]) -> torch.Tensor:
        """Tokens ``(n, LENGTH)`` of sentences, whose sub-words are separated by spaces."""
        return with_ends([[self._numbers.get(word, UNKNOWN) for word in text.split()] for text in sentences], LENGTH)

    def sentences(self, tokens: torch.Tensor) -> list[str]:
        """Sentences of rows ``(n, t)`` of tokens up to their ends, in whole words; ValueError for unknown tokens."""
        if (largest := int(tokens.max())) >= len(self):
            raise ValueError(f"there is no token {largest} in a {DICTIONARY} of {len(self)}: the network has another one")
        rows = [" ".join(self.words[token] for token in row if token != PAD) for row in up_to_end(tokens)]
        return [f"{row} ".replace("@@ ", "").rstrip() for row in rows]


@dataclass(frozen=True)
class SentencePairs:
    """Sentences in two files with the same number of lines, which become tokens when they are needed.

    Attributes:
        task: Name of the task, for errors.
        files: Files of the sources and of the targets.
        dictionary: Words of both languages.
    """

    task: StoredTask
    files: tuple[Path, Path]
    dictionary: Dictionary

    @cached_property
    def lines(self) -> tuple[list[str], list[str]]:
        """All sources and all targets."""
        sources, targets = (lines_of(file, self.task) for file in self.files)
        if len(sources) != len(targets):
            names = " and ".join(file.name for file in self.files)
            raise self.task.missing(f"{names} have {len(sources)} and {len(targets)} lines: one of them is not whole")
        return sources, targets

    @property
    def targets(self) -> torch.Tensor:
        """All targets ``(n, LENGTH)``."""
        return self.dictionary.tokens(self.lines[1])

    def __len__(self) -> int:
        return len(self.lines[0])

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`nastoolkit.tasks.Examples`; sentences keep their length."""
        places = np.arange(len(self))[:n]
        for start in range(0, len(places), size):
            yield self._pairs(places[start : start + size])

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """The sentences at ``places`` ``(n,)``, as they are."""
        return self._pairs(places)

    def _pairs(self, places: np.ndarray) -> Split:
        source, targets = (self.dictionary.tokens([lines[place] for place in places.tolist()]) for lines in self.lines)
        return pairs(source, targets)


class Wmt14(Translation, StoredTask):
    """WMT14 English to German ([Bojar2014]); ``validation`` is newstest2013, ``test`` newstest2014 ([Wang2020]).

    Args:
        folder: Folder of the files, by default ``wmt14-en-de`` in the folder of data sets.
    """

    search = BeamSearch(200, eos=EOS, pad=PAD, beam=4, length_penalty=0.6)

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder) if folder else datasets_folder() / "wmt14-en-de"
        texts = f"unpack wmt16_en_de.tar.gz ({TEXTS_URL}) into {self.folder}"
        words = f"put {DICTIONARY} of HAT's data beside it ({HAT_URL})"
        super().__init__("wmt14-en-de", f"For the texts, {texts}; and {words}: numbers of words are those of its networks.")

    def read(self) -> dict[str, SentencePairs]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        files = {name: (self.folder / f"{stem}.en", self.folder / f"{stem}.de") for name, stem in FILES.items()}
        wanted = [*(file for of_split in files.values() for file in of_split), self.folder / DICTIONARY]
        if absent := [file.name for file in wanted if not file.is_file()]:
            raise self.missing(f"there is no {', '.join(absent)} in {self.folder}")
        return {name: SentencePairs(self, of_split, self._dictionary) for name, of_split in files.items()}

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Translations ``(n, 200)`` of sources, which are cut to the length of the longest one in the batch."""
        source, target_in = inputs
        known = [block.weight.shape[0] for block in network.modules() if isinstance(block, EmbeddingBlock)]
        if known and min(known) < len(self._dictionary):
            raise ValueError(f"{DICTIONARY} has {len(self._dictionary)} words, the network {known}: it has another one")
        longest = int((source != PAD).sum(dim=1).max())
        return super().predict(network, (source[:, :longest], target_in))

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """BLEU of all examples, 0..100, of the words as in the files; an unknown word never counts as correct."""
        said, wanted = (self._dictionary.sentences(tokens) for tokens in (predictions, targets))
        wanted = [text.replace("<unk>", "<<unk>>") for text in wanted]
        said, wanted = ([_COMPOUND.sub(r"\1 ##AT##-##AT## \2", text) for text in texts] for texts in (said, wanted))
        return BLEU(tokenize="none", force=True).corpus_score(said, [wanted]).score

    @cached_property
    def _dictionary(self) -> Dictionary:
        return Dictionary(lines_of(self.folder / DICTIONARY, self))


def lines_of(file: Path, task: StoredTask) -> list[str]:
    """Lines of a text, which end only at newlines: the other separators of Unicode are spaces within a line.

    Raises:
        MissingDataError: The file is not a text.
    """
    try:
        return file.read_bytes().decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise task.missing(f"{file} is not a text in UTF-8: {error}") from None
