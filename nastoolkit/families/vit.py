"""Vision Transformers with elastic depth, heads and feed-forward width: DyNAS-T's space over ViT-B/16, and a small one.

[Dosovitskiy2021] A. Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
ICLR 2021, Section 3.1.
[DyNAS-T] https://github.com/IntelLabs/DyNAS-T, commit 251cb5e, search space ``vit_base_imagenet``.

Differs from the papers in: no dropout; params are those of the sub-network, while [DyNAS-T] reports the whole supernet's; MACs
are those of the patches' convolution and of every matrix product, including attention's own two.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from nastoolkit.families.base import Family, Slot
from nastoolkit.families.elastic_encoder import EncoderTable, FirstToken, encoder_choices, encoder_slots
from nastoolkit.families.transformer_blocks import EncoderBlock, EncoderLayer
from nastoolkit.space import SearchSpace

DYNAST_EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class Table(EncoderTable):
    """One elastic ViT.

    Attributes:
        image_size: Height and width, in pixels.
        patch_size: Height and width of a patch.
        image_channels: 3 for colours.
        output_norm: Whether layers also normalise after attention's residual connection, like those of [DyNAS-T].
    """

    image_size: int
    patch_size: int
    image_channels: int
    output_norm: bool = False


B16 = Table(  # [Dosovitskiy2021], Table 1, ViT-Base; eps as in Hugging Face's transformers, options as in [DyNAS-T]
    image_size=224,
    patch_size=16,
    image_channels=3,
    dim=768,
    head_dim=64,
    layers=(10, 11, 12),
    heads=(6, 8, 10, 12),
    ffn=(1024, 2048, 3072),
    n_classes=1000,
    eps=1e-12,
)

DIGITS = Table(
    image_size=32,
    patch_size=8,
    image_channels=1,
    dim=64,
    head_dim=16,
    layers=(2, 3, 4),
    heads=(2, 3, 4),
    ffn=(64, 128, 192),
    n_classes=10,
    eps=1e-6,
)


class VisionTransformerFamily(Family):
    """The Vision Transformers of a table: ``(n, channels, size, size)`` to logits ``(n, n_classes)``.

    Args:
        name: Key in ``FAMILIES``.
        table: Sizes and options.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        super().__init__(name, SearchSpace(encoder_choices(table)), tuple(_slots(table)))

    def fitting(self, tensors: Mapping[str, torch.Tensor]) -> VisionTransformerFamily:
        """The family with a checkpoint's number of classes and kind of layers: see :class:`Table`."""
        table, logits = self.table, tensors.get("classifier.linear.bias")
        if logits is not None and logits.dim() == 1:
            table = replace(table, n_classes=len(logits))
        if any(".output_norm." in name for name in tensors):
            table = replace(table, output_norm=True, eps=DYNAST_EPS)
        return VisionTransformerFamily(self.name, table)

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)


def _slots(table: Table) -> list[Slot]:
    patches = Patches(table.image_channels, table.dim, table.patch_size, table.image_size)
    make = TwiceNormedLayer if table.output_norm else EncoderLayer

    def layer(heads: int, ffn: int) -> EncoderLayer:
        return make(
            dim=table.dim,
            qkv_dim=heads * table.head_dim,
            n_heads=heads,
            ffn=ffn,
            length=patches.length,
            act="gelu",
            norm_first=True,
            eps=table.eps,
        )

    return [
        Slot("patches", (), lambda: patches),
        *encoder_slots(table, layer),
        Slot("classifier", (), lambda: NormedLogits(table.dim, table.n_classes, patches.length, table.eps)),
    ]


@dataclass(frozen=True)
class Patches:
    """Images to tokens: a class token and a linear map of every patch, plus positions, [Dosovitskiy2021], Equation 1."""

    image_channels: int
    dim: int
    patch_size: int
    image_size: int

    @property
    def length(self) -> int:
        """Tokens of an image."""
        return (self.image_size // self.patch_size) ** 2 + 1

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return (self.image_channels * self.patch_size**2 + 1 + self.length + 1) * self.dim

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return (self.length - 1) * self.image_channels * self.patch_size**2 * self.dim

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.image_channels, self.image_size, self.image_size

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return PatchTokens(self)


class PatchTokens(nn.Module):
    """The module of :class:`Patches`."""

    def __init__(self, spec: Patches) -> None:
        super().__init__()
        self.conv = nn.Conv2d(spec.image_channels, spec.dim, spec.patch_size, spec.patch_size)
        self.class_token = nn.Parameter(torch.zeros(1, 1, spec.dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, spec.length, spec.dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, size, size)`` to ``(n, length, dim)``, the class token first."""
        patches = self.conv(x).flatten(2).transpose(1, 2)
        return torch.cat([self.class_token.expand(x.shape[0], -1, -1), patches], dim=1) + self.positions


@dataclass(frozen=True, kw_only=True)
class TwiceNormedLayer(EncoderLayer):
    """A layer of [DyNAS-T]'s ViT: there is normalisation before attention, and once more after its residual connection."""

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return super().params + 2 * self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return TwiceNormedBlock(self)


class TwiceNormedBlock(EncoderBlock):
    """The module of a :class:`TwiceNormedLayer`."""

    def __init__(self, spec: TwiceNormedLayer) -> None:
        super().__init__(spec)
        self.output_norm = nn.LayerNorm(spec.dim, spec.eps)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """As :class:`EncoderBlock`."""
        normed = self.attention_norm(x)
        x = self.output_norm(x + self.dropout(self.attention(normed, normed, mask)))
        return x + self.dropout(self.ffn(self.ffn_norm(x)))


@dataclass(frozen=True)
class NormedLogits:
    """Logits of the class token after layer normalisation, ``(n, length, dim)`` to ``(n, n_classes)``."""

    dim: int
    n_classes: int
    length: int
    eps: float = field(repr=False)

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * self.dim + (self.dim + 1) * self.n_classes

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.dim * self.n_classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length, dim)``."""
        return self.length, self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        norm, linear = nn.LayerNorm(self.dim, self.eps), nn.Linear(self.dim, self.n_classes)
        return nn.Sequential(OrderedDict(first=FirstToken(), norm=norm, linear=linear))
