"""The problems that the notebooks search: a supernet measured on this machine, or published data of Once-for-All's.

Both have the same methods. They keep measurements and finished searches in a folder, from which another process, or the same
one later, gets them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import Problem, SupernetProblem
from nastoolkit.benchmarks.race import Curves, replayed_history
from nastoolkit.benchmarks.supernet_problem import MACS
from nastoolkit.claims import MINIATURE, OWN_PROBLEM, PUBLIC_DATA
from nastoolkit.families import FAMILIES
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.published import AccuracyPredictor, i7_8700k, note10
from nastoolkit.space import SearchSpace
from nastoolkit.studies.results import Row

FAMILY, TASK = "ofa-mbv3-w1.2", "imagenet"  # of the paper
DESKTOP, PHONE = "i7-8700K", "Note10"
MEASURED = (160, 176, 192, 208, 224)  # resolutions in pixels for which the phone has a table


@cache
def _whole_space() -> SearchSpace:
    return FAMILIES[FAMILY]().space


@lru_cache(maxsize=1)
def _costs(data_folder: str) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    folder = data_folder or None
    phone, desktop = note10(folder), i7_8700k(FAMILY, folder)
    return {DESKTOP: desktop.latency_ms, PHONE: phone.latency_ms, MACS: phone.family.mmacs}


@dataclass(frozen=True, kw_only=True)
class PublishedTables:
    """Once-for-All's MobileNetV3 of width 1.2 by its published accuracy predictor and published latencies of two devices.

    The predictor promises some 5 points too much but ranks well; here it counts as the truth, so there is nothing to report on
    test data.

    Attributes:
        folder: Folder that keeps finished searches.
        data_folder: Folder of the published files; empty means the usual places, see :func:`nastoolkit.published.find`.
        resolutions: Image resolutions in the search space, in pixels.
    """

    folder: str
    data_folder: str = ""
    resolutions: Sequence[int] = MEASURED

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return _whole_space().restrict({"resolution": self.resolutions})

    @property
    def quality(self) -> Objective:
        """The predicted accuracy, to be maximised."""
        return Objective("accuracy_top1", "max", "%")

    def cost(self, name: str) -> Objective:
        """The exact cost of sub-networks: ``MACs``, or the latency of ``i7-8700K`` or ``Note10``.

        Raises:
            FileNotFoundError: The published files are not on this machine.
        """
        exact = _costs(self.data_folder)[name]
        if name == MACS:
            return Objective("mmacs", "min", "M", exact=exact)
        return Objective("latency_ms", "min", "ms", exact=exact)

    def accuracy(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to predicted accuracies ``(n, 1)``, in %."""
        return _predictor(self.data_folder)(genotypes)[:, None]

    def search(
        self, cost: str, algorithm: str, budget: int, seed: int, space: SearchSpace | None = None, **settings: Any
    ) -> History:
        """A search by accuracy and a cost, read from its file if it was made before; see :meth:`SupernetProblem.search`."""
        problem = Problem(space or self.space, self.accuracy, [self.quality, self.cost(cost)])
        return replayed_history(Path(self.folder) / "searches", problem, algorithm, budget, seed, **settings)

    def judged(self, histories: Sequence[History]) -> list[History]:
        """The same searches, as there is no other accuracy to judge them by."""
        return list(histories)

    def as_argument(self, *costs: str) -> dict[str, Any]:
        """Plain values from which another process rebuilds this problem: an argument of a job.

        Args:
            *costs: Names of the costs that the job uses.

        Raises:
            FileNotFoundError: The published files are not on this machine.
        """
        _predictor(self.data_folder)
        for name in costs:
            self.cost(name)
        return asdict(self)


@lru_cache(maxsize=1)
def _predictor(data_folder: str) -> AccuracyPredictor:
    return AccuracyPredictor(_whole_space(), data_folder or None)


def problem_from(argument: Mapping[str, Any]) -> SupernetProblem | PublishedTables:
    """The problem described by the values that ``as_argument`` of either class returned."""
    return SupernetProblem(**argument) if "family_name" in argument else PublishedTables(**argument)


def evidence_of(problem: SupernetProblem | PublishedTables) -> str:
    """How close a problem's evidence is to the paper; one of :data:`nastoolkit.claims.EVIDENCE`."""
    if isinstance(problem, PublishedTables):
        return PUBLIC_DATA
    return OWN_PROBLEM if (problem.family_name, problem.task_name) == (FAMILY, TASK) else MINIATURE


def judged_curves(
    problem: SupernetProblem | PublishedTables, searches: Mapping[str, History], reference_point: Sequence[float]
) -> list[Row]:
    """Hypervolume of each search after every evaluation, by test accuracies if there are any.

    Args:
        problem: Problem that was searched.
        searches: Histories by the names of the searches.
        reference_point: Reference point ``(2,)`` of hypervolumes: quality and cost.

    Returns:
        A row for each search: ``search``, and ``hypervolume``, a list over its evaluations.
    """
    judged = problem.judged(list(searches.values()))
    pairs = zip(searches.items(), judged, strict=True)
    return [{"search": name, "hypervolume": _curve(h, by, reference_point).tolist()} for (name, h), by in pairs]


def _curve(history: History, judged: History, reference_point: Sequence[float]) -> np.ndarray:
    if judged is history:
        return history.hypervolume_curve(reference_point)  # the same, but faster
    return history.judged_curve(judged, reference_point)


def curves_by_search(rows: pd.DataFrame) -> dict[str, Curves]:
    """The curves of each search over its seeds, from the rows of :func:`judged_curves` for all seeds in order."""
    return {name: Curves(np.stack(of_search.hypervolume)) for name, of_search in rows.groupby("search", sort=False)}


def points_of(runs: Mapping[str, Curves], evaluations: Sequence[int]) -> pd.DataFrame:
    """The hypervolume of each search and seed after some numbers of evaluations; see :meth:`Curves.to_frame`.

    Args:
        runs: Curves by the names of the searches.
        evaluations: Numbers of evaluations; those beyond a search's end are left out.
    """
    frames = {name: run.to_frame([k for k in evaluations if k <= run.curves.shape[1]]) for name, run in runs.items()}
    return pd.concat(frames, names=["search"]).reset_index("search")


def front_of_all(histories: Sequence[History]) -> History:
    """The joint front of several searches by the same objectives."""
    genotypes, values = (np.concatenate([getattr(h, what) for h in histories]) for what in ("genotypes", "values"))
    return History(histories[0].space, histories[0].objectives, genotypes, values).front()


def percent_of(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """Parts ``(n,)`` in % of wholes ``(n,)``; 0 if the whole is 0."""
    return np.where(wholes > 0, 100 * parts / np.where(wholes > 0, wholes, 1), 0.0)
