"""How much hypervolume a measurement is expected to add, in any number of objectives.

[Emmerich2008] M. Emmerich and J.-W. Klinkenberg, "The Computation of the Expected Improvement in Dominated Hypervolume of
Pareto Front Approximations", Leiden Institute of Advanced Computer Science, 2008.
[Lacour2017] R. Lacour, K. Klamroth, C. M. Fonseca, "A Box Decomposition Algorithm to Compute the Hypervolume Indicator",
Computers & Operations Research 79, 2017.
[Ginsbourger2010] D. Ginsbourger, R. Le Riche, L. Carraro, "Kriging Is Well-Suited to Parallelize Optimization", 2010: the
"Kriging believer".
[Gardner2014] J. R. Gardner et al., "Bayesian Optimization with Inequality Constraints", ICML 2014.

The region that no point dominates is cut into boxes; in each box, the expectation is a product over the objectives, which are
assumed to be independent. Differs from the papers in: the boxes come from one slab after the other along the last objective,
which is short to write and fast for up to four objectives; for a large front in three or four objectives, only points far from
each other make boxes.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from scipy.special import ndtr

from nastoolkit import pareto

NEGLIGIBLE = 1e-12  # what rounding makes of no gain
MOST_BOXES = 5000


def boxes(front: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Disjoint boxes that cover the region below a reference point that no point of a front dominates.

    Args:
        front: Costs ``(f, m)``.
        reference: ``(m,)``.

    Returns:
        Lower and upper corners, ``(b, m)`` each; a lower corner may be at minus infinity.
    """
    if len(reference) == 1:
        return np.full((1, 1), -np.inf), np.min([*front, reference], axis=0)[None]
    front = front[(front < reference).all(axis=1)]
    front = front[front[:, -1].argsort(kind="stable")]
    edges = np.concatenate([[-np.inf], front[:, -1], reference[-1:]])
    lowers, uppers = [], []
    for k in np.flatnonzero(edges[1:] > edges[:-1]):
        beside = front[:k, :-1]  # of this slab and of those before it
        lower, upper = boxes(beside[pareto.non_dominated(beside)] if k else beside, reference[:-1])
        lowers.append(np.insert(lower, lower.shape[1], edges[k], axis=1))
        uppers.append(np.insert(upper, upper.shape[1], edges[k + 1], axis=1))
    return np.concatenate(lowers), np.concatenate(uppers)


def thinned(front: np.ndarray) -> np.ndarray:
    """As many points ``(k, m)`` of a front ``(f, m)`` as make about ``MOST_BOXES``: its ends and the least crowded ones.

    The slabs of f points in m objectives make up to f^(m-1) / (m-1)! boxes.
    """
    n_others = max(front.shape[1] - 1, 1)
    most = int((MOST_BOXES * factorial(n_others)) ** (1 / n_others))
    return front if len(front) <= most else front[pareto.best_first(front, most)]


def shortfall(edges: np.ndarray, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """How far normal costs ``(n,)`` are expected to fall below edges ``(b,)``: ``(n, b)``, 0 where they do not."""
    gaps = edges - means[:, None]
    gaps[:, np.isneginf(edges)] = 0.0
    sd = np.maximum(sds, 1e-12)[:, None]
    z = np.clip(gaps / sd, -40, 40)
    expected = np.maximum(gaps * ndtr(z) + sd * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), 0)
    return np.where(np.isneginf(edges), 0.0, expected)


def expected_improvement(front: np.ndarray, reference: np.ndarray, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """Expected gain of hypervolume ``(n,)`` over a front ``(f, m)`` from costs with these means and sds ``(n, m)``."""
    lower, upper = boxes(front, reference)
    gain = np.ones((len(means), len(lower)))
    for j in range(len(reference)):
        edges, index = np.unique(np.concatenate([lower[:, j], upper[:, j]]), return_inverse=True)
        expected = shortfall(edges, means[:, j], sds[:, j])
        below, above = index[: len(lower)], index[len(lower) :]
        gain *= expected[:, above] - expected[:, below]
    return gain.sum(axis=1)


def best_batch(
    n: int, front: np.ndarray, references: np.ndarray, means: np.ndarray, sds: np.ndarray, chances: np.ndarray
) -> list[int]:
    """Indices of n candidates; each has the greatest expected gain if those before it turn out as expected.

    Args:
        n: Number of candidates; fewer are returned if no other can gain anything.
        front: Measured costs ``(f, m)``, scaled to a range of about 1.
        references: Reference points ``(r, m)``; candidates take them in turns.
        means: Expected costs of the candidates, ``(k, m)``.
        sds: Their standard deviations, ``(k, m)``; 0 where a cost is certain.
        chances: Probabilities ``(k,)`` that a candidate keeps all bounds, a factor of its gain [Gardner2014].
    """
    chosen: list[int] = []
    front = thinned(front)
    while len(chosen) < min(n, len(means)):
        points, reference = np.concatenate([front, means[chosen]]), references[len(chosen) % len(references)]
        gains = chances * expected_improvement(points[pareto.non_dominated(points)], reference, means, sds)
        gains[chosen] = 0
        if gains.max() <= NEGLIGIBLE:
            break
        chosen.append(int(gains.argmax()))
    return chosen
