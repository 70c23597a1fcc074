"""The rule that gives every claim its verdict.

It requires five seeds, an interval of a named kind, a least effect worth having that was fixed before the run, and a naive
control at equal cost. Its verdicts are:

reproduced exactly
    Every number has the digits that the paper prints.
agrees
    The interval lies above no effect and contains the paper's value, if there is one. The effect is at least the least one.
stronger
    As before, but the interval lies above the paper's value.
weaker but there
    The interval lies above no effect, but below the paper's value, or the effect is less than the least one.
no effect
    The interval excludes the least effect, and does not lie above no effect.
not tested at this scale
    None of these, and the interval is wider than twice the paper's effect; or there are fewer than five seeds.
inconclusive
    None of these.

If a naive control does as well, the claim is not reproduced: *no effect* if what remains above the control is certainly less
than the least effect, else *inconclusive*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nastoolkit.statistics import Censored, Estimate, estimate

AGREES, STRONGER, WEAKER, NO_EFFECT = "agrees", "stronger", "weaker but there", "no effect"
INCONCLUSIVE, NOT_TESTED, EXACT = "inconclusive", "not tested at this scale", "reproduced exactly"
WORDS = (EXACT, AGREES, STRONGER, WEAKER, NO_EFFECT, INCONCLUSIVE, NOT_TESTED)
LEAST_SEEDS = 5
RULE = 1  # version of the rule: what another one found is not comparable
ROUNDING = 1e-9  # share of the least effect that may come of rounding
PaperValue = float | str | Sequence[float | str] | None


@dataclass(frozen=True)
class Verdict:
    """What :func:`verdict` finds; ``str`` gives its word.

    Attributes:
        word: One of ``WORDS``.
        reasons: Sentences that say why.
        n: Number of seeds.
        n_known: Number of seeds whose effect is known; fewer than all if a search never got there.
        effect: Mean or median; NaN if it depends on what a censored search would have needed.
        interval: Both ends of its interval.
        kind: Kind of the interval, a key of :data:`nastoolkit.statistics.INTERVALS`.
        least_effect: Least effect worth having.
        control: Largest effect that the naive control may have; None if there is none.
        is_ratio: Whether the effect is a ratio, so that 1 means no effect, or a difference, so that 0 does.
    """

    word: str
    reasons: str
    n: int
    n_known: int
    effect: float
    interval: tuple[float, float]
    kind: str
    least_effect: float
    control: float | None
    is_ratio: bool

    def __str__(self) -> str:
        return self.word


def verdict(
    differences: ArrayLike | Censored,
    at_least: float,
    control: ArrayLike | Censored | None = None,
    paper_value: PaperValue = None,
    kind: str | None = None,
) -> Verdict:
    """The verdict on a claim, by the rule of this module.

    Args:
        differences: Effect of each seed ``(n,)``, above 0 in the direction of the claim. Or censored ratios, such as
            ``counted(theirs, 200) / counted(ours, 200)``: then 1 means no effect, ratios are judged by their logarithms and by
            their median, and the verdict holds whatever the unknown ones are, or else is inconclusive.
        at_least: Least effect worth having.
        control: Effect of the naive control: one number, or one for each seed ``(n,)``.
        paper_value: The paper's effect; or a list of its single runs, which scatter like ours, if it gives no more. Texts have
            the digits that are printed: if all of ours have them too, seed by seed, they are reproduced exactly.
        kind: Kind of interval, a key of :data:`nastoolkit.statistics.INTERVALS`; by default ``t``, and for ratios ``median``.

    Raises:
        ValueError: The least effect is not an effect, the paper's value is below it, or the numbers have no such interval.
    """
    is_ratio = isinstance(differences, Censored)
    kind = kind or ("median" if is_ratio else "t")
    ours, bar = _Ends.of(differences, is_ratio), _Bar.of(at_least, paper_value, is_ratio)
    rival = None if control is None else _Ends.of(control, is_ratio)
    found = ours.estimates(kind)
    beyond = [None, None] if rival is None else ours.minus(rival).estimates(kind)
    word, reason = _common([bar.answer(*one) for one in zip(found, beyond, strict=True)])
    if not is_ratio and _has_digits_of(paper_value, ours.low) and (beyond[0] is None or beyond[0].value > 0):
        word, reason = EXACT, "the digits are those that the paper prints"
    facts = _facts(found, None if rival is None else rival.estimates(kind)[1], is_ratio)
    shown = str(differences) if is_ratio else f"{facts['effect']:.4g}"
    reasons = f"{_sentence(shown, facts, at_least, paper_value)}: {reason}."
    n_known = int((ours.low == ours.high).sum())
    return Verdict(word, reasons, n_known=n_known, least_effect=at_least, is_ratio=is_ratio, **facts)


@dataclass(frozen=True)
class _Ends:
    """Numbers ``(n,)`` on the scale on which they are judged, in the worst and in the best case."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, values: ArrayLike | Censored, is_ratio: bool) -> _Ends:
        if isinstance(values, Censored) and (not is_ratio or values.what != "ratio"):
            raise ValueError(f"a verdict needs differences or ratios, got {values.what}s: divide theirs by ours")
        ends = (values.low, values.high) if isinstance(values, Censored) else [np.asarray(values, float).ravel()] * 2
        with np.errstate(divide="ignore"):  # a ratio that may be anything below some number begins at 0
            return cls(*(np.log(end) if is_ratio else end for end in ends))

    def minus(self, other: _Ends) -> _Ends:
        if len(other.low) not in (1, len(self.low)):
            raise ValueError(f"a control needs one effect, or one for each of the {len(self.low)} seeds; got {len(other.low)}")
        return _Ends(self.low - other.high, self.high - other.low)

    def estimates(self, kind: str) -> list[Estimate]:
        return [estimate(end, kind) for end in (self.low, self.high)]


@dataclass(frozen=True)
class _Bar:
    """What an effect is compared with: the least effect, the paper's, and the number of the paper's single runs, if given."""

    least: float
    paper: float | None
    n_runs: float

    @classmethod
    def of(cls, at_least: float, paper_value: PaperValue, is_ratio: bool) -> _Bar:
        least, *paper = _Ends.of([at_least, *map(float, _runs(paper_value))], is_ratio).low
        if not least > 0:
            raise ValueError(f"the least effect worth having must be above {int(is_ratio)}, got {at_least}")
        if paper and not np.mean(paper) >= least:
            raise ValueError(f"the least effect worth having, {at_least}, is more than the paper's, {paper_value}")
        n_runs = len(paper) if np.asarray(paper_value, object).ndim else math.inf
        return cls(float(least), float(np.mean(paper)) if paper else None, n_runs)

    def answer(self, found: Estimate, excess: Estimate | None) -> tuple[str, str]:
        """The verdict's word for an effect and what remains of it above the control, and the reason."""
        if found.n < LEAST_SEEDS:
            return NOT_TESTED, f"there are fewer than {LEAST_SEEDS} seeds"
        if not self.is_above_none(found):
            return self._answer_without_effect(found)
        if excess is None or self.is_above_none(excess):
            return self._answer_with_effect(found)
        if excess.high < self.least:
            return NO_EFFECT, "the naive control does as well"
        return INCONCLUSIVE, "it cannot be told from the naive control"

    def is_above_none(self, found: Estimate) -> bool:
        """Whether an interval lies above no effect, by more than rounding."""
        return found.low > ROUNDING * self.least

    def _answer_without_effect(self, found: Estimate) -> tuple[str, str]:
        if found.high < self.least:
            return NO_EFFECT, "the interval excludes the least effect worth having"
        if self.paper is not None and found.high - found.low > 2 * self.paper:
            return NOT_TESTED, "the interval is wider than twice the paper's effect"
        return INCONCLUSIVE, "the interval contains both no effect and the least one worth having"

    def _answer_with_effect(self, found: Estimate) -> tuple[str, str]:
        there = "the interval lies above no effect"
        if found.value < self.least:
            return WEAKER, f"{there}, but the effect is below the least one worth having"
        if self.paper is None:
            return AGREES, f"{there}, and the effect is at least the least one worth having"
        low, high = self._around(found)
        if self.paper > high:
            return WEAKER, f"{there}, but below the paper's value"
        if self.paper < low:
            return STRONGER, "the interval lies above the paper's value"
        return AGREES, f"{there} and contains the paper's value"

    def _around(self, found: Estimate) -> tuple[float, float]:
        """The interval, wider if the paper's value is from single runs, which scatter as ours do."""
        if math.isinf(self.n_runs):
            return found.low, found.high
        widening = math.sqrt(1 + found.n / self.n_runs)
        return found.value - widening * (found.value - found.low), found.value + widening * (found.high - found.value)


def _common(answers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The answer in the worst and in the best case, if it is the same."""
    (worst, reason), (best, _) = answers
    if worst == best:
        return worst, reason
    return INCONCLUSIVE, f"it hangs on what the others would have needed: at worst {worst!r}, at best {best!r}"


def _runs(paper_value: PaperValue) -> list[float | str]:
    """The paper's value or values as a list, empty if there is none."""
    if paper_value is None:
        return []
    return np.atleast_1d(np.asarray(paper_value, object)).tolist()


def _has_digits_of(paper_value: PaperValue, ours: np.ndarray) -> bool:
    """Whether numbers ``(n,)``, rounded as the paper prints its own, are the same."""
    printed = [Decimal(run) for run in _runs(paper_value) if isinstance(run, str)]
    if not printed or len(printed) != len(ours):
        return False
    pairs = zip(printed, map(Decimal, ours.tolist()), strict=True)
    return all(2 * abs(theirs - mine) <= Decimal(1).scaleb(int(theirs.as_tuple().exponent)) for theirs, mine in pairs)


def _facts(found: Sequence[Estimate], control: Estimate | None, is_ratio: bool) -> dict[str, Any]:
    """What a verdict says of estimates in the worst and best case, with ratios themselves and not their logarithms."""

    def as_shown(number: float) -> float:
        return math.exp(number) if is_ratio else number

    worst, best = found
    return {
        "n": worst.n,
        "effect": as_shown(worst.value) if worst.value == best.value else math.nan,
        "interval": (as_shown(worst.low), as_shown(best.high)),
        "kind": worst.kind,
        "control": None if control is None else as_shown(control.value),
    }


def _sentence(shown: str, facts: dict[str, Any], at_least: float, paper_value: PaperValue) -> str:
    """What was found, and what it is compared with."""
    low, high = facts["interval"]
    parts = [f"{shown} [{low:.4g}, {high:.4g}] ({facts['kind']}, n = {facts['n']})", f"least effect {at_least:.4g}"]
    if paper_value is not None:
        parts.append(f"paper {paper_value}")
    return ", ".join([*parts, *([] if facts["control"] is None else [f"control {facts['control']:.4g}"])])
