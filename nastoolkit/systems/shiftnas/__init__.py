"""ShiftNAS: a supernet is trained more often at costs where its validation loss still falls.

[Zhang2023] M. Zhang et al., "ShiftNAS: Improving One-shot NAS via Probability Shift", ICCV 2023, arXiv 2307.08300.

Operations that are drawn uniformly give sub-networks of middling cost nearly always. So the cost is drawn first, from bins,
and a generator gives a network of this cost; probabilities of bins then move to those that are under-trained.

Differs from the paper in: bins are wider by the same factor each; the loss of cost is relative, and at every step it is that
of several networks of each bin; the Gumbel estimator's gradient is that of the drawn bin's log-probability, which has no bias,
where a straight-through gradient has some; the exact estimator is ours. The supernet is convolutional, without Transformers.
The weight of the cost, temperatures and learning rates are ours, too.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.shiftnas.bins import Bins, equal_ratios
from nastoolkit.systems.shiftnas.comparison import (
    ARMS,
    BINS,
    GUMBEL,
    OPERATIONS,
    SHIFT,
    ends_drawn,
    family_of,
    gains,
    judge_bins,
    network_of,
)
from nastoolkit.systems.shiftnas.generator import Generator
from nastoolkit.systems.shiftnas.masks import PrefixMasks, expected_mmacs
from nastoolkit.systems.shiftnas.shifting import ESTIMATORS, Shift, Training

CARD = Card(
    name="shiftnas",
    title="ShiftNAS: Improving One-shot NAS via Probability Shift",
    paper="2307.08300",
    claim="Trained more often at costs where its loss still falls, a supernet has better sub-networks, mostly at the ends.",
    methods=("Shift", "Generator", "judge_bins"),
    notebooks=("accuracy_by_cost",),
    taught_in="notebooks/learn/11_who_shares_with_whom.ipynb",
    needs="ImageNet, a GPU",
)

__all__ = [
    "ARMS",
    "BINS",
    "CARD",
    "ESTIMATORS",
    "GUMBEL",
    "OPERATIONS",
    "SHIFT",
    "Bins",
    "Generator",
    "PrefixMasks",
    "Shift",
    "Training",
    "ends_drawn",
    "equal_ratios",
    "expected_mmacs",
    "family_of",
    "gains",
    "judge_bins",
    "network_of",
]
