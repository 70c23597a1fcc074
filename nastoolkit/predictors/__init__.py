"""Predictors of objectives from features of sub-networks, and how well they rank.

A predictor is a scikit-learn regressor: ``fit(features (n, f), values (n,))`` and ``predict(features) -> (n,)``. Features may
be those of :meth:`nastoolkit.space.SearchSpace.features`, its one-hot genotypes, or anything else that is numeric. The scale
and offset of each feature and of the values do not matter, nor does the type of the numbers.
"""

from nastoolkit.predictors.estimate import Estimate, read_networks
from nastoolkit.predictors.regressors import DEFAULT_PREDICTOR, PREDICTORS, RobustRidge, Stacked
from nastoolkit.predictors.scores import (
    final_scores,
    kendall_tau,
    learning_curve,
    mape,
    score_table,
    spearman,
    splits,
    trial_scores,
)

__all__ = [
    "DEFAULT_PREDICTOR",
    "Estimate",
    "PREDICTORS",
    "RobustRidge",
    "Stacked",
    "final_scores",
    "kendall_tau",
    "learning_curve",
    "mape",
    "read_networks",
    "score_table",
    "spearman",
    "splits",
    "trial_scores",
]
