"""Colours of lines: an algorithm has the same colour in every figure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import cycle

from nastoolkit.figures.saving import COLOURS

BLUE, RED, GREEN, PINK, ORANGE, SKY = COLOURS
BLACK, GREY = "#000000", "#7F7F7F"  # what others are compared with; the palette has black, too
OF_ALGORITHMS = {  # by the first word of a label, or else what stands in brackets at its end; without signs
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
    named = [_of_algorithm(str(label)) for label in labels]
    others = cycle([colour for colour in COLOURS if colour not in named] or COLOURS)
    colours: list[str] = []
    for colour in named:
        colours.append(next(others) if colour is None or colour in colours else colour)
    return colours


def _of_algorithm(label: str) -> str | None:
    """The colour of the algorithm that a label names, e.g. ``linas, seed 1`` or ``concurrent (linas)``."""
    words = [re.split(r"[ ,:(]", label.strip())[0], *re.findall(r"\(([^()]+)\)$", label.strip())]
    found = (OF_ALGORITHMS.get(re.sub(r"[^a-z0-9]", "", word.lower())) for word in words)
    return next(filter(None, found), None)
