"""PA&DA: paths and training examples are sampled by their gradients' norms, which lowers the variance of gradients.

[Lu2023] S. Lu et al., "PA&DA: Jointly Sampling PAth and DAta for Consistent NAS", CVPR 2023, arXiv 2302.14772.
[Katharopoulos2018] A. Katharopoulos and F. Fleuret, "Not All Samples Are Created Equal: Deep Learning with Importance
Sampling", ICML 2018, Section 3.2: the norm of the gradient of the logits bounds that of an example's gradient.

A supernet trained in this way ranks sub-networks better than one trained along uniform paths, at hardly any cost.

Differs from the paper in: norms include all weights of an operation, also scales and shifts of batch normalisation; until the
probabilities of examples first change, the task draws its own batches, as for the other samplers. As in the released code, an
operation without weights has no norm, and losses are not weighted by 1 / (n p).
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.pa_da.importance import ImportanceSampler
from nastoolkit.systems.pa_da.ranking import ARMS, BOTH, FAIR, SPOS, by_importance, lower_variances, rank_cells

CARD = Card(
    name="pa_da",
    title="PA&DA: Jointly Sampling PAth and DAta for Consistent NAS",
    paper="2302.14772",
    claim="Drawing paths and data by the norms of their gradients lowers the variance of gradients and ranks networks better.",
    methods=("ImportanceSampler", "rank_cells"),
    notebooks=("gradient_variance_and_ranking",),
    taught_in="notebooks/learn/11_who_shares_with_whom.ipynb",
    needs="CIFAR-10, the published accuracies of NAS-Bench-201, a GPU",
)

__all__ = [
    "ARMS",
    "BOTH",
    "CARD",
    "FAIR",
    "SPOS",
    "ImportanceSampler",
    "by_importance",
    "lower_variances",
    "rank_cells",
]
