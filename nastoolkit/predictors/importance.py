"""Which choices matter: how much worse a predictor gets when one gene is shuffled among sub-networks that it has not seen.

[Breiman2001] L. Breiman, "Random Forests", Machine Learning 45(1), 2001, Section 10: permutation importance.

Differs from the paper in: any predictor is possible; cross-validation leaves rows out, not the bootstrap; the error is the
mean absolute error.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tqdm.auto import tqdm

from nastoolkit.history import History
from nastoolkit.predictors.regressors import DEFAULT_PREDICTOR, PREDICTORS
from nastoolkit.space import SearchSpace


def gene_importance(
    history: History, predictor: str = DEFAULT_PREDICTOR, folds: int = 5, n_repeats: int = 5, seed: int = 0
) -> pd.DataFrame:
    """Importance of every open choice for the first objective, from measured sub-networks.

    Random sub-networks are best: in those of a search, genes depend on each other.

    Args:
        history: Measured sub-networks; failed evaluations are left out.
        predictor: A key of ``PREDICTORS``.
        folds: Number of folds of the cross-validation.
        n_repeats: Number of shuffles of each gene in each fold.
        seed: Random seed of folds and shuffles.

    Returns:
        Columns ``choice``, ``importance`` and ``std`` (over the folds), the latter two in the objective's unit: the growth of
        the predictor's mean absolute error. The most important choice comes first; 0 or less means no importance.

    Raises:
        ValueError: The predictor is unknown, or there are fewer than two rows per fold.
    """
    if predictor not in PREDICTORS:
        raise ValueError(f"unknown predictor {predictor!r}; known: {list(PREDICTORS)}")
    measured = history[~history.failed]
    if len(measured) < 2 * folds:
        raise ValueError(f"{folds} folds need at least {2 * folds} measured sub-networks, got {len(measured)}")
    genotypes, values = _with_dead_genes_random(measured, seed), measured.values[:, 0]
    features = FunctionTransformer(partial(_features, history.space))
    found = []
    parts = KFold(folds, shuffle=True, random_state=seed).split(genotypes)
    for train, test in tqdm(parts, "importance", folds, leave=False):
        model = make_pipeline(features, PREDICTORS[predictor]()).fit(genotypes[train], values[train])
        how = {"scoring": "neg_mean_absolute_error", "n_repeats": n_repeats, "random_state": seed}
        found.append(permutation_importance(model, genotypes[test], values[test], **how).importances_mean)
    numbers = {"importance": np.mean(found, axis=0), "std": np.std(found, axis=0, ddof=1)}
    frame = pd.DataFrame({"choice": history.space.names, **numbers})
    is_open = [len(allowed) > 1 for allowed in history.space.allowed]
    return frame[is_open].sort_values("importance", ascending=False, ignore_index=True)


def _features(space: SearchSpace, genotypes: np.ndarray) -> np.ndarray:
    return space.features(space.canonical(genotypes))


def _with_dead_genes_random(history: History, seed: int) -> np.ndarray:
    """The same sub-networks ``(n, d)``: genes that a shuffled depth brings to life must not always have the first option."""
    rng = np.random.default_rng(seed)
    random = np.stack([rng.choice(allowed, len(history)) for allowed in history.space.allowed], axis=1)
    return np.where(history.space.alive(history.genotypes), history.genotypes, random)
