"""The first screen of the scoreboard: a forest plot of the papers' headline claims."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from board_history import Claim
from board_papers import PAPERS, Headline
from board_words import OUTDATED, standing
from gallery import N_COLOURS
from text_tables import text_of

from nastoolkit.claims import MINIATURE
from nastoolkit.support.files import atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE = "headlines.png"
AGAINST_PAPER = "ours over the paper's value (1: the same)"
AGAINST_LEAST = "effect over the least one worth having (1: just worth it)"
DPI = 160
WIDTH, ROW, GAP = 3.6, 0.24, 0.6  # inches: an axis, a claim on it, what is between two axes


def headlines(claims: Iterable[Claim], paper: str) -> list[tuple[Headline, Claim]]:
    """A paper's headline claims that were tested, in the paper's order."""
    asked = PAPERS[paper].headlines if paper in PAPERS else ()
    ours = [claim for claim in claims if claim["paper"] == paper]
    return [(one, claim) for one in asked for claim in ours if _is_about(claim, one)]


def _is_about(claim: Claim, headline: Headline) -> bool:
    return claim["item"] == headline.item and all(part in claim["statement"] for part in headline.parts)


def points(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """The rows of the plot: headline claims that have a scale, relative to it."""
    found = [row for paper in PAPERS for row in headlines(claims, paper)]
    return [_point(headline, claim, *scale) for headline, claim in found if (scale := _scale(claim))]


def _scale(claim: Claim) -> tuple[str, float] | None:
    """Divisor of an effect: the paper's value, or else the least effect worth having."""
    runs = claim["paper_value"] if isinstance(claim["paper_value"], list) else [claim["paper_value"]]
    printed = [number for number in map(_number, runs) if number is not None]
    paper, least = sum(printed) / max(len(printed), 1), _number(claim.get("least_effect"))
    if paper > 0:
        return AGAINST_PAPER, paper
    return (AGAINST_LEAST, least) if least and least > 0 else None


def _number(value: Any) -> float | None:
    """A number, also from a text."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _point(headline: Headline, claim: Claim, across: str, scale: float) -> dict[str, Any]:
    ours, outdated = _number(claim["ours"]), standing(claim) == OUTDATED
    low, high = claim["interval"] or (ours, ours)
    ours_text = f"{text_of(claim['ours']) or '?'} {text_of(claim['interval'])}".strip()
    return {
        "across": across,
        "claim": headline.label + " (miniature)" * (claim.get("evidence") == MINIATURE),
        **{name: None if end is None else end / scale for name, end in {"value": ours, "low": low, "high": high}.items()},
        "verdict": OUTDATED if outdated else claim["verdict"],
        "text": f"{ours_text}, {'paper' if across == AGAINST_PAPER else 'least'} {text_of(scale)}",
    }


def draw_headlines(claims: Iterable[Claim], root: Path) -> list[str]:
    """Draw the headline claims that have a scale; returns the file made, relative to ``root``, if there are such claims."""
    rows = points(claims)
    if not rows:
        return []
    from PIL import Image

    path = root / "experiments" / PICTURE
    with atomically(path) as new, BytesIO() as drawn:
        _draw(rows).savefig(drawn, format="png", dpi=DPI, bbox_inches="tight")
        Image.open(drawn).convert("RGB").quantize(N_COLOURS).save(new, "PNG", optimize=True)
    return [path.relative_to(root).as_posix()]


def _draw(rows: list[dict[str, Any]]) -> Figure:
    """Draw one axis for each scale, one below the other."""
    import pandas as pd  # these take seconds, which a list of notebooks should not
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from nastoolkit.figures import STYLE, plot_forest

    groups = list(pd.DataFrame(rows).groupby("across", sort=False))
    height = ROW * len(rows)
    with rc_context(STYLE | {"figure.constrained_layout.use": False}):
        figure = Figure(figsize=(WIDTH, height + GAP * (len(groups) - 1)))
        where = {"left": 0, "right": 1, "bottom": 0, "top": 1, "hspace": GAP * len(groups) / height}
        sizes = [len(group) for _, group in groups]
        axes = figure.subplots(len(groups), squeeze=False, height_ratios=sizes, gridspec_kw=where)[:, 0]
        for axis, (across, group) in zip(axes, groups, strict=True):
            plot_forest(axis, group, str(across))
        named = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
        below = (0.5, -GAP / (ROW * sizes[-1]))
        axes[-1].legend(named.values(), named.keys(), ncols=4, loc="upper center", bbox_to_anchor=below)
    return figure
