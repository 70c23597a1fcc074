"""Gradient matching: a supernet is split at the choice whose options' gradients disagree most.

[Hu2022] S. Hu et al., "Generalizing Few-Shot NAS with Gradient Matching", ICLR 2022, arXiv 2203.15207.
[Zhao2021] Y. Zhao et al., "Few-shot Neural Architecture Search", ICML 2021: a random edge, and a copy for each of its options.

Sub-networks whose options pull shared weights in the same direction may share them; a supernet split by this rule ranks
networks better than a whole one, or one split at random into as many copies.

Differs from the paper in: all arms take the same steps along the same paths, and each copy gets those that it owns, while the
paper trains each copy as long as a whole supernet; copies continue from the weights of their parent and are never initialised
again; paths are drawn uniformly (RSPS), not by DARTS, SNAS or ProxylessNAS.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.gradient_matching.ranking import (
    ARMS,
    EQUAL_PASSES,
    EXHAUSTIVE,
    MATCHED,
    ONE_SHOT,
    RANDOM,
    mean_distances,
    rank_split_cells,
    repeatability,
    train_split,
)
from nastoolkit.systems.gradient_matching.splitting import best_partition, disagreements, matched_split, random_split

CARD = Card(
    name="gradient_matching",
    title="Generalizing Few-Shot NAS with Gradient Matching",
    paper="2203.15207",
    claim="Splitting a supernet where the gradients of options disagree ranks networks better than splitting at random.",
    methods=("disagreements", "best_partition", "rank_split_cells"),
    notebooks=("split_by_gradients",),
    taught_in="notebooks/learn/11_who_shares_with_whom.ipynb",
    needs="CIFAR-10, the published accuracies of NAS-Bench-201, a GPU",
)

__all__ = [
    "ARMS",
    "CARD",
    "EQUAL_PASSES",
    "EXHAUSTIVE",
    "MATCHED",
    "ONE_SHOT",
    "RANDOM",
    "best_partition",
    "disagreements",
    "matched_split",
    "mean_distances",
    "random_split",
    "rank_split_cells",
    "repeatability",
    "train_split",
]
