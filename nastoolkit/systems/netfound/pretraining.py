"""Learning from flows without labels: what is hidden or exchanged, and what the network says about it ([Guthula2023])."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs
from nastoolkit.families.flow_blocks import EPS, BurstPool
from nastoolkit.families.flow_encoder import FlowEncoderFamily, composition_of
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Split
from nastoolkit.tasks.data_sets import places_of_step
from nastoolkit.tasks.flow_tokens import MASK, PAD, SPECIAL
from nastoolkit.training import Optimizer, PathSampler, Recipe, Run

APART = 1_000_000  # seeds of draws of one step and those of the next seed's
HIDDEN, AS_MASK, AS_RANDOM = 0.3, 0.8, 0.1  # share of tokens; of these, masked ones and random ones
SWAPPED, MANY = 0.5, 3  # share of flows with a burst of another one; facts are hidden in flows with more bursts than this
WEIGHTS = {"tokens": 1.0, "swaps": 1.0, "facts": 0.4, "directions": 1.0}  # of the losses, as in the released code


@dataclass(frozen=True)
class Corrupted:
    """Flows of which something is hidden or exchanged.

    Attributes:
        inputs: What the network sees.
        tokens: Tokens before some were hidden ``(n, bursts, packets, places)``, after bursts were exchanged.
        hidden: Which tokens it has to tell, of the same shape.
        swapped: Which bursts come from another flow ``(n, bursts)``.
        facts: Facts of the bursts ``(n, bursts, 4)``.
        faceless: Bursts whose facts are hidden ``(n, bursts)``.
    """

    inputs: tuple[torch.Tensor, ...]
    tokens: torch.Tensor
    hidden: torch.Tensor
    swapped: torch.Tensor
    facts: torch.Tensor
    faceless: torch.Tensor

    def to(self, device: torch.device) -> Corrupted:
        """The same on another device."""
        return Corrupted(tuple(part.to(device) for part in self.inputs), *(part.to(device) for part in self._others))

    @property
    def _others(self) -> tuple[torch.Tensor, ...]:
        return self.tokens, self.hidden, self.swapped, self.facts, self.faceless


def corrupted(inputs: Inputs, vocabulary: int, generator: torch.Generator) -> Corrupted:
    """Exchange bursts between flows, then hide tokens and facts; never of a burst that was exchanged.

    Args:
        inputs: Tokens, facts and protocols; see :func:`nastoolkit.tasks.flow_tokens.inputs_of`.
        vocabulary: Number of different tokens.
        generator: Draws all of it.
    """
    tokens, facts, protocols = inputs
    there = tokens[:, :, 0, 0] != PAD
    swapped = _chosen(there, generator) & (_uniform(len(tokens), generator) < SWAPPED)[:, None]
    # the burst at the same place of the next flow; a flow whose neighbour has none there keeps its own
    swapped &= there.roll(1, 0)
    tokens = torch.where(swapped[:, :, None, None], tokens.roll(1, 0), tokens)
    facts = torch.where(swapped[:, :, None], facts.roll(1, 0), facts)
    hidden = (tokens != PAD) & ~swapped[:, :, None, None] & (_uniform(tokens.shape, generator) < HIDDEN)
    kind, random = _uniform(tokens.shape, generator), torch.randint(SPECIAL, vocabulary, tokens.shape, generator=generator)
    seen = torch.where(hidden & (kind < AS_MASK), MASK, tokens)
    seen = torch.where(hidden & (kind >= 1 - AS_RANDOM), random, seen)
    faceless = there & ~swapped & (there.sum(1, keepdim=True) > MANY) & (_uniform(there.shape, generator) < HIDDEN)
    return Corrupted(
        (seen, facts * ~faceless[:, :, None], protocols), tokens, hidden, swapped=swapped, facts=facts, faceless=faceless
    )


def _uniform(shape: int | torch.Size, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=generator)


def _chosen(there: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One of the true places in each row ``(n, k)``, at random."""
    scores = _uniform(there.shape, generator) * there
    return (scores == scores.amax(1, keepdim=True)) & there


class Pretraining(nn.Module):
    """Heads on an encoder's vectors ``(n, bursts, 1 + packets * places, dim)``, and the sum of their losses.

    Args:
        dim: Channels of the vectors.
        vocabulary: Number of different tokens.
    """

    def __init__(self, dim: int, vocabulary: int) -> None:
        super().__init__()
        self.words = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.LayerNorm(dim, EPS))
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.pool, self.swap = BurstPool(dim), nn.Linear(dim, 2)
        self.facts, self.direction = nn.Linear(dim, 3), nn.Linear(dim, 2)

    def losses(
        self, vectors: torch.Tensor, corrupted: Corrupted, kept: tuple[int, int, int], embeddings: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Mean loss of each kind, 0 where there is nothing to tell.

        Args:
            vectors: The encoder's answer to ``corrupted.inputs``.
            corrupted: What was hidden.
            kept: Bursts, packets and places that the encoder sees; others ask for nothing.
            embeddings: Vectors of all tokens ``(vocabulary, dim)``.
        """
        bursts, packets, places = kept
        own, words = vectors[:, :, 0], vectors[:, :, 1:].unflatten(2, (packets, places))
        hidden = corrupted.hidden[:, :bursts, :packets, :places]
        logits = functional.linear(self.words(words[hidden]), embeddings, self.bias)
        there = torch.cat([torch.ones_like(hidden[:, :, :1, 0]), (corrupted.tokens[:, :bursts, 0, :1] != PAD)], 2)
        faceless, facts = corrupted.faceless[:, :bursts], corrupted.facts[:, :bursts]
        found, true = own[faceless], facts[faceless]
        return {
            "tokens": _mean_cross_entropy(logits, corrupted.tokens[:, :bursts, :packets, :places][hidden]),
            "swaps": _mean_cross_entropy(self.swap(self.pool(vectors, there)), corrupted.swapped[:, :bursts].any(1).long()),
            "facts": (self.facts(found) - true[:, 1:]).abs().sum() / max(1, 3 * len(true)),
            "directions": _mean_cross_entropy(self.direction(found), (true[:, 0] < 0).long()),
        }


def _mean_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits, targets, reduction="sum") / max(1, len(targets))


def total(losses: dict[str, torch.Tensor]) -> torch.Tensor:
    """The weighted sum."""
    return torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()


def pretrain(supernet: Supernet, flows: Split, sampler: PathSampler, recipe: Recipe) -> dict[str, float]:
    """Train all but the classifier of a supernet without labels.

    Args:
        supernet: A supernet of :class:`nastoolkit.families.flow_encoder.FlowEncoderFamily`.
        flows: Flows, whose labels are not used.
        sampler: Draws the paths of each step.
        recipe: Steps, batches and learning rate; its seed also determines what is hidden.

    Returns:
        The losses of the first path of the last step.
    """
    bare, table = without_classes(supernet).train(), supernet.family.table
    words = dict(bare.shared.named_parameters())["words.tokens.weight"]
    with drawn_from(recipe.seed):
        heads = Pretraining(table.dim, table.vocabulary).to(words.device)
    optimizer = Optimizer([*bare.parameters(), *heads.parameters()], recipe)
    first: dict[str, torch.Tensor] = {}
    for step in Run({"supernet": bare, "heads": heads, "optimizer": optimizer}, progress=False).steps(recipe.n_steps):
        places = places_of_step(len(flows), step, recipe.batch_size, recipe.seed)
        generator = torch.Generator().manual_seed(recipe.seed * APART + step)
        batch = corrupted(flows[places].inputs, table.vocabulary, generator).to(words.device)
        for number, (path, weight) in enumerate(sampler.draw(step)):
            with drawn_from(recipe.seed * APART + step):
                vectors = bare(batch.inputs, path)
            losses = heads.losses(vectors, batch, composition_of(bare.family, path), words)
            (weight * total(losses)).backward()
            first = losses if number == 0 else first
        optimizer.step()
    return {name: float(loss.detach()) for name, loss in first.items()}


def without_classes(supernet: Supernet) -> Supernet:
    """A supernet of the encoders, which return all vectors, with the same weights: what one learns, the other one knows."""
    family = FlowEncoderFamily(supernet.family.name, replace(supernet.family.table, n_classes=0))
    bare = Supernet(family)
    for name in dict(bare.shared.named_children()):
        setattr(bare.shared, name, supernet.shared.get_submodule(name))
    return bare
