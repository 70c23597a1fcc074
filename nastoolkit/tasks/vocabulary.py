"""Vocabularies of sub-words, learned from a task's training texts: bytes, and sequences that occur often.

[Sennrich2016] R. Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", ACL 2016.
[Radford2019] A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, Section 2.2: they consist of
bytes, so every text has tokens and no word is unknown. https://github.com/huggingface/tokenizers learns them.
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
        text: JSON that the library wrote.

    Attributes:
        fingerprint: Hash of the sub-words: if it is equal, tokens mean the same.
    """

    def __init__(self, text: str) -> None:
        self._tokenizer = Tokenizer.from_str(text)
        self._tokenizer.encode_special_tokens = True  # "<s>" in a text is no start
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]

    def numbers(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, without a start or an end."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False)]

    def texts(self, tokens: list[list[int]]) -> list[str]:
        """The texts of rows of tokens, without special tokens."""
        return [text.strip() for text in self._tokenizer.decode_batch(tokens)]


def sentence_inputs(rows: list[list[int]], length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sentences as ``(input_ids, attention_mask, token_type_ids)``, int64 ``(n, length)``, cut or padded, with end tokens."""
    whole = [[START, *row[: length - 2], EOS] for row in rows]
    input_ids = torch.tensor([row + [PAD] * (length - len(row)) for row in whole]).view(-1, length)
    return input_ids, (input_ids != PAD).long(), torch.zeros_like(input_ids)


def vocabulary_of(texts: Sequence[str], size: int = SIZE, lower_case: bool = True) -> Vocabulary:
    """The vocabulary of some texts, the same at every call; it is kept in the cache folder.

    Args:
        texts: Texts of the training split only.
        size: Largest number of tokens, including special ones.
        lower_case: Whether capital letters count as small ones.
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
    """A tokenizer for some texts; it does not depend on threads or hashes."""
    tokenizer = Tokenizer(models.BPE())
    forms: list[normalizers.Normalizer] = [normalizers.NFC(), *([normalizers.Lowercase()] if lower_case else [])]
    tokenizer.normalizer = normalizers.Sequence(forms)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
