"""Many sub-networks in one pass of the largest network: masks by row of the batch ([Liao2021], Section 3.3; see the package).

Row b of a batch is answered by sub-network b mod k. What a sub-network lacks is zero in its rows: channels after every block,
channels of heads before attention's output, hidden units, and all that a left-out layer would add.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from nastoolkit.families.multi_stage_blocks import PatchTokens, SpatialReduction, StageLayer
from nastoolkit.families.vit import NormedLogits
from nastoolkit.supernets import Slice, Supernet


class RowMasked(Supernet):
    """A supernet whose ``forward`` takes one sub-network ``(d,)``, or several ``(k, d)`` that share the rows of a batch.

    Raises:
        ValueError: Blocks of the family's networks have no masks, or sub-networks have other weights than slices.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if unknown := [name for name, spec in self.family.shared_blocks.items() if type(spec) not in (PatchTokens, *MASKED)]:
            raise ValueError(f"no masks are known for block {unknown[0]!r}: only multi-stage ViTs have them")
        if type(self.sharing) is not Slice:
            raise ValueError("masks stand for slices of the shared weights, and this supernet has another sharing rule")

    def forward(self, x: Any, genotype: np.ndarray) -> torch.Tensor:
        """Logits ``(n, n_classes)`` of images ``(n, channels, size, size)``; row b is that of sub-network b mod k.

        Raises:
            ValueError: There are fewer rows than sub-networks.
        """
        return super().forward(x, genotype) if genotype.ndim == 1 else self._of_many(x, genotype)

    def _of_many(self, x: torch.Tensor, genotypes: np.ndarray) -> torch.Tensor:
        if len(x) < len(genotypes):
            raise ValueError(f"{len(genotypes)} paths cannot share a batch of {len(x)} rows")
        plans, largest = [dict(self.family.plan(genotype)) for genotype in genotypes], self.family.largest
        (first, patches), *others = self.family.plan(largest)
        mask = Rows(patches, [plan[first] for plan in plans]).mask("dim", x)
        x = functional_call(*self.block(first, patches, largest), (x,)) * mask
        for name, whole in others:
            rows = Rows(whole, [plan.get(name) for plan in plans])
            x, mask = MASKED[type(whole)](self.shared.get_submodule(name), rows, x, mask)
        return x


@dataclass(frozen=True)
class Rows:
    """What the rows of a batch have of a block.

    Attributes:
        whole: Spec of the block of the largest network.
        specs: Specs of the k sub-networks, None where one leaves the block out.
    """

    whole: Any
    specs: list[Any]

    def mask(self, width: str, x: torch.Tensor) -> torch.Tensor:
        """Ones in the first channels, as many as a row's spec says by the name of its width, and zeros: ``(n, 1, channels)``.

        Rows and device are those of ``x``.
        """
        kept = torch.tensor([0 if spec is None else getattr(spec, width) for spec in self.specs])
        masks = torch.arange(getattr(self.whole, width)) < kept[:, None]
        return masks[torch.arange(len(x)) % len(kept), None].to(x)


def masked_norm(norm: nn.LayerNorm, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Layer normalisation over the channels that rows have, ``(n, t, dim)`` to the same shape, both zero in the others.

    A row with a share p of all channels has its mean and variance when the others hold that mean and all is divided by the
    square root of p; so PyTorch's own layer normalisation does the rest.
    """
    share = mask.mean(-1, keepdim=True)
    root = share.sqrt()
    mean = x.mean(-1, keepdim=True) / (share * root)
    filled = torch.addcmul(x / root, mean, 1 - mask)
    normed = functional.layer_norm(filled, filled.shape[-1:], eps=norm.eps)
    return torch.addcmul(norm.bias * mask, normed, norm.weight * mask * root)


def _layer(layer: Any, rows: Rows, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    added = rows.mask("dim", x)  # zeros all over where the layer is left out
    normed = masked_norm(layer.attention_norm, x, mask)
    read = layer.attention.read(normed, normed) * rows.mask("qkv_dim", x)
    x = x + layer.attention.output(read) * added
    hidden = layer.ffn.act(layer.ffn.expand(masked_norm(layer.ffn_norm, x, mask))) * rows.mask("ffn", x)
    return x + layer.ffn.project(hidden) * added, mask


def _reduction(block: Any, rows: Rows, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    after = rows.mask("out_channels", x)
    return block.with_skip(block.reduced(masked_norm(block.norm, x, mask)) * after, x), after


def _logits(block: Any, rows: Rows, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return block.linear(masked_norm(block.norm, x[:, :1], mask)[:, 0]), mask


MASKED = {StageLayer: _layer, SpatialReduction: _reduction, NormedLogits: _logits}
