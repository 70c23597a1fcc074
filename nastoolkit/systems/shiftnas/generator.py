"""The architecture generator: a cost in, a sub-network of about this cost out ([Zhang2023], Section 3; see the package)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.families import Family
from nastoolkit.randomness import drawn_from
from nastoolkit.space import SearchSpace
from nastoolkit.supernets.mixtures import Shares, gumbel_softmax
from nastoolkit.systems.shiftnas.bins import ends
from nastoolkit.systems.shiftnas.masks import open_choices


class Generator(nn.Module):
    """A recurrent network that decides one choice after the other; each sees the cost, and the choice before.

    Choices of one role, such as all kernels, have one layer of logits in common.

    Args:
        family: Whose open choices it decides.
        n_hidden: Hidden units of the LSTM cell.
        seed: For the initial weights.
    """

    def __init__(self, family: Family, n_hidden: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.space, self.choices = family.space, open_choices(family)
        self.ends, self.width = np.log(ends(family)), max(len(choice.options) for choice in self.choices.values())
        self.roles = {name: choice.role.replace(".", "_") for name, choice in self.choices.items()}
        with drawn_from(seed):
            self.cell = nn.LSTMCell(1 + self.width, n_hidden)
            self.heads = nn.ModuleDict(
                {self.roles[name]: nn.Linear(n_hidden, len(choice.options)) for name, choice in self.choices.items()}
            )

    def forward(self, mmacs: Sequence[float], temperature: float = 1.0, draws: torch.Generator | None = None) -> Shares:
        """Shares ``(n, n_options)`` of the options of each open choice, of which one in each row is 1 and the others 0.

        Gradients go straight through to the shares that the logits, with noise, stand for at this temperature.

        Args:
            mmacs: Wanted costs ``(n,)``, in millions of MACs.
            temperature: The lower, the nearer are these shares to one option.
            draws: Draws the noise; None takes the likeliest options, without noise.
        """
        low, high = self.ends
        places = self.cell.weight_ih.new_tensor(2 * (np.log(mmacs) - low) / (high - low) - 1)[:, None]
        state, before, shares = None, places.new_zeros(len(places), self.width), dict[str, torch.Tensor]()
        for name, role in self.roles.items():
            state = self.cell(torch.cat([places, before], dim=1), state)
            logits = self.heads[role](state[0])
            soft = (logits / temperature).softmax(1) if draws is None else gumbel_softmax(logits.T.cpu(), temperature, draws).T
            shares[name] = straight_through(soft.to(places.device))
            before = functional.pad(shares[name], (0, self.width - soft.shape[1]))
        return shares

    @torch.no_grad()
    def network(self, mmacs: float) -> np.ndarray:
        """The canonical genotype ``(d,)`` of its likeliest sub-network at a cost, in millions of MACs."""
        return genotypes_of(self.space, self([mmacs]))[0]


def straight_through(soft: torch.Tensor) -> torch.Tensor:
    """One-hot vectors of the greatest shares ``(n, n_options)``; their gradients are those of the shares."""
    return functional.one_hot(soft.argmax(1), soft.shape[1]).to(soft) + (soft - soft.detach())


def genotypes_of(space: SearchSpace, shares: Shares) -> np.ndarray:
    """The canonical genotypes ``(n, d)`` of the options that have the greatest shares."""
    options = {name: share.argmax(1).cpu().numpy() for name, share in shares.items()}
    nothing = np.zeros(len(next(iter(options.values()))), dtype=np.int64)
    return space.canonical(np.stack([options.get(name, nothing) for name in space.names], axis=1))
