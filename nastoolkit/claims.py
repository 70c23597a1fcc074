"""Claims: what a paper says, what a run found, and the verdict, kept with the run's figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from nastoolkit.statistics import Censored
from nastoolkit.support.files import atomically
from nastoolkit.verdicts import NOT_TESTED, RULE, WORDS, PaperValue, Verdict, verdict

__all__ = ["EVIDENCE", "VERDICTS", "Finding", "Verdict", "claim", "claim_each", "verdict"]
BEFORE = ("reproduced", "direction only", "not reproduced")  # words of notebooks that have a rule of their own
OWN_PROBLEM, PUBLIC_DATA, MINIATURE = "the paper's own problem", "public data", "miniature"
EVIDENCE = (OWN_PROBLEM, PUBLIC_DATA, MINIATURE)  # the closest first
VERDICTS = (*BEFORE, NOT_TESTED, *(word for word in WORDS if word != NOT_TESTED))


def claim(
    path: str | Path,
    *,
    paper: str,
    item: str,
    statement: str,
    paper_value: Any,
    verdict: str | Verdict,
    ours: Any = None,
    interval: Any = None,
    evidence: str | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Record a claim in a JSON file; it replaces one with the same paper, item and statement.

    Args:
        path: The run's ``claims.json``.
        paper: Its arXiv number, or ``nastoolkit`` for a claim of our own.
        item: Figure, table or section.
        statement: The sentence under test.
        paper_value: The paper's number; None if it gives none.
        verdict: Result of :func:`verdict`, which is kept in full with the version of its rule; or one of ``VERDICTS``.
        ours: Number found, by default the verdict's effect. Here and in the interval, None replaces numbers that are not
            finite, because JSON cannot hold them.
        interval: Lower and upper end of its uncertainty, by default the verdict's; None if one run gives one number.
        evidence: How close the test is to the paper, one of ``EVIDENCE``: on the paper's own problem, on data that others
            published, or on a miniature of the problem; kept if given.
        note: Remark for readers of the paper's value, such as published data that contradict it, or why ours differs;
            kept if given.

    Raises:
        ValueError: The verdict or the kind of evidence is unknown, or the file is not a list of claims; it is left as it is.
    """
    if str(verdict) not in VERDICTS:
        raise ValueError(f"unknown verdict {verdict!r}; known: {VERDICTS}")
    if evidence is not None and evidence not in EVIDENCE:
        raise ValueError(f"unknown kind of evidence {evidence!r}; known: {EVIDENCE}")
    if isinstance(verdict, Verdict):
        ours = _short(verdict.effect) if ours is None else ours
        interval = [_short(end) for end in verdict.interval] if interval is None else interval
    new = {
        "paper": paper,
        "item": item,
        "statement": statement,
        "paper_value": paper_value,
        "ours": _finite(ours),
        "interval": [_finite(end) for end in interval] if isinstance(interval, list | tuple) else interval,
        "verdict": str(verdict),
        **({"evidence": evidence} if evidence else {}),
        **({"note": note} if note else {}),
        **(_facts(verdict) if isinstance(verdict, Verdict) else {}),
    }
    path = Path(path)
    identity = ("paper", "item", "statement")
    try:
        known = json.loads(path.read_text()) if path.exists() else []
        others = [old for old in known if any(old[key] != new[key] for key in identity)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is not a list of claims; it may be cut short: {error!r}; delete it to start anew") from error
    with atomically(path) as file:
        file.write_text(json.dumps([*others, new], indent=1))
    return new


@dataclass(frozen=True)
class Finding:
    """What seeds found for a statement, and what the rule asks of it; see :func:`verdict` for the first four.

    Attributes:
        effects: Effect of each seed ``(n,)``, above 0 in the direction of the statement; or censored ratios.
        at_least: Least effect worth having.
        control: Effect of the naive control.
        paper_value: The paper's effect.
        note: Remark for readers; see :func:`claim`.
    """

    effects: ArrayLike | Censored
    at_least: float
    control: ArrayLike | Censored | None = None
    paper_value: PaperValue = None
    note: str = ""


def claim_each(
    path: str | Path,
    findings: Mapping[str, Finding],
    *,
    paper: str,
    item: str,
    evidence: str,
    is_enough: bool = True,
    about: str = "",
) -> pd.DataFrame:
    """Judge several statements of a paper, and record a claim on each.

    Args:
        path: The run's ``claims.json``.
        findings: What was found, by statement; a statement may begin with its letter, such as ``(a)``.
        paper: Its arXiv number, or ``nastoolkit`` for claims of our own.
        item: Figure, table or section, or the system's name; a statement's letter is added to it.
        evidence: One of ``EVIDENCE``.
        is_enough: Whether the run can decide the statements; if not, they are *not tested at this scale*.
        about: What they are about, such as the task; it is added to each statement.

    Returns:
        A row for each claim: ``statement``, ``paper_value``, ``ours``, ``interval``, ``verdict``.
    """
    records = []
    for statement, found in findings.items():
        answer = verdict(found.effects, found.at_least, found.control, found.paper_value) if is_enough else NOT_TESTED
        letter = f" {statement[:3]}" if statement.startswith("(") else ""
        named = {"paper": paper, "item": item + letter, "statement": f"{statement}: {about}" if about else statement}
        ours: dict[str, Any] = {"paper_value": found.paper_value, "evidence": evidence, "note": found.note}
        records.append(claim(path, verdict=answer, **named, **ours))
    return pd.DataFrame(records, columns=["statement", "paper_value", "ours", "interval", "verdict"])


def _facts(verdict: Verdict) -> dict[str, Any]:
    """What a verdict is based on, apart from what every claim has."""
    others = ("word", "effect", "interval")
    return {"rule": RULE} | {name: _finite(value) for name, value in asdict(verdict).items() if name not in others}


def _short(number: float) -> float:
    """A number with four digits, as it is shown."""
    return float(f"{number:.4g}")


def _finite(number: Any) -> Any:
    """The number, or None if it is infinite or missing."""
    return None if isinstance(number, float) and not math.isfinite(number) else number
