"""What translation tasks share: the loss, the search for a translation, and a decoder's inputs."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs
from nastoolkit.families.translator import EOS, PAD
from nastoolkit.tasks.base import Split
from nastoolkit.tasks.beam_search import BeamSearch, EncoderDecoder


class Translation:
    """Loss and predictions of translating.

    Inputs are ``(source, target_in)``, int64 ``(n, s)`` and ``(n, t)``: source tokens with an ``<eos>`` at the end, target
    tokens with an ``<eos>`` in front. Targets ``(n, t)`` are the target tokens with an ``<eos>`` at the end. All are padded
    after that.
    """

    metric = "bleu"
    unit = ""
    search: BeamSearch

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Cross-entropy of logits ``(n, t, n_tokens)``, without padding."""
        flat = outputs.flatten(0, 1), targets.flatten()
        return functional.cross_entropy(*flat, ignore_index=PAD, label_smoothing=label_smoothing)

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Translations ``(n, max_length)`` of the sources by beam search; the network has ``encode`` and ``decode``."""
        source, _ = inputs
        return self.search(cast(EncoderDecoder, network), source)


def with_ends(rows: list[list[int]], length: int) -> torch.Tensor:
    """Tokens of sentences as ``(n, length)``, each cut to this length including its ``<eos>``, and padded."""
    ended = [[*row[: length - 1], EOS] for row in rows]
    return torch.tensor([row + [PAD] * (length - len(row)) for row in ended])


def pairs(source: torch.Tensor, targets: torch.Tensor) -> Split:
    """Sources ``(n, s)`` and targets ``(n, t)`` as examples: the decoder reads the correct previous tokens."""
    shifted = functional.pad(targets[:, :-1], (1, 0), value=EOS)
    return Split((source, shifted.masked_fill(targets == PAD, PAD)), targets)


def up_to_end(tokens: torch.Tensor) -> list[list[int]]:
    """Rows ``(n, t)`` of tokens, each up to its first ``<eos>``."""
    return [row[: (row + [EOS]).index(EOS)] for row in tokens.tolist()]
