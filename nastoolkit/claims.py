"""Claims: what a paper says, what a run found, and the verdict, kept beside the run's figures."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nastoolkit.support.files import atomically
from nastoolkit.verdicts import NOT_TESTED, RULE, WORDS, Verdict, verdict

__all__ = ["EVIDENCE", "VERDICTS", "Verdict", "claim", "verdict"]
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
    """Record a claim in a JSON file; one with the same paper, item and statement is replaced.

    Args:
        path: The run's ``claims.json``.
        paper: Its arXiv number, or ``nastoolkit`` for a claim of our own.
        item: Figure, table or section.
        statement: The sentence under test.
        paper_value: The paper's number; None where it gives none.
        verdict: What :func:`verdict` found, of which all is kept, with the version of its rule; or one of ``VERDICTS``.
        ours: The number found; by default the verdict's effect. Here and in the interval None takes the place of what is not
            finite: JSON has no such number.
        interval: Lower and upper end of its uncertainty, by default the verdict's; None where one run gives one number.
        evidence: How close the test is to the paper, one of ``EVIDENCE``: on the problem that the paper itself has, on data
            that others published, or on a miniature of the problem; kept if it is said.
        note: What a reader of the paper's value should know, such as published data that contradict it, or why ours differs;
            kept if there is any.

    Raises:
        ValueError: An unknown verdict or kind of evidence, or a file that is no list of claims; it is left as it is.
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
        raise ValueError(f"{path} is no list of claims, cut short perhaps: {error!r}; delete it to start anew") from error
    with atomically(path) as file:
        file.write_text(json.dumps([*others, new], indent=1))
    return new


def _facts(verdict: Verdict) -> dict[str, Any]:
    """What a verdict rests on, besides what every claim has."""
    others = ("word", "effect", "interval")
    return {"rule": RULE} | {name: _finite(value) for name, value in asdict(verdict).items() if name not in others}


def _short(number: float) -> float:
    """A number with four digits, as it is shown."""
    return float(f"{number:.4g}")


def _finite(number: Any) -> Any:
    """None for a number that is infinite or none at all."""
    return None if isinstance(number, float) and not math.isfinite(number) else number
