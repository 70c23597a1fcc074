"""Networks and costs as functions that choices can be learned through ([Zhang2023], Section 3; see the package).

The largest network runs, and what a choice takes away is masked: ``p' = M p``, where column i of M has a one for each
entry that option i keeps. So gradients reach the options that were not chosen, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch.func import functional_call

from nastoolkit.blocks import BlockSpec, Inputs
from nastoolkit.choices import Choice
from nastoolkit.families import Family, Slot
from nastoolkit.supernets import Supernet
from nastoolkit.supernets.mixtures import Shares
from nastoolkit.supernets.slices import shapes_of

MASKED = ("depth", "kernel", "expand")  # kinds of choices; others, such as resolutions, change no weights


def open_choices(family: Family) -> dict[str, Choice]:
    """The choices that have several options, by name."""
    return {choice.name: choice for choice in family.space.choices if len(choice.options) > 1}


class PrefixMasks:
    """Sub-networks as the largest network with masked weights; outputs in training mode are those of the slices.

    Args:
        family: Its blocks have hidden channels, kernels and, where a depth may leave them out, a residual connection.

    Raises:
        ValueError: A block that may be left out has no residual connection.
    """

    def __init__(self, family: Family) -> None:
        self.family, self.largest = family, family.space.decode(family.space.largest)
        self.matrices = [one for slot in family.slots for one in self._of(slot)]

    def _of(self, slot: Slot) -> Iterator[tuple[str, str, torch.Tensor]]:
        """Names of masked weights, of the choices that mask them, and matrices ``(n_options, ...)`` that can be broadcast."""
        for name in slot.choices:
            if (choice := open_choices(self.family).get(name)) and choice.kind in MASKED:
                others = [{**self.largest, name: option} for option in choice.options]
                specs = [slot.spec(*(options[other] for other in slot.choices)) for options in others]
                yield from ((f"{slot.name}.{key}", name, matrix) for key, matrix in _prefixes(slot.name, specs))

    def __call__(self, supernet: Supernet, inputs: Inputs, shares: Shares, path: np.ndarray) -> torch.Tensor:
        """Outputs of the network that shares ``(n_options,)`` of options stand for.

        Args:
            supernet: In training mode.
            inputs: As the largest network takes them.
            shares: Shares of the options of each open choice, a single one for a sub-network.
            path: Genotype ``(d,)`` with the options of choices that change no weights.
        """
        network, weights = supernet.functional(self.whole(path))
        for weight, choice, matrix in self.matrices:
            weights[weight] = weights[weight] * torch.tensordot(shares[choice], matrix.to(shares[choice].device), 1)
        return functional_call(network, weights, (inputs,))

    def whole(self, path: np.ndarray) -> np.ndarray:
        """The largest network's genotype, but for what no mask can do."""
        own = self.family.space.decode(path)
        kept = {choice.name for choice in self.family.space.choices if choice.kind not in MASKED}
        return self.family.space.encode({**self.largest, **{name: own[name] for name in kept & own.keys()}})


def _prefixes(block: str, specs: Sequence[BlockSpec | None]) -> Iterator[tuple[str, torch.Tensor]]:
    """What each option of one choice keeps, by the names of weights inside a block: of those that read hidden channels."""
    whole = specs[-1]
    if whole is None or (None in specs and not getattr(whole, "residual", False)):
        raise ValueError(f"block {block!r} may be left out and has no residual connection, so that no mask can do that")
    if None in specs:
        is_there = torch.tensor([float(spec is not None) for spec in specs])
        yield from (
            (key, is_there[:, None]) for key in [key for key in shapes_of(whole) if key.endswith((".weight", ".bias"))][-2:]
        )
        return
    shapes = [shapes_of(spec) for spec in specs if spec is not None]
    for key, axis in dict.fromkeys(_readers(whole)):
        lengths = torch.tensor([shape[key][axis] for shape in shapes])
        if len(lengths.unique()) > 1:
            prefix = (torch.arange(shapes[-1][key][axis]) < lengths[:, None]).float()
            yield key, prefix.reshape(len(specs), *(-1 if axis == dim else 1 for dim in range(len(shapes[-1][key]))))
    for key, full in shapes[-1].items():
        if len(full) == 4 and any(shape[key][2:] != full[2:] for shape in shapes):
            yield key, torch.stack([_centre(shape[key][-1], full[-1]) for shape in shapes])


def _readers(spec: BlockSpec) -> Iterator[tuple[str, int]]:
    """Weights that read a block's hidden channels, and along which axis."""
    for hidden in getattr(spec, "hidden_channels", ()):
        yield from ((key, axis) for key, axis in (hidden.ranked_by, *hidden.others) if axis == 1)


def _centre(kernel: int, largest: int) -> torch.Tensor:
    """Ones ``(1, 1, largest, largest)`` where a centred kernel is."""
    edge = (largest - kernel) // 2
    return torch.nn.functional.pad(torch.ones(1, 1, kernel, kernel), [edge] * 4)


def expected_mmacs(family: Family) -> Callable[[Shares], torch.Tensor]:
    """MACs in millions ``(n,)`` as a function of shares ``(n, n_options)`` of all open choices, linear in those of each.

    They are exactly the family's where shares are one-hot.
    """
    choices, tables = open_choices(family), []
    fixed = {choice.name: choice.options[0] for choice in family.space.choices}
    for slot in family.slots:
        names = [name for name in slot.choices if name in choices]
        sizes = [len(choices[name].options) for name in names]
        ways = [{name: choices[name].options[i] for name, i in zip(names, way, strict=True)} for way in np.ndindex(*sizes)]
        specs = [slot.spec(*({**fixed, **way}[name] for name in slot.choices)) for way in ways]
        macs = torch.tensor([0.0 if spec is None else spec.macs / 1e6 for spec in specs], dtype=torch.float64)
        tables.append((names, macs.reshape(sizes)))

    def cost(shares: Shares) -> torch.Tensor:
        return sum((_contracted(table, [shares[name] for name in names]) for names, table in tables), torch.zeros(()))

    return cost


def _contracted(table: torch.Tensor, shares: Sequence[torch.Tensor]) -> torch.Tensor:
    """A table ``(options, ...)`` weighted by shares ``(n, options)`` along each of its dimensions."""
    if not shares:
        return table
    found = shares[0].double() @ table.to(shares[0].device).reshape(len(table), -1)
    for share in shares[1:]:
        found = (share.double()[:, :, None] * found.reshape(*share.shape, -1)).sum(1)
    return found.reshape(len(found), -1)[:, 0]
