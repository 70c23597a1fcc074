"""Balanced Mixture of SuperNets: configurations of pooling learn which of several copies of the weights they share.

[Javan2023] M. J. Roshtkhari, M. Toews and M. Pedersoli, "Balanced Mixture of SuperNets for Learning the CNN Pooling
Architecture", AutoML 2023, arXiv 2306.11982.
[Sinkhorn1967] R. Sinkhorn and P. Knopp, "Concerning Nonnegative Matrices and Doubly Stochastic Matrices", Pacific Journal of
Mathematics 21(2), 1967.

With several copies of the weights, and a learned assignment of configurations to copies that keeps all copies equally busy, a
supernet ranks configurations far better than with one copy.

Differs from the paper in: batch normalisation has scales and shifts, and statistics that are computed anew for each
configuration before it is ranked, as everywhere here; balancing ends when the load of every copy is within 1e-4 of uniform,
where the released code bounds a divergence; a copy has no optimiser of its own, but momenta of its own in one optimiser.
"""

from nastoolkit.systems.balanced_mixture.assignment import (
    LEARNED,
    RANDOM,
    RULES,
    UNBALANCED,
    BalancedMixture,
    balancing,
    soft_assignment,
)
from nastoolkit.systems.balanced_mixture.pooling import PoolingFamily, PoolingTable
from nastoolkit.systems.balanced_mixture.ranking import (
    PoolingProblem,
    arms_of,
    rank_poolings,
    ranked,
    reread,
)
from nastoolkit.systems.card import Card

CARD = Card(
    name="balanced_mixture",
    title="Balanced Mixture of SuperNets for Learning the CNN Pooling Architecture",
    paper="2306.11982",
    claim="Configurations that learn which copy of the weights they share, all copies equally busy, are ranked far better.",
    methods=("BalancedMixture", "rank_poolings"),
    notebooks=("copies_and_ranking",),
    taught_in="docs/supernets.md",
    needs="CIFAR-10, a GPU",
)

__all__ = [
    "CARD",
    "LEARNED",
    "RANDOM",
    "RULES",
    "UNBALANCED",
    "BalancedMixture",
    "PoolingFamily",
    "PoolingProblem",
    "PoolingTable",
    "arms_of",
    "balancing",
    "rank_poolings",
    "ranked",
    "reread",
    "soft_assignment",
]
