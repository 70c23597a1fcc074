"""A small ticket, and a recipe for short trainings."""

import pytest
import torch

from nastoolkit.families.mixed_chain import MixedChain
from nastoolkit.systems.supertickets import Ticket


@pytest.fixture
def ticket():
    """Two blocks of 9 and 18 units, whose importances are 0.1, 0.2 and so on."""
    made = Ticket(MixedChain((1, 12), 5, [[3, 2], [6, 2], [6, 1]], (1, 3, 5), 3), seed=0)
    with torch.no_grad():
        for block, n in (("block1", 9), ("block2", 18)):
            made.weights[f"{block}.bn.weight"].copy_(torch.arange(1, n + 1) / 10)
    return made
