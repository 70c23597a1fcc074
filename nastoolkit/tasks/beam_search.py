"""Beam search: the likeliest sequences that a translator gives, found token by token.

Prefixes are decoded anew at every step: nothing is kept between steps, and the work grows with the square of the length.

[Ott2019] M. Ott et al., "fairseq: A Fast, Extensible Toolkit for Sequence Modeling", NAACL 2019: HAT's code searches with its
sequence generator, which has the same rules for scores and for the end of a search.
[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020, Section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch


class EncoderDecoder(Protocol):
    """What beam search needs from a network."""

    def encode(self, source: torch.Tensor) -> Sequence[torch.Tensor]:
        """What decoding needs from sources ``(n, s)``: tensors ``(n, ...)``."""

    def decode(self, target: torch.Tensor, memories: Sequence[torch.Tensor], source: torch.Tensor, last: bool) -> torch.Tensor:
        """Logits ``(n, 1, n_tokens)`` of the token after ``target`` ``(n, t)``, because only the ``last`` one is asked for."""


@dataclass(frozen=True)
class _Beams:
    """State of the search for the ``m`` sources that are not done.

    Attributes:
        rows: Positions of these among all sources, ``(m,)``.
        prefixes: ``(m, beam, t)``, each with an ``eos`` in front.
        scores: Log-probabilities of the prefixes, ``(m, beam)``, the best first.
        best: Score of the best complete translation, ``(m,)``.
        n_complete: Number of complete translations, ``(m,)``.
    """

    rows: torch.Tensor
    prefixes: torch.Tensor
    scores: torch.Tensor
    best: torch.Tensor
    n_complete: torch.Tensor


@dataclass(frozen=True)
class BeamSearch:
    """Translates sentences. A translation starts after an ``eos`` and ends with one.

    Its score is the sum of its tokens' log-probabilities, divided by its length to the power of ``length_penalty``.

    Attributes:
        max_length: Tokens of the longest translation, ``eos`` included.
        eos: The token at the end.
        pad: Token that fills up translations and is never part of them.
        beam: Number of prefixes kept for each source, and of complete translations after which its search ends; 1 is greedy.
        length_penalty: At least 0; larger values give longer translations. 0.6 in [Wang2020], by default 1 in [Ott2019].
    """

    max_length: int
    eos: int
    pad: int
    beam: int = 5
    length_penalty: float = 0.6

    @torch.inference_mode()
    def __call__(self, network: EncoderDecoder, source: torch.Tensor) -> torch.Tensor:
        """The best translations found, ``(n, max_length)``, of sources ``(n, s)``."""
        translations = source.new_full((len(source), self.max_length), self.pad)
        beams, memories = self._start(source), network.encode(source)
        for length in range(1, self.max_length + 1):
            log_probs = self._log_probs(network, beams, memories, source, at_end=length == self.max_length)
            beams = self._step(beams, log_probs, translations)
            if not len(beams.rows):
                break
        return translations

    def _start(self, source: torch.Tensor) -> _Beams:
        n, device = len(source), source.device
        scores = torch.full((n, self.beam), -torch.inf, device=device)
        scores[:, 0] = 0.0  # all prefixes are the same yet, and only one of them counts
        return _Beams(
            rows=torch.arange(n, device=device),
            prefixes=source.new_full((n, self.beam, 1), self.eos),
            scores=scores,
            best=torch.full((n,), -torch.inf, device=device),
            n_complete=torch.zeros(n, dtype=torch.long, device=device),
        )

    def _log_probs(
        self, network: EncoderDecoder, beams: _Beams, memories: Sequence[torch.Tensor], source: torch.Tensor, at_end: bool
    ) -> torch.Tensor:
        """Log-probabilities ``(m, beam, n_tokens)`` of tokens after the prefixes; ``at_end`` only of ``eos``."""
        rows = beams.rows.repeat_interleave(self.beam)
        read = [memory[rows] for memory in memories]
        logits = network.decode(beams.prefixes.flatten(0, 1), read, source[rows], last=True)
        log_probs = logits[:, -1].float().log_softmax(-1).unflatten(0, (-1, self.beam))
        forbidden = torch.full_like(log_probs[0, 0], at_end, dtype=torch.bool)
        forbidden[self.pad], forbidden[self.eos] = True, False
        return log_probs.masked_fill(forbidden, -torch.inf)

    def _step(self, beams: _Beams, log_probs: torch.Tensor, translations: torch.Tensor) -> _Beams:
        """Lengthen the prefixes by a token, and write complete ones that are the best so far to ``translations``."""
        n_tokens, length = log_probs.shape[-1], beams.prefixes.shape[-1]
        values, places = (beams.scores[..., None] + log_probs).flatten(1).topk(2 * self.beam)
        longer = torch.cat([_pick(beams.prefixes, places // n_tokens), (places % n_tokens)[..., None]], dim=-1)
        ends = longer[..., -1] == self.eos
        complete = values.masked_fill(~ends, -torch.inf)[:, : self.beam] / length**self.length_penalty
        score, place = complete.max(dim=1)
        better = score > beams.best
        translations[beams.rows[better], :length] = longer[better, place[better], 1:]
        scores, kept = values.masked_fill(ends, -torch.inf).topk(self.beam)
        n_complete = beams.n_complete + complete.isfinite().sum(dim=1)
        return self._unfinished(_Beams(beams.rows, _pick(longer, kept), scores, beams.best.maximum(score), n_complete))

    def _unfinished(self, beams: _Beams) -> _Beams:
        """The beams without sources that have ``beam`` complete translations, or whose best one cannot be beaten any more."""
        hope = beams.scores[:, 0] / self.max_length**self.length_penalty
        going_on = (beams.n_complete < self.beam) & (hope > beams.best)
        return _Beams(*(tensor[going_on] for tensor in vars(beams).values()))


def _pick(prefixes: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Prefixes ``(m, k, t)`` at ``places`` ``(m, k)`` of ``(m, beam, t)``."""
    return prefixes.gather(1, places[..., None].expand(-1, -1, prefixes.shape[-1]))
