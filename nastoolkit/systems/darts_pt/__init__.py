"""DARTS-PT: an edge keeps the operation that the supernet misses most, and not the one with the largest alpha.

[Wang2021] R. Wang, M. Cheng, X. Chen, X. Tang and C.-J. Hsieh, "Rethinking Architecture Selection in Differentiable NAS",
ICLR 2021, arXiv 2108.04392.
[Liu2019] H. Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019: its search, first order.

The magnitude of an architecture parameter (alpha) does not say how much an operation contributes to the supernet's accuracy;
what is lost when it is masked does, and cells that are picked by it are better, even where alphas never learn.

Differs from the paper in: cells of NAS-Bench-201 alone, so that no edges are dropped at the end; weights are tuned at a
constant rate, and alphas go on with the optimiser of the search; equal accuracies are told apart by the loss.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.darts_pt.comparison import MAGNITUDE, PT, PT_FIXED, PT_MAG, search_and_pick
from nastoolkit.systems.darts_pt.search import Darts
from nastoolkit.systems.darts_pt.selection import by_magnitude, by_perturbation, pick, pick_step_by_step, strengths

CARD = Card(
    name="darts_pt",
    title="Rethinking Architecture Selection in Differentiable NAS",
    paper="2108.04392",
    claim="Cells of the operations that a supernet misses most are better than cells of the largest alphas.",
    methods=("Darts", "by_perturbation", "by_magnitude", "pick", "pick_step_by_step", "strengths"),
    notebooks=("perturbation_or_magnitude",),
    taught_in="notebooks/learn/12_differentiable_search.ipynb",
    needs="CIFAR-10, a GPU",
)

__all__ = [
    "CARD",
    "MAGNITUDE",
    "PT",
    "PT_FIXED",
    "PT_MAG",
    "Darts",
    "by_magnitude",
    "by_perturbation",
    "pick",
    "pick_step_by_step",
    "search_and_pick",
    "strengths",
]
