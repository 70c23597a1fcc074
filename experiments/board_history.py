"""Which of a claim's runs the scoreboard shows, and the others as its history.

The strongest is shown: the one with the most seeds, then the one with the narrowest interval, then the latest. A run that the
present version of the rule judged goes before all others, and one that is outdated after them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from nastoolkit.verdicts import RULE

IDENTITY = ("notebook", "paper", "item", "statement")
RUN = ("date", "commit", "profile")  # what tells runs of a claim apart

Claim = dict[str, Any]


def identity(claim: Claim) -> tuple[str, ...]:
    """What makes two records runs of the same claim."""
    return tuple(claim[key] for key in IDENTITY)


def with_history(records: Iterable[Claim]) -> list[Claim]:
    """One record for each claim: its strongest run, with all others in ``history``, from the first to the last.

    Args:
        records: Runs of claims, with the history that they have so far. A later record replaces an earlier one of the same
            run, but outdated it stays.
    """
    claims: dict[tuple[str, ...], dict[tuple[str, ...], Claim]] = {}
    for record in records:
        runs = claims.setdefault(identity(record), {})
        known = {key: record[key] for key in IDENTITY}
        for run in [*(known | run for run in record.get("history", [])), record]:
            kept = {key: value for key, value in run.items() if key != "history"}
            outdated = {key: value for key, value in runs.get(_place(run), {}).items() if key == "outdated"}
            runs[_place(run)] = kept | outdated
    return [_shown([runs[place] for place in sorted(runs)]) for runs in claims.values()]


def width(run: Claim) -> float:
    """Width of a run's interval; infinite where an end is open, or where there is none."""
    low, high = run.get("interval") or (None, None)
    return math.inf if low is None or high is None else high - low


def _shown(runs: list[Claim]) -> Claim:
    """The strongest run, with the others."""
    strongest = max(reversed(runs), key=_strength)
    others = [{key: value for key, value in run.items() if key not in IDENTITY} for run in runs if run is not strongest]
    return strongest | ({"history": others} if others else {})


def _place(run: Claim) -> tuple[str, ...]:
    return tuple(run.get(key) or "" for key in RUN)


def _strength(run: Claim) -> tuple[float, ...]:
    holds = not run.get("outdated")
    return (holds, True, run.get("n") or 0, -width(run)) if run.get("rule") == RULE else (holds, False, 0, 0)
