"""Searches that chose by some values, judged by others: for example, selected on validation and reported on test data."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.history import History
from nastoolkit.objectives import complete
from nastoolkit.space import genotype_keys
from nastoolkit.studies.evaluation import Evaluate
from nastoolkit.studies.optimize import optimize


def reevaluate(
    histories: Sequence[History],
    evaluate: Evaluate,
    store: str | Path | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> list[History]:
    """The same searches with the values of another ``evaluate``, which measures every sub-network that was ever on a front
    once.

    Args:
        histories: Searches of one space with the same measured objectives; exact ones may differ.
        evaluate: Genotypes ``(n, d)`` to raw values ``(n, m')``, as :func:`nastoolkit.studies.optimize` takes it.
        store: Store file, not the one of the searches, because the values differ.
        executor: See :func:`nastoolkit.studies.optimize`.
        progress: See :func:`nastoolkit.studies.optimize`.

    Returns:
        Histories with the same rows; a row that was never on its search's front has NaN.
    """
    space, measured = histories[0].space, [o for o in histories[0].objectives if o.exact is None]
    joined = [[row for row, _ in history.growing_front()] for history in histories]
    rows = [history.genotypes[on_front] for history, on_front in zip(histories, joined, strict=True)]
    wanted = np.unique(np.concatenate(rows), axis=0)
    how: dict[str, Any] = {"store": store, "executor": executor, "progress": progress, "warm_start": wanted}
    measured_again = optimize(space, evaluate, measured, "random", len(wanted), 0, **how)
    value_of = dict(zip(genotype_keys(measured_again.genotypes), measured_again.values, strict=True))
    judged = []
    for history, genotypes, on_front in zip(histories, rows, joined, strict=True):
        values = np.full(history.values.shape, np.nan)
        known = np.array([value_of[key] for key in genotype_keys(genotypes)]).reshape(-1, len(measured))
        values[on_front] = complete(history.objectives, genotypes, known)
        judged.append(History(space, history.objectives, history.genotypes, values))
    return judged
