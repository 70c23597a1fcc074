"""What predictors see of sub-networks: ordered options as numbers, others as indicators, and counts of options.

Blocks of a network are similar: a larger kernel has about the same effect in one block as in another. Therefore the number of
blocks that have it is a feature of its own, from which a predictor learns with few rows what it would otherwise learn block by
block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import block_diag, csr_array

from nastoolkit.choices import Choice

MANY = 4  # ordered options, from which on steps say more than indicators


def feature_matrix(choices: Sequence[Choice]) -> np.ndarray:
    """The matrix ``(k, f)`` that turns one-hot genotypes ``(n, k)`` into features ``(n, f)``.

    A choice with an order is one feature: its option (for texts, their position from 1), or 0 if the choice is dead. Any other
    choice has an indicator for each option. Then come counts: for each option that several choices of one kind have, the
    number of these with that option or, if they have an order, with that or a larger one.
    """
    single = [_numbers(choice)[:, None] if choice.ordered else np.eye(len(choice.options)) for choice in choices]
    columns = [_spread(choices, {place: block}) for place, block in enumerate(single)]
    groups: dict[tuple[str, bool | None], list[int]] = {}
    for place, choice in enumerate(choices):
        groups.setdefault((choice.role, choice.ordered), []).append(place)
    columns += [_counts(choices, places) for places in groups.values() if len(places) > 1]
    return np.hstack(columns)


def step_matrix(choices: Sequence[Choice]) -> csr_array:
    """The matrix ``(k, k)`` that turns one-hot genotypes ``(n, k)`` into steps: options near each other have similar rows.

    A choice with an order and ``MANY`` options or more has its number and, for each option but the least, an indicator of
    whether its own is at least that large, half of its variance each. Any other choice stays as it is. All vary as before.
    """
    return csr_array(block_diag([_steps(choice) for choice in choices], format="csr"))


def _steps(choice: Choice) -> np.ndarray:
    numbers, least_to_most = _numbers(choice), np.sort(_numbers(choice))
    if not choice.ordered or len(numbers) < MANY:
        return np.eye(len(numbers))
    steps = (numbers[:, None] >= least_to_most[1:]).astype(float)
    both = np.column_stack([numbers / numbers.std(), steps / np.sqrt(steps.var(axis=0).sum())])
    return both * np.sqrt((1 - 1 / len(numbers)) / 2)


def role_matrices(choices: Sequence[Choice]) -> tuple[np.ndarray, np.ndarray]:
    """Matrices ``(k, r)`` that turn one-hot genotypes ``(n, k)`` into sums over each role's choices, and into their number.

    The sums are of options as shares of the role's largest one, by size; texts count by their positions from 1.
    """
    roles = list(dict.fromkeys(choice.role for choice in choices))
    numbers = np.concatenate([_numbers(choice) for choice in choices])
    role_of = np.concatenate([[roles.index(choice.role)] * len(choice.options) for choice in choices])
    members = np.eye(len(roles))[role_of]
    largest = (np.abs(numbers)[:, None] * members).max(axis=0)
    return members * (numbers / np.where(largest > 0, largest, 1.0)[role_of])[:, None], members


def _counts(choices: Sequence[Choice], places: Sequence[int]) -> np.ndarray:
    """Matrix ``(k, c)`` of the counts to which each of k options adds, for choices of one kind."""
    ordered = choices[places[0]].ordered
    known: dict[int, Sequence[Any]] = {p: _numbers(choices[p]).tolist() if ordered else choices[p].options for p in places}
    levels = dict.fromkeys(option for options in known.values() for option in options)
    has = {p: [[o >= level if ordered else o == level for level in levels] for o in options] for p, options in known.items()}
    return _spread(choices, {p: np.array(block, dtype=float) for p, block in has.items()})


def _spread(choices: Sequence[Choice], blocks: dict[int, np.ndarray]) -> np.ndarray:
    """Rows ``(k, f)`` for the options of all choices: given ones for some choices, by place, else 0."""
    width = next(iter(blocks.values())).shape[1]
    return np.vstack([blocks.get(place, np.zeros((len(choice.options), width))) for place, choice in enumerate(choices)])


def _numbers(choice: Choice) -> np.ndarray:
    if any(isinstance(option, str) for option in choice.options):
        return np.arange(1.0, len(choice.options) + 1)
    return np.array(choice.options, dtype=float)
