"""Choices: the decisions that make up a sub-network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Choice:
    """One decision: a name, its options, and the condition under which it matters.

    Attributes:
        name: Unique in its space, e.g. ``stage1.block3.kernel``.
        options: The values to choose from, all different.
        when: ``(name of an earlier choice, its options for which this choice is alive)``; None means always alive.
        ordered: Whether neighbouring options are similar, like sizes and unlike operations; by default true for numbers.
        kind: What is chosen, e.g. ``kernel``; by default the last part of the name without numbers.

    Raises:
        ValueError: No option at all, two equal ones, or some that are neither all numbers nor all texts.
    """

    name: str
    options: tuple[Any, ...]
    when: tuple[str, tuple[Any, ...]] | None = None
    ordered: bool | None = None
    kind: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", tuple(self.options))
        if not any(all(isinstance(option, kind) for option in self.options) for kind in (int | float, str)):
            raise ValueError(f"options of {self.name!r} must be all numbers or all texts, got {self.options}")
        if not self.options or len(set(self.options)) < len(self.options):
            raise ValueError(f"choice {self.name!r} needs different options, got {self.options}")
        if self.when is not None:
            parent, options = self.when
            object.__setattr__(self, "when", (parent, tuple(options)))
        if self.ordered is None:
            object.__setattr__(self, "ordered", all(isinstance(option, int | float) for option in self.options))
        if not self.kind:
            object.__setattr__(self, "kind", re.sub(r"\d+", "", self.name.rpartition(".")[2]) or "choice")

    @property
    def role(self) -> str:
        """The name without numbers, e.g. ``stage.block.kernel``: choices with the same role act alike."""
        return re.sub(r"\d+", "", self.name) or "choice"

    @property
    def place(self) -> str:
        """Where in the network the choice is: its name without the last part, e.g. ``stage1.block3``."""
        return self.name.rpartition(".")[0]

    def index(self, option: Any) -> int:
        """The index of an option; ValueError if the choice does not have it."""
        if option not in self.options:
            raise ValueError(f"{self.name!r} has no option {option!r}; its options are {self.options}")
        return self.options.index(option)


def is_missing(option: Any) -> bool:
    """Whether a value means a missing one: None, NaN of Python or numpy, or pandas's NA."""
    return not isinstance(option, str) and str(option) in ("None", "nan", "<NA>")


Conditions = dict[int, tuple[int, np.ndarray]]  # gene to its parent, and which of the parent's options wake it


def in_turns(conditions: Conditions, width: int) -> list[tuple[list[int], list[int], np.ndarray]]:
    """Genes that have conditions, grouped into as few turns as possible: the parents of a turn's genes are in earlier turns.

    Args:
        conditions: Conditions of the genes; a parent's come before those of the genes that depend on it.
        width: Number of options of the choice that has the most.

    Returns:
        For each turn its genes ``(k,)``, their parents ``(k,)``, and which options of these wake them: bools ``(k, width)``.
    """
    turn_of: dict[int, int] = {}
    for gene, (parent, _) in conditions.items():
        turn_of[gene] = turn_of.get(parent, -1) + 1
    turns = []
    for turn in sorted(set(turn_of.values())):
        genes = [gene for gene, own in turn_of.items() if own == turn]
        wakes = np.stack([np.resize(conditions[gene][1], width) for gene in genes])
        turns.append((genes, [conditions[gene][0] for gene in genes], wakes))
    return turns
