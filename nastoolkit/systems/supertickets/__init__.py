"""SuperTickets: a search for units and the pruning of weights in one training, whose result needs no retraining.

[You2022] H. You et al., "SuperTickets: Drawing Task-Agnostic Lottery Tickets from Supernets via Jointly Architecture
Searching and Parameter Pruning", ECCV 2022, arXiv 2207.03677: Section 3 and Algorithm 1.

Units of a supernet are dropped by importance and a growing share of its weights is masked, in one training. Networks that
are found like that are more accurate than those that are pruned after a search, with and without retraining.

A sharing rule masks weights. The masks are the whole state: no genotype says which units are left.

Differs from the paper in: one branch of one resolution and no transformers; AdamW along a cosine, and no average of weights;
a block always keeps one unit, and nothing is dropped after the last pruning, so that the sparsity is exact; what is masked
runs as zeros, which costs as much time as before.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.supertickets.comparison import move_tickets, search_and_prune, search_then_prune
from nastoolkit.systems.supertickets.tickets import Ticket
from nastoolkit.systems.supertickets.training import Pruning, Search, retrain, search

CARD = Card(
    name="supertickets",
    title="SuperTickets: Drawing Task-Agnostic Lottery Tickets from Supernets",
    paper="2207.03677",
    claim="Searching and pruning in one training finds sparse networks that beat pruning after a search.",
    methods=("Ticket", "search", "search_and_prune"),
    notebooks=("accuracy_over_sparsity",),
    taught_in="docs/how_to_training.md",
    needs="ImageNet, a GPU",
)

__all__ = ["CARD", "Pruning", "Search", "Ticket", "move_tickets", "retrain", "search", "search_and_prune", "search_then_prune"]
