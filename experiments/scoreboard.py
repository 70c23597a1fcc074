"""Claims: those of a run, and the scoreboard of all claims, ``experiments/claims.json``, with the pages made from it.

The scoreboard is in git and ``runs/`` is not, so the scoreboard keeps the claims of notebooks that were not run here, and what
earlier runs of each claim found.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import board_page
from board_history import IDENTITY, Claim, identity, with_history
from board_plot import draw_headlines
from gallery import known_figures, update_figures, update_screenshots
from profiles import PROFILES, UsageError, notebook_names
from record import is_finished, read_record
from text_tables import text_of, text_table

from nastoolkit.claims import EVIDENCE, VERDICTS
from nastoolkit.support.files import atomically

COLUMNS = {
    "paper": "paper",
    "item": "item",
    "statement": "statement",
    "paper_value": "paper's value",
    "ours": "ours",
    "interval": "interval",
    "verdict": "verdict",
}
PLACE = ("notebook", "profile")  # where a claim of the scoreboard comes from
RECORDED = ("seconds", "date", "commit")  # what a run's record says of its claims
TEXTS = ("paper", "item", "statement", "note", "outdated", "reasons", "kind", "date", "commit", "machine", *PLACE)
NUMBERS = ("n", "n_known", "least_effect", "control", "seconds", "rule")
WORDS = {"verdict": VERDICTS, "evidence": EVIDENCE, "is_ratio": (True, False)}
LARGEST = 1e300
COUNTED = [profile for profile in PROFILES if profile != "smoke"]


def read_claims(path: Path, keys: Sequence[str] = tuple(COLUMNS)) -> list[Claim]:
    """The claims in a file, each a mapping with these keys; a notebook writes :data:`COLUMNS`, and what its verdict says.

    Raises:
        UsageError: The file is not a list of such mappings.
    """
    try:
        claims = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON; it may be cut short: {error}") from None
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        raise UsageError(f"{path}: needs a list of claims")
    for claim in claims:
        history = claim.get("history", [])
        if not isinstance(history, list) or not all(isinstance(run, dict) for run in history):
            raise UsageError(f"{path}: a claim's history is not a list of runs")
        for run in (claim, *history):
            _check(run, keys if run is claim else [key for key in keys if key not in IDENTITY], path)
    return claims


def _check(claim: Claim, keys: Sequence[str], path: Path) -> None:
    """Raise UsageError if pages cannot be made from a claim, or from one of its runs."""
    if missing := [key for key in keys if key not in claim]:
        raise UsageError(f"{path}: a claim has no {', '.join(missing)}")
    for key, known in WORDS.items():
        if key in claim and claim[key] not in known:
            raise UsageError(f"{path}: unknown {key} {claim[key]!r}; known: {', '.join(map(str, known))}")
    if texts := [key for key in TEXTS if not isinstance(claim.get(key, ""), str)]:
        raise UsageError(f"{path}: a claim's {', '.join(texts)} is not a text")
    if numbers := [key for key in NUMBERS if not _is_number(claim.get(key))]:
        raise UsageError(f"{path}: a claim's {', '.join(numbers)} is not a number")
    ends = claim.get("interval")
    if ends is not None and not (isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends))):
        raise UsageError(f"{path}: a claim's interval is not a list of two numbers")


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number, or None instead of one."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST)


def update_claims(root: Path) -> list[str]:
    """Bring the scoreboard up to date with the runs: claims, their pages, the pictures, the README; returns the files made.

    Raises:
        UsageError: A file of claims cannot be read; nothing is written then.
    """
    claims = collect_claims(root)
    pictures = draw_headlines(claims, root) + update_figures(root) + update_screenshots(root)
    readme = (root / "README.md").read_text() if (root / "README.md").exists() else ""
    pages = board_page.pages(claims, known_figures(root))
    files = {
        **{f"experiments/{name}": text for name, text in pages.items()},
        "experiments/claims.json": json.dumps(claims, indent=1, ensure_ascii=False) + "\n",
        "README.md": board_page.with_claims(readme, claims),
    }
    for path, text in files.items():
        with atomically(root / path) as new:
            new.write_text(text)
    return [*files, *pictures]


def collect_claims(root: Path) -> list[Claim]:
    """The scoreboard: what each notebook's runs found, except smoke runs, with what was known before.

    A claim is removed if the run that it was shown from is repeated and does not make it any more.
    """
    scoreboard = root / "experiments" / "claims.json"
    known = read_claims(scoreboard, (*PLACE, *COLUMNS)) if scoreboard.exists() else []
    records = []
    for name in notebook_names(root):
        ran = {profile: found for profile in COUNTED if (found := _claims_of(root, name, profile)) is not None}
        found = [claim for claims in ran.values() for claim in claims]
        made = set(map(identity, found))
        before = [claim for claim in known if claim["notebook"] == name]
        records += [claim for claim in before if claim["profile"] not in ran or identity(claim) in made] + found
    return with_history(records)


def _claims_of(root: Path, name: str, profile: str) -> list[Claim] | None:
    """What a finished run found, with its cost; None if there is no such run."""
    run = root.joinpath("runs", name, profile)
    if not is_finished(run) or not (run / "claims.json").exists():
        return None
    place = dict(zip(PLACE, (name, profile), strict=True))
    return [place | claim | _cost(run) for claim in read_claims(run / "claims.json")]


def _cost(run: Path) -> dict[str, Any]:
    from nastoolkit.latency.machine import cpu_name  # takes seconds, which a list of notebooks should not

    record = {name: value for name, value in read_record(run).items() if name in RECORDED}
    return record | {"machine": f"{cpu_name()}, {os.cpu_count()} cores"}


def claims_table(claims: Iterable[Claim]) -> str:
    """The claims as a text table for a terminal or a log, the long statement last."""
    keys = [key for key in COLUMNS if key != "statement"] + ["statement"]
    return text_table([COLUMNS[key] for key in keys], [[text_of(claim[key]) for key in keys] for claim in claims])
