"""Claims: what a paper says, what a run found, and the verdict, kept with the run's figures."""

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
