"""Regression tasks: the authors' two, and the space for the search for a better one ([Li2021], Section 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nastoolkit.space import Choice, SearchSpace
from nastoolkit.systems.gennas.signals import Basis, Dot, GDot, Resize, Signals, Sin1D, Sin2D, Stage

BASES: Mapping[str, type[Basis]] = {"sin1d": Sin1D, "sin2d": Sin2D, "dot": Dot, "gdot": GDot, "resize": Resize}
BANDS = {"low": (0.0125, 0.125), "middle": (0.125, 0.35), "high": (0.375, 0.4875)}  # the last two are from the released code
N_STAGES = 3
LOCAL = "for each image"
COMBO, COMBO_WHITE, TRANSFERRED = "combo", "white noise", "found on NAS-Bench-101"

_sines = Sin1D(level=1.0, band=BANDS["high"])
_combo = Signals(  # CONF_COMBO of the released code
    stages=(
        Stage(bases=(_sines, Sin2D(level=1.0, band=BANDS["high"]), Dot(level=1.0))),
        Stage(bases=(_sines, Sin2D(level=1.0, band=BANDS["middle"]), Resize(level=1.0))),
        Stage(bases=(_sines, Dot(level=1.0), Resize(level=1.0))),
    )
)
_second = (  # from CONF_NB101, with the ends of the bands of its single frequencies
    Sin1D(level=1.8, band=(0.288, 0.306)),
    Sin2D(level=2.9, band=(0.265, 0.421)),
    GDot(level=1.1, share=0.578),
    Resize(level=2.4),
)
_third = (
    Sin1D(level=1.5, band=(0.105, 0.158), local=False),
    Sin2D(level=0.9, band=(0.086, 0.245), local=False),
    GDot(level=2.1, share=0.4375, local=False),
    Resize(level=2.2),
)
_first = (Sin2D(level=1.1, band=(0.0143, 0.0229)),)
TASKS: Mapping[str, Signals] = {
    COMBO: _combo,
    COMBO_WHITE: replace(_combo, is_white=True),
    TRANSFERRED: Signals(
        stages=(Stage(bases=_first), Stage(bases=_second, width=0.75), Stage(bases=_third, width=0.25)), noise=0.1
    ),
}


def _choices(stage: int, name: str) -> list[Choice]:
    """The level of a basis in a stage, and its other choices, which need a level above 0."""
    levels = (0.0, 0.5, 1.1, 1.7, 2.3, 2.9)
    level = Choice(f"stage{stage}.{name}.level", levels)
    is_there = (level.name, levels[1:])
    others: dict[str, tuple[Any, ...]] = {"band": tuple(BANDS)} if name.startswith("sin") else {}
    others |= {"share": (0.25, 0.5, 0.75, 1.0)} if name.endswith("dot") else {}
    others |= {"local": (LOCAL, "for all images")} if name != "resize" else {}
    return [level, *(Choice(f"stage{stage}.{name}.{key}", options, when=is_there) for key, options in others.items())]


SPACE = SearchSpace(
    [
        Choice("noise", (0.0, 0.1, 0.3, 0.6, 0.9)),
        *(Choice(f"stage{stage}.width", (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)) for stage in range(1, N_STAGES + 1)),
        *(choice for stage in range(1, N_STAGES + 1) for name in BASES for choice in _choices(stage, name)),
    ]
)


def signals_of(genotype: np.ndarray) -> Signals:
    """The regression task of a genotype ``(d,)`` of ``SPACE``."""
    options = SPACE.decode(genotype)
    stages = tuple(_stage(options, f"stage{stage}") for stage in range(1, N_STAGES + 1))
    return Signals(stages=stages, noise=options["noise"])


def _stage(options: Mapping[str, Any], stage: str) -> Stage:
    return Stage(bases=tuple(_bases(options, stage)), width=options[f"{stage}.width"])


def _bases(options: Mapping[str, Any], stage: str) -> list[Basis]:
    settings = {name: _settings(options, f"{stage}.{name}.") for name in BASES}
    return [BASES[name](**values) for name, values in settings.items() if values["level"]]


def _settings(options: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The fields of a basis."""
    chosen = {name.removeprefix(prefix): option for name, option in options.items() if name.startswith(prefix)}
    if "band" in chosen:
        chosen["band"] = BANDS[chosen["band"]]
    if "local" in chosen:
        chosen["local"] = chosen["local"] == LOCAL
    return chosen
