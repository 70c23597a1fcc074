"""Jobs of NCP's notebook: edits looked up in tables, and edits judged by a referee.

[Ding2021] M. Ding et al., "Learning Versatile Neural Architectures by Propagating Network Codes", ICLR 2022,
arXiv 2103.13253, Sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable
from nastoolkit.predictors import PREDICTORS
from nastoolkit.published import MultiResolutionNetworks, nas_bench_201_short, nas_bench_mr
from nastoolkit.space import SearchSpace
from nastoolkit.systems.ncp.editing import N_EPOCHS, N_STEPS, CodePredictor, Codes, edit, fit_predictor

TASKS = ("cls_50_1000", "cls_50_100", "cls_10_1000", "cls_10c", "seg", "seg_4x", "video", "video_p")  # from NAS-Bench-MR
METRICS = {task: f"{task}_mIoU" if task.startswith("seg") else f"{task}_top1" for task in TASKS}
DIGITS, CELLS = "digits-mbv3-table", "nas-bench-201"
DEGREES = {"linear ridge": 1, "quadratic ridge": 2}
BOTH, PICKED = "seg + video", "picked"


@dataclass(frozen=True)
class KnownSpace:
    """A space in which all networks were measured.

    Attributes:
        space: Space of the networks.
        quality: Function from genotypes ``(n, d)`` to the metric ``(n,)``, in %.
        cost: Function from genotypes ``(n, d)`` to a cost ``(n,)``; None if there is none.
    """

    space: SearchSpace
    quality: Callable[[np.ndarray], np.ndarray]
    cost: Callable[[np.ndarray], np.ndarray] | None = None


def known_space(name: str) -> KnownSpace:
    """``digits-mbv3-table``, which ships here, or ``nas-bench-201``: ImageNet16-120 after 200 epochs, from the user's file.

    Raises:
        FileNotFoundError: The file is missing; the message says what it is.
        ValueError: There is no such space.
    """
    if name == DIGITS:
        table = DigitsTable("mmacs")
        look_up = table.look_up
        return KnownSpace(table.space, lambda g: look_up("accuracy_top1", g), lambda g: look_up("mmacs", g))
    if name != CELLS:
        raise ValueError(f"unknown space {name!r}; known: {DIGITS}, {CELLS}")
    cells = nas_bench_201_short()
    base = 5 ** np.arange(cells.genotypes.shape[1])
    accuracy = np.empty(len(cells.genotypes))
    accuracy[cells.genotypes @ base] = cells.measured["imagenet16_test_200ep"]
    return KnownSpace(cells.space, lambda genotypes: accuracy[genotypes @ base])


def looked_up_edits(
    problem: str, seed: int, n_labels: int = 300, n_starts: int = 50, n_epochs: int = N_EPOCHS
) -> list[dict[str, Any]]:
    """Edit random networks of a known space and look up their values; a job of a grid.

    Args:
        problem: See :func:`known_space`.
        seed: Random seed of everything.
        n_labels: Number of networks that the predictor learns from.
        n_starts: Number of random networks to edit, with 70 steps each.
        n_epochs: See :func:`nastoolkit.systems.ncp.editing.fit_predictor`.

    Returns:
        A row: the mean ``gain`` of a network in points, and ``cost_share``, the mean final cost as a share of that at the
        start; the best network among the ``edited`` ones, among ``random`` ones with as many labels, and among those that
        the predictor ``picked`` from as many random ones as editing visits.
    """
    known, rng = known_space(problem), np.random.default_rng(seed)
    labelled, start = known.space.sample(n_labels, rng), known.space.sample(n_starts, rng)
    codes, values = Codes(known.space, labelled), known.quality(labelled)[:, None]
    if known.cost is not None:
        values = np.column_stack([values, known.cost(labelled)])
    predictor = fit_predictor(codes.of(labelled), values, seed, n_epochs)
    edited = edit([predictor], codes, start)
    picked = _picked([predictor], codes, n_starts, rng)
    best = {name: known.quality(found).max() for name, found in (("edited", edited[-1]), ("picked", picked))}
    best["random"] = max(known.quality(labelled).max(), known.quality(start).max())
    gain = known.quality(edited[-1]) - known.quality(start)
    share = known.cost(edited[-1]).mean() / known.cost(start).mean() if known.cost is not None else None
    return [{"gain": gain.mean(), "cost_share": share, "n_different": len(np.unique(edited[-1], axis=0)), **best}]


def judged_edits(seed: int, n_starts: int = 50, n_epochs: int = N_EPOCHS) -> list[dict[str, Any]]:
    """Predict and edit the networks of NAS-Bench-MR for its eight tasks, and two tasks at once; a job of a grid.

    Predictors learn from one half of the networks. The referee of a task, gradient boosting, learned from the other half;
    an edited network's result is the share of the table's networks that the referee rates lower.

    Args:
        seed: Seed of the halves and of everything else.
        n_starts: Number of networks of the first half to edit, with 70 steps each.
        n_epochs: See :func:`nastoolkit.systems.ncp.editing.fit_predictor`.

    Returns:
        Rows of ``what``: ``correlation`` (Spearman on the second half, by ``arm``), ``edit`` (for ``arm``, judged on ``task``:
        percentile, that of the start, and the mean MACs as a share of those of the start; the same for networks that the
        predictor picks among as many random ones as editing visits) and ``seconds`` of processor time of a part.
    """
    table, rng = nas_bench_mr(), np.random.default_rng(seed)
    mine, theirs = np.array_split(rng.permutation(len(table.genotypes)), 2)
    codes = Codes(table.space, table.genotypes[mine])
    x = codes.of(table.genotypes)
    rows, begun = correlations(table, x, mine, theirs), process_time()
    predictors = {task: _predictor(table, task, x, mine, seed, n_epochs) for task in TASKS}
    rows.append({"what": "seconds", "arm": "training of eight predictors", "value": process_time() - begun})
    for task, predictor in predictors.items():
        rho = spearmanr(predictor.predict(x[theirs]), table.measured[METRICS[task]][theirs]).statistic
        rows.append({"what": "correlation", "arm": "NCP", "task": task, "value": rho})
    judge, start = Referees(table, theirs), table.genotypes[rng.choice(mine, n_starts, replace=False)]
    for arm, used in {**{task: [task] for task in TASKS}, BOTH: ["seg", "video"]}.items():
        begun = process_time()
        end = edit([predictors[task] for task in used], codes, start)[-1]
        rows.append({"what": "seconds", "arm": f"edits for {arm}", "value": process_time() - begun})
        picked = _picked([predictors[task] for task in used], codes, n_starts, rng)
        rows += judge.rows(arm, start, end) + judge.rows(f"{arm}, {PICKED}", start, picked)
    return rows


def _picked(predictors: Sequence[CodePredictor], codes: Codes, n: int, rng: np.random.Generator) -> np.ndarray:
    """The n networks with the highest predictions among as many random ones as the editing of n networks visits."""
    visited = codes.space.sample(N_STEPS * n, rng)
    said = np.sum([predictor.predict(codes.of(visited)) for predictor in predictors], axis=0)
    return visited[np.argsort(-said)[:n]]


def _predictor(
    table: MultiResolutionNetworks, task: str, x: np.ndarray, rows: np.ndarray, seed: int, n_epochs: int
) -> CodePredictor:
    values = np.column_stack([table.measured[METRICS[task]], table.costs["mmacs"]])
    return fit_predictor(x[rows], values[rows], seed, n_epochs)


def correlations(table: MultiResolutionNetworks, x: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> list[dict[str, Any]]:
    """Spearman's correlation of linear and of quadratic ridge regression, and of MACs alone, on the networks ``theirs``."""
    rows = []
    for task in TASKS:
        values = table.measured[METRICS[task]]
        said = {arm: _ridge(degree).fit(x[mine], values[mine]).predict(x[theirs]) for arm, degree in DEGREES.items()}
        said["MACs"] = table.costs["mmacs"][theirs]
        for arm, predicted in said.items():
            rho = spearmanr(predicted, values[theirs]).statistic
            rows.append({"what": "correlation", "arm": arm, "task": task, "value": rho})
    return rows


def _ridge(degree: int) -> Any:
    return make_pipeline(PolynomialFeatures(degree, include_bias=False), StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))


class Referees:
    """A referee for each task: gradient boosting on the code, which learned from networks that no predictor saw."""

    def __init__(self, table: MultiResolutionNetworks, rows: np.ndarray) -> None:
        self.table, self._codes = table, Codes(table.space, table.genotypes)
        known = self._codes.of(table.genotypes)
        self._models = {task: PREDICTORS["lightgbm"]().fit(known[rows], table.measured[METRICS[task]][rows]) for task in TASKS}
        self._all = {task: np.sort(model.predict(known)) for task, model in self._models.items()}

    def percentiles(self, task: str, genotypes: np.ndarray) -> np.ndarray:
        """Share ``(n,)`` of the table's networks that are worse, in %."""
        said = self._models[task].predict(self._codes.of(genotypes))
        return 100 * np.searchsorted(self._all[task], said) / len(self._all[task])

    def rows(self, arm: str, start: np.ndarray, end: np.ndarray) -> list[dict[str, Any]]:
        """Results of edited networks in every task, averaged over the networks."""
        share = float(self.table.cost("mmacs", end).mean() / self.table.cost("mmacs", start).mean())
        return [
            {
                "what": "edit",
                "arm": arm,
                "task": task,
                "value": self.percentiles(task, end).mean(),
                "start": self.percentiles(task, start).mean(),
                "cost_share": share,
            }
            for task in TASKS
        ]


def joint_gain(edits: pd.DataFrame, joint: str = BOTH) -> pd.Series:
    """Percentiles, averaged over seg and video, by which networks for both exceed the better of those edited for one task.

    Args:
        edits: Rows ``edit`` of :func:`judged_edits`, with their seeds.
        joint: Arm of the networks for both.
    """
    means = edits[edits.task.isin(["seg", "video"])].pivot_table("value", "seed", "arm")
    return means[joint] - means[["seg", "video"]].max(axis=1)


def gain_on_six(edits: pd.DataFrame, suffix: str = "") -> pd.Series:
    """Percentiles that networks gain in their own task, in at least six of eight tasks: the third smallest, for each seed.

    Args:
        edits: Rows ``edit`` of :func:`judged_edits`, with their seeds.
        suffix: End of the arms' names.
    """
    own = edits[edits.arm == edits.task + suffix]
    return own.assign(gain=own.value - own.start).groupby("seed").gain.agg(lambda gains: np.sort(gains)[2])
