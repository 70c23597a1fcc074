"""Claims as rows of Markdown tables: wide ones with everything known, narrow ones for a phone, and their history."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from board_history import RUN, Claim, width
from board_words import verdict_text
from text_tables import markdown_table, plain, text_of

FIGURES = "FIGURES.md"
COLUMNS = ("claim", "paper's value", "ours", "n", "would have seen", "control", "verdict", "run")
HISTORY_COLUMNS = ("claim", *RUN, "n", "ours", "verdict")
LEGEND = """*n* is the number of seeds. *would have seen* is the smallest effect that could have been told from none:
half the width of the interval, or for ratios how many times its ends are from its middle. *control* is what a naive way
of equal cost comes to. *run* leads to the notebook and its figures; seconds and machine are in the link's title."""

Figures = Mapping[str, Sequence[str]]


def wide_table(claims: Iterable[Claim], figures: Figures) -> str:
    """Claims with everything known about them, and links to what made them.

    Args:
        claims: Claims of the scoreboard.
        figures: Paths of each notebook's figures.
    """
    return markdown_table(COLUMNS, [[*map(plain, _cells(claim)), _links(claim, figures)] for claim in claims])


def narrow_table(claims: Iterable[Claim]) -> str:
    """Claims as a table that fits a phone."""
    rows = [[f"{claim['item']}: {claim['statement']}", values(claim), verdict_text(claim)] for claim in claims]
    return markdown_table(["claim", "ours", "verdict"], [list(map(plain, row)) for row in rows])


def history_table(claims: Iterable[Claim]) -> str:
    """All runs of each claim, from first to last, and then the one that is shown."""
    rows = [
        [_name(claim), *(text_of(run.get(key)) for key in RUN), _n(run), _ours(run), verdict_text(run)]
        for claim in claims
        for run in [*claim.get("history", []), claim]
    ]
    return markdown_table(HISTORY_COLUMNS, [list(map(plain, row)) for row in rows])


def values(claim: Claim) -> str:
    """Our number with its interval, and the paper's number."""
    ours = f"{text_of(claim['ours'])} {text_of(claim['interval'])}".strip()
    return ours if claim["paper_value"] is None else f"{ours}; paper {text_of(claim['paper_value'])}"


def anchor(heading: str) -> str:
    """The anchor of a heading in GitHub and MyST."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _cells(claim: Claim) -> list[str]:
    verdict = f"{verdict_text(claim)} ({claim['note']})" if claim.get("note") else verdict_text(claim)
    ours = [_ours(claim), _n(claim), _smallest_effect(claim), text_of(claim.get("control"))]
    return [_name(claim), text_of(claim["paper_value"]), *ours, verdict]


def _name(claim: Claim) -> str:
    return f"{claim['paper']}, {claim['item']}: {claim['statement']}"


def _ours(run: Claim) -> str:
    """Our number, its interval and the interval's kind."""
    kind = f"({run['kind']})" if run.get("kind") else ""
    return " ".join(filter(None, [text_of(run["ours"]), text_of(run["interval"]), kind]))


def _n(run: Claim) -> str:
    """The number of seeds, and how many of them reached the goal if not all did."""
    n, n_known = run.get("n"), run.get("n_known")
    return text_of(n) if n_known in (None, n) else f"{n_known} of {n} got there"


def _smallest_effect(claim: Claim) -> str:
    if claim["interval"] is None or claim.get("is_ratio") is None:
        return ""
    if math.isinf(width(claim)):
        return "unlimited"
    low, high = claim["interval"]
    if not claim["is_ratio"]:
        return f"{(high - low) / 2:.3g}"
    return f"{math.sqrt(high / low):.3g} times" if 0 < low <= high else "unlimited"


def _links(claim: Claim, figures: Figures) -> str:
    name, profile = claim["notebook"], claim["profile"]
    seconds = f"{claim['seconds']:.0f} s" if claim.get("seconds") else ""
    cost = ", ".join(filter(None, [seconds, claim.get("machine")])).replace('"', "")
    links = [f'[{plain(profile)}](../notebooks/{name}.ipynb "{plain(cost)}")']
    links += [f"[figures]({FIGURES}#{anchor(name)})"] if name in figures else []
    links += [f"[{len(claim['history'])} more](#other-runs)"] if claim.get("history") else []
    made = " ".join(filter(None, [claim.get("commit"), claim.get("date")]))
    return ", ".join([*links, *([plain(made)] if made else [])])
