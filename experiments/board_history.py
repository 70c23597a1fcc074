"""Which of a claim's runs the scoreboard shows; the others are its history.

The strongest is shown: the one with the most seeds, then the one with the narrowest interval, then the latest. A run that was
judged by the present version of the rule comes before all others, and an outdated one after them.
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
    """What identifies the claim of a record: records with the same identity are runs of the same claim."""
    return tuple(claim[key] for key in IDENTITY)


def with_history(records: Iterable[Claim]) -> list[Claim]:
    """One record for each claim: its strongest run, with all others in ``history``, from first to last.

    Args:
        records: Runs of claims, with their history so far. A later record replaces an earlier one of the same run, but a run
            that is outdated stays so.
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
    """Width of a run's interval; infinite if an end is open, or if there is no interval."""
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
