"""Colours of lines: an algorithm has the same colour in every figure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import cycle

from nastoolkit.figures.saving import COLOURS

BLUE, RED, GREEN, PINK, ORANGE, SKY = COLOURS
BLACK, GREY = "#000000", "#7F7F7F"  # what others are compared with; the palette has black, too
OF_ALGORITHMS = {  # by the first word of a label, without signs
    "linas": BLUE,
    "random": RED,
    "bayes": GREEN,
    "bayesian": GREEN,
    "weaknas": PINK,
    "nsga2": ORANGE,
    "nsgaii": ORANGE,
    "nat": SKY,
    "default": BLACK,
    "full": GREY,
}


def colours_of(labels: Iterable[object]) -> list[str]:
    """A colour for each label: that of the algorithm it names, or else the next one that is free; then all again."""
    named = [OF_ALGORITHMS.get(_first_word(str(label))) for label in labels]
    others = cycle([colour for colour in COLOURS if colour not in named] or COLOURS)
    colours: list[str] = []
    for colour in named:
        colours.append(next(others) if colour is None or colour in colours else colour)
    return colours


def _first_word(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", re.split(r"[ ,:(]", label.strip().lower())[0])
