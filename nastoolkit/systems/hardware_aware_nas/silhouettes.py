"""Clusters of sub-networks by their choices: whether those with the same option lie close together in a search's plot.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Figure 7: Transformers form clusters, one for each number of decoder layers.
[Rousseeuw1987] P. J. Rousseeuw, "Silhouettes: A Graphical Aid to the Interpretation and Validation of Cluster Analysis",
Journal of Computational and Applied Mathematics 20, 1987.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score

from nastoolkit.history import History
from nastoolkit.published import TransformerLatency
from nastoolkit.published.hat_latency import FEATURES


def silhouettes(values: np.ndarray, choices: pd.DataFrame) -> pd.Series:
    """Silhouette coefficients [Rousseeuw1987] of the options of each choice: 1 if these lie far apart, 0 if mixed.

    Args:
        values: Positions of sub-networks ``(n, m)``; each axis is scaled to 0..1.
        choices: Options of each choice.

    Returns:
        A coefficient for each choice with several options, but fewer than sub-networks.
    """
    scaled = (values - values.min(axis=0)) / np.maximum(np.ptp(values, axis=0), 1e-12)
    n_options = choices.nunique()
    fit = choices.columns[(n_options > 1) & (n_options < len(choices))]
    return pd.Series({name: silhouette_score(scaled, choices[name]) for name in fit}, dtype=float)


def silhouettes_of(history: History) -> pd.Series:
    """Silhouette coefficients of a search, by every choice that all sub-networks have."""
    common = [gene for gene, choice in enumerate(history.space.choices) if choice.when is None]
    options = {history.space.names[gene]: history.genotypes[:, gene] for gene in common}
    return silhouettes(history.values, pd.DataFrame(options))


def silhouettes_of_parts(transformers: TransformerLatency, choices: list[str], n_parts: int) -> list[pd.Series]:
    """Silhouette coefficients of latencies, in random parts of published measurements.

    Args:
        transformers: Transformers and their latencies.
        choices: Names of features.
        n_parts: Number of parts.
    """
    parts = np.array_split(np.random.default_rng(0).permutation(len(transformers.features)), n_parts)
    options = pd.DataFrame(transformers.features, columns=list(FEATURES))[choices]
    return [silhouettes(transformers.latency_ms[part, None], options.iloc[part]) for part in parts]
