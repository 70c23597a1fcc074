"""Estimates: an objective predicted from earlier measurements, so that a search measures nothing.

This is the tactic *estimation* of [Cummings2022], Figure 1; the others are validation, where everything is measured, and
concurrent search, where predictors learn during the search. A predictor is saved as its training data: fitting it again takes
a second and gives the same predictions, and a file of numbers runs no code when it is read.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, cross_val_predict

from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.predictors.regressors import DEFAULT_PREDICTOR, PREDICTORS
from nastoolkit.predictors.scores import kendall_tau
from nastoolkit.space import SearchSpace
from nastoolkit.support.files import atomically

N_FOLDS = 5
PARTS = ("space", "objective", "predictor", "genotypes", "values")  # of a file


class Estimate:
    """Predicts an objective: a function from genotypes ``(n, d)`` to values ``(n,)``, for :attr:`Objective.exact`.

    Args:
        past: Past measurements; evaluations that failed are left out.
        name: The objective of ``past`` that is predicted.
        predictor: A key of :data:`nastoolkit.predictors.PREDICTORS`.

    Raises:
        ValueError: There is no such objective or predictor, or there are fewer measurements than folds of the check.
    """

    def __init__(self, past: History, name: str, predictor: str = DEFAULT_PREDICTOR) -> None:
        names = [objective.name for objective in past.objectives]
        if name not in names:
            raise ValueError(f"{name!r} was not measured; measured: {', '.join(names)}")
        if predictor not in PREDICTORS:
            raise ValueError(f"unknown predictor {predictor!r}; known: {', '.join(PREDICTORS)}")
        measured = past[~past.failed]
        if len(measured) < N_FOLDS:
            raise ValueError(f"an estimate of {name} needs at least {N_FOLDS} measurements, got {len(measured)}")
        self.space, self.objective, self.predictor = past.space, past.objectives[names.index(name)], predictor
        self.genotypes, self.values = measured.genotypes, measured.values[:, names.index(name)]
        self._fitted = PREDICTORS[predictor]().fit(self.space.features(self.genotypes), self.values)

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Predictions ``(n,)`` for genotypes ``(n, d)``."""
        return self._fitted.predict(self.space.features(genotypes))

    def __len__(self) -> int:
        return len(self.values)

    def kendall_tau(self) -> float:
        """Rank correlation of measurements with their predictions from the other folds: how good the estimate is."""
        features, folds = self.space.features(self.genotypes), KFold(N_FOLDS, shuffle=True, random_state=0)
        predicted = cross_val_predict(PREDICTORS[self.predictor](), features, self.values, cv=folds)
        return kendall_tau(self.values, predicted)

    def save(self, path: str | Path) -> Path:
        """Write its training data as JSON, completely or not at all."""
        objective = {"name": self.objective.name, "direction": self.objective.direction, "unit": self.objective.unit}
        rows = {"genotypes": self.genotypes.tolist(), "values": self.values.tolist()}
        content = {"space": self.space.fingerprint, "objective": objective, "predictor": self.predictor, **rows}
        with atomically(path) as file:
            file.write_text(json.dumps(content))
        return Path(path)

    @classmethod
    def load(cls, path: str | Path, space: SearchSpace) -> Estimate:
        """The estimate that :meth:`save` wrote, for its own space.

        Raises:
            ValueError: The file is not an estimate, is cut short, or belongs to another space.
        """
        try:
            content = json.loads(Path(path).read_text())
            found, described, predictor, genotypes, values = (content[part] for part in PARTS)
            objective = Objective(**described)
            rows = np.array(genotypes), np.array(values, dtype=float).reshape(len(genotypes), 1)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"{path} is not a saved estimate, or is cut short: {error!r}") from error
        if found != space.fingerprint:
            raise ValueError(f"{path} is of another search space: fingerprint {found}, here {space.fingerprint}")
        return cls(History(space, (objective,), space.canonical(rows[0]), rows[1]), objective.name, predictor)


def read_networks(path: str | Path, space: SearchSpace, objective: Objective) -> History:
    """Sub-networks that were measured elsewhere, such as their latencies on a phone, from a CSV file.

    Args:
        path: The file: a row for each sub-network, with a column named like the objective, and either a column ``genotype`` of
            indices separated by commas, as ``nastoolkit search`` prints them, or a column for each choice.
        space: The space of the sub-networks.
        objective: Objective that was measured.

    Raises:
        ValueError: A column is missing, a value is not a number, or a row is not a sub-network of the space.
    """
    frame = _csv(path)
    if objective.name not in frame:
        raise ValueError(f"{path} has no column {objective.name}; it has {', '.join(frame)}")
    try:
        if "genotype" not in frame:
            return History.from_frame(frame, space, [objective])
        rows = [[int(gene) for gene in str(text).split(",")] for text in frame.genotype]
        genotypes = space.canonical(np.array(rows, dtype=np.int64).reshape(len(rows), -1))
        return History(space, (objective,), genotypes, frame[[objective.name]].to_numpy(dtype=float))
    except ValueError as error:
        raise ValueError(f"{path} has rows that are not measured sub-networks: {error}") from error


def _csv(path: str | Path) -> pd.DataFrame:
    """The rows of a CSV file; ValueError if it is something else, or has none."""
    try:
        frame = pd.read_csv(path)
    except ValueError as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from error
    if frame.empty:
        raise ValueError(f"{path} has no rows")
    return frame
