"""Vocabularies of sub-words, which are learned from the training texts of a task: bytes, and what often stands together.

[Sennrich2016] R. Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", ACL 2016.
[Radford2019] A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, Section 2.2: of bytes, so that
every text has tokens and no word is unknown. Learned by https://github.com/huggingface/tokenizers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from nastoolkit.checkpoints.download import cache_folder
from nastoolkit.families.translator import EOS, PAD
from nastoolkit.support.files import atomically

START, MASK = 0, 3
SPECIAL = ("<s>", "<pad>", "</s>", "<mask>")  # with the numbers of the translators' special tokens
SIZE = 4096  # tokens, that of the families for these texts
VERSION = 1  # of how vocabularies are learned


class Vocabulary:
    """Sub-words and their numbers.

    Args:
        text: What the library wrote of them, JSON.

    Attributes:
        fingerprint: Hash of the sub-words: tokens of equal ones mean the same.
    """

    def __init__(self, text: str) -> None:
        self._tokenizer = Tokenizer.from_str(text)
        self._tokenizer.encode_special_tokens = True  # "<s>" in a text is no start
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]

    def numbers(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, without a start or an end."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False)]

    def texts(self, tokens: list[list[int]]) -> list[str]:
        """What rows of tokens say; special ones say nothing."""
        return [text.strip() for text in self._tokenizer.decode_batch(tokens)]


def sentence_inputs(rows: list[list[int]], length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sentences as ``(input_ids, attention_mask, token_type_ids)``, int64 ``(n, length)``, cut or padded, with ends."""
    whole = [[START, *row[: length - 2], EOS] for row in rows]
    input_ids = torch.tensor([row + [PAD] * (length - len(row)) for row in whole]).view(-1, length)
    return input_ids, (input_ids != PAD).long(), torch.zeros_like(input_ids)


def vocabulary_of(texts: Sequence[str], size: int = SIZE, lower_case: bool = True) -> Vocabulary:
    """The vocabulary of some texts, the same at every call; it is kept in the cache folder.

    Args:
        texts: Those of the training split alone.
        size: The most tokens that it has, special ones included.
        lower_case: Whether capitals are the same as small letters.
    """
    asked = hashlib.sha256(json.dumps([VERSION, size, lower_case, *texts]).encode()).hexdigest()
    file = cache_folder() / f"vocabulary-{asked[:16]}.json"
    with suppress(Exception):  # of any kind, if it is not there or damaged
        return Vocabulary(file.read_text())
    text = learned(texts, size, lower_case).to_str()
    with suppress(OSError), atomically(file) as new:  # it is learned anew where nothing can be kept
        new.write_text(text)
    return Vocabulary(text)


def learned(texts: Sequence[str], size: int, lower_case: bool) -> Tokenizer:
    """A tokenizer for some texts; which one does not depend on threads or hashes."""
    tokenizer = Tokenizer(models.BPE())
    forms: list[normalizers.Normalizer] = [normalizers.NFC(), *([normalizers.Lowercase()] if lower_case else [])]
    tokenizer.normalizer = normalizers.Sequence(forms)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
