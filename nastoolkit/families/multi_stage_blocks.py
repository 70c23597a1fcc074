"""Blocks of multi-stage Vision Transformers: patches with a class token, layers, and spatial reductions between stages.

[Liao2021] Y.-L. Liao, S. Karaman and V. Sze, "Searching for Efficient Multi-Stage Vision Transformers", arXiv 2109.00642,
Section 3.2; the convolutions before the patches are those of its released networks.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import HiddenChannels, Residual, convolution
from nastoolkit.families.transformer_blocks import HIDDEN_UNITS, EncoderLayer


@dataclass(frozen=True)
class PatchTokens:
    """Images to tokens: a class token and a linear map of every patch, plus positions.

    Attributes:
        image_channels: 3 for colours.
        dim: Channels of tokens.
        patch_size: Height and width of a patch, an even number if there is a stem.
        image_size: Height and width of the image.
        stem: Channels of three convolutions before the patches, of which the first halves the image; 0 for none.
    """

    image_channels: int
    dim: int
    patch_size: int
    image_size: int
    stem: int = 0

    @property
    def length(self) -> int:
        """Tokens of an image."""
        return (self.image_size // self.patch_size) ** 2 + 1

    @property
    def patch(self) -> tuple[int, int]:
        """Channels of what patches are taken from, and their height and width there."""
        return (self.stem, self.patch_size // 2) if self.stem else (self.image_channels, self.patch_size)

    @property
    def _stem_weights(self) -> int:
        return 9 * (self.image_channels + 2 * self.stem) * self.stem

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        channels, size = self.patch
        return self._stem_weights + 6 * self.stem + (channels * size**2 + 1 + self.length + 1) * self.dim

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        channels, size = self.patch
        stem = self._stem_weights * (self.image_size // 2) ** 2
        return stem + (self.length - 1) * channels * size**2 * self.dim

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.image_channels, self.image_size, self.image_size

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return PatchTokensBlock(self)


class PatchTokensBlock(nn.Module):
    """The module of :class:`PatchTokens`."""

    def __init__(self, spec: PatchTokens) -> None:
        super().__init__()
        channels, size = spec.patch
        self.stem = _stem(spec.image_channels, spec.stem) if spec.stem else nn.Identity()
        self.conv = nn.Conv2d(channels, spec.dim, size, size)
        self.class_token = nn.Parameter(torch.zeros(spec.dim))
        self.positions = nn.Parameter(0.02 * torch.randn(spec.length, spec.dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, size, size)`` to ``(n, length, dim)``, the class token first."""
        patches = self.conv(self.stem(x)).flatten(2).transpose(1, 2)
        return torch.cat([self.class_token.expand(x.shape[0], 1, -1), patches], dim=1) + self.positions


def _stem(image_channels: int, channels: int) -> nn.Module:
    first = convolution(image_channels, channels, 3, 2, act="relu")
    others = [convolution(channels, channels, 3, 1, act="relu") for _ in range(2)]
    return nn.Sequential(OrderedDict(first=first, others=Residual(*others)))


@dataclass(frozen=True)
class SpatialReduction:
    """Halves the height and width of images that tokens stand for, and changes their channels ([Liao2021], Section 3.2).

    Attributes:
        in_channels: Channels of the tokens that come.
        out_channels: Channels of those that go, no fewer.
        side: Height and width of the image that goes, in tokens.
        has_skip: Whether what comes, pooled and with zeros for new channels, is added to what goes.
        eps: Number that layer normalisation adds to variances.
    """

    in_channels: int
    out_channels: int
    side: int
    has_skip: bool = True
    eps: float = field(default=1e-6, repr=False)

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * self.in_channels + (10 * self.in_channels + 2 + self.side**2) * self.out_channels

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return (9 * self.side**2 + 1) * self.in_channels * self.out_channels

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length, dim)``."""
        return 4 * self.side**2 + 1, self.in_channels

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return SpatialReductionBlock(self)


class SpatialReductionBlock(nn.Module):
    """The module of a :class:`SpatialReduction`."""

    def __init__(self, spec: SpatialReduction) -> None:
        super().__init__()
        self.side, self.has_skip, self.n_new = spec.side, spec.has_skip, spec.out_channels - spec.in_channels
        self.norm = nn.LayerNorm(spec.in_channels, spec.eps)
        self.conv = nn.Conv2d(spec.in_channels, spec.out_channels, 3, 2, 1)
        self.token = nn.Linear(spec.in_channels, spec.out_channels)
        self.positions = nn.Parameter(0.02 * torch.randn(spec.side**2, spec.out_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, 4 side² + 1, in_channels)`` to ``(n, side² + 1, out_channels)``, the class token first."""
        return self.with_skip(self.reduced(self.norm(x)), x)

    def reduced(self, normed: torch.Tensor) -> torch.Tensor:
        """What is computed of normalised tokens: a convolution of patches, a linear map of the class token."""
        patches = self.conv(self._image(normed)).flatten(2).transpose(1, 2) + self.positions
        return torch.cat([self.token(normed[:, :1]), patches], dim=1)

    def with_skip(self, reduced: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The sum of what was computed and of tokens ``x`` that came, or the first alone if there is no skip."""
        if not self.has_skip:
            return reduced
        pooled = functional.avg_pool2d(self._image(x), 2).flatten(2).transpose(1, 2)
        return reduced + functional.pad(torch.cat([x[:, :1], pooled], dim=1), (0, self.n_new))

    def _image(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens[:, 1:].transpose(1, 2).unflatten(2, (2 * self.side, 2 * self.side))


@dataclass(frozen=True, kw_only=True)
class StageLayer(EncoderLayer):
    """A layer whose heads can be sorted by importance, too, each as a whole."""

    @property
    def hidden_channels(self) -> tuple[HiddenChannels, ...]:  # type: ignore[override]
        """Hidden units, and heads."""
        parts = [(f"attention.{part}.{kind}", 0) for part in ("query", "key", "value") for kind in ("weight", "bias")]
        heads = HiddenChannels(("attention.output.weight", 1), tuple(parts), self.qkv_dim // self.n_heads)
        return (*HIDDEN_UNITS, heads)
