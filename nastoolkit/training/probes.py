"""Probes: pure functions that describe gradients, and where those of several paths or batches disagree.

[Hu2022] S. Hu et al., "Generalizing Few-Shot NAS with Gradient Matching", ICLR 2022: cosines between paths.
[Lu2023] S. Lu et al., "PA&DA: Jointly Sampling PAth and DAta for Consistent NAS", CVPR 2023: norms of options, and the
variance of gradients, which good sampling reduces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import nn

from nastoolkit.families import Family

Gradients = Mapping[str, torch.Tensor]  # by the names of the weights, without the supernet's "shared."


def gradients(loss: torch.Tensor, network: nn.Module) -> dict[str, torch.Tensor]:
    """Gradients of a loss ``()`` with respect to a network's weights, zero for unused ones; none stays in the network.

    Raises:
        ValueError: The loss depends on no weight that is trained.
    """
    weights = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    if not loss.requires_grad or not weights:
        raise ValueError("the loss has no gradients: it depends on no weight that is trained")
    found = torch.autograd.grad(loss, list(weights.values()), allow_unused=True, materialize_grads=True)
    return {name.removeprefix("shared."): gradient for name, gradient in zip(weights, found, strict=True)}


def held_gradients(network: nn.Module) -> dict[str, torch.Tensor]:
    """The gradients that a network holds after a backward pass, without weights that took no part.

    Raises:
        ValueError: It holds no gradients.
    """
    found = gradients_in(named_weights(network))
    if not found:
        raise ValueError("the network holds no gradients: a backward pass comes before a probe")
    return found


def named_weights(network: nn.Module) -> dict[str, nn.Parameter]:
    """A network's weights by their names, without the supernet's "shared."; this takes a while for large supernets."""
    return {name.removeprefix("shared."): weight for name, weight in network.named_parameters()}


def gradients_in(weights: Mapping[str, nn.Parameter]) -> dict[str, torch.Tensor]:
    """The gradients that weights hold, without weights that hold none."""
    return {name: weight.grad for name, weight in weights.items() if weight.grad is not None}


def norm(found: Gradients) -> float:
    """Norm of all gradients together."""
    return float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in found.values()])))


def norms_by_block(found: Gradients, blocks: Sequence[str]) -> dict[str, float]:
    """Norm of each block's gradients, without blocks that have none.

    Args:
        found: Gradients by the names of the weights.
        blocks: Dotted names of blocks, such as those of a plan.
    """
    parts: dict[str, dict[str, torch.Tensor]] = {block: {} for block in blocks}
    for name, gradient in found.items():
        for owner in accumulate(name.split(".")[:-1], "{}.{}".format):
            if owner in parts:
                parts[owner][name] = gradient
    return {block: norm(part) for block, part in parts.items() if part}


def norms_by_option(family: Family, genotype: np.ndarray, found: Gradients) -> dict[tuple[str, object], float]:
    """Norm of the gradients of all blocks that depend on a choice, by choice and by the path's option.

    Args:
        family: Family, which says what choices each block depends on.
        genotype: The path ``(d,)``.
        found: Gradients of the path.
    """
    options = family.space.decode(genotype)
    blocks = {choice: [slot.name for slot in family.slots if choice in slot.choices] for choice in options}
    norms = norms_by_block(found, [slot.name for slot in family.slots])
    squares = {choice: [norms[name] ** 2 for name in names if name in norms] for choice, names in blocks.items()}
    return {(choice, options[choice]): sum(part) ** 0.5 for choice, part in squares.items() if part}


def cosines(samples: Sequence[Gradients]) -> np.ndarray:
    """Cosines ``(n, n)`` between the gradients of n paths or batches; below 0, two of them pull in opposite directions.

    Raises:
        ValueError: All gradients of one of them are 0, or they belong to different weights.
    """
    rows = _flat(samples)
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if not (lengths > 0).all():
        raise ValueError("the gradients are all 0, so they have no direction")
    return ((rows / lengths) @ (rows / lengths).T).cpu().numpy()


def variance(samples: Sequence[Gradients], probabilities: Sequence[float] | None = None) -> float:
    """Mean squared distance of the gradients of n paths or batches from their mean.

    Args:
        samples: Gradients of each path or batch.
        probabilities: Probability with which each is drawn, by default equal. Gradients are weighted by 1 / (n p), so that
            their mean stays that over all n: the variance is that of a step with importance sampling ([Lu2023]).

    Raises:
        ValueError: They belong to different weights, or the probabilities are not above 0 or do not add up to 1.
    """
    rows, n = _flat(samples), len(samples)
    p = torch.full((n,), 1 / n) if probabilities is None else torch.as_tensor(probabilities)
    p = p.to(rows)
    if p.shape != (n,) or not (p > 0).all() or abs(float(p.sum()) - 1) > 1e-4:
        raise ValueError(f"probabilities must be {n} numbers above 0 that add up to 1, got {probabilities}")
    mean = rows.mean(dim=0)
    return float((p * (rows / (n * p[:, None]) - mean).square().sum(dim=1)).sum())


def _flat(samples: Sequence[Gradients]) -> torch.Tensor:
    """A row for each sample."""
    names = list(samples[0])
    if any(set(sample) != set(names) for sample in samples):
        raise ValueError("gradients of different weights cannot be compared: see nastoolkit.training.probes.gradients")
    return torch.stack([torch.cat([sample[name].flatten() for name in names]) for sample in samples])
