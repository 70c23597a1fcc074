"""Block specs: what a block is, what it costs, and how to build it as a plain PyTorch module.

A spec is a frozen dataclass, so it can be a key: every additive cost (params, MACs, latency, size) is looked up by spec.
MACs count convolutions and linear layers for one input, as in the Once-for-All line of work.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import ClassVar, Protocol, TypeVar

import numpy as np
import torch
from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6, "h_swish": nn.Hardswish, "none": nn.Identity}
CHANNELS = ("in_channels", "mid_channels", "out_channels", "channels", "dim", "qkv_dim", "ffn", "features", "n_classes")
EPS = 1e-5  # of batch normalisation: PyTorch's own
Inputs = torch.Tensor | tuple[torch.Tensor, ...]
T = TypeVar("T")


class BlockSpec(Protocol):
    """What every block spec offers. Specs are hashable, and equal specs build equal modules."""

    @property
    def params(self) -> int:
        """Number of trainable parameters."""

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations for one input, convolutions and linear layers only."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the batch dimension."""

    def build(self) -> nn.Module:
        """A new module with freshly initialised weights."""

    def __hash__(self) -> int:
        """Specs are keys."""


@dataclass(frozen=True)
class HiddenChannels:
    """Channels inside a block that can be renumbered without changing what it computes.

    Attributes:
        ranked_by: Tensor and its dimension for the channels; the norm of a channel's slice is its importance.
        others: All other tensors of the block with these channels, each with the dimension.
        group: Number of neighbours that stay together, such as the channels of a head; their importances are summed.
    """

    ranked_by: tuple[str, int]
    others: tuple[tuple[str, int], ...]
    group: int = 1


def norm_of(layer: str) -> tuple[tuple[str, int], ...]:
    """All tensors of a batch normalisation, for :class:`HiddenChannels`."""
    return tuple((f"{layer}.{name}", 0) for name in ("weight", "bias", "running_mean", "running_var"))


def describe_block(spec: BlockSpec) -> str:
    """A block spec in a few characters, e.g. ``MBConv 5x5, 24-96-24``."""
    values = {field.name: getattr(spec, field.name) for field in fields(spec)}  # type: ignore[arg-type]
    if "block" in values:
        scheme = f"{values['scheme']} " if values["scheme"] else ""
        bits = f"{values['weight_bits']}-bit {scheme}weights, {values['activation_bits']}-bit activations"
        return f"{describe_block(values['block'])}, {bits}"
    widths = [values[name] for name in CHANNELS if name in values]
    height = 1 if "length" in values else values.get("kernel")  # kernels over time are flat
    kernel = f" {height}x{values['kernel']}" if "kernel" in values else ""
    return f"{type(spec).__name__}{kernel}" + (f", {'-'.join(map(str, widths))}" if widths else "")


def each(inputs: Inputs, change: Callable[[torch.Tensor], T]) -> T | tuple[T, ...]:
    """A network's one argument, a tensor or a tuple of tensors, with a function applied to every tensor."""
    return tuple(map(change, inputs)) if isinstance(inputs, tuple) else change(inputs)


def rows_of(inputs: Inputs, rows: np.ndarray) -> Inputs:
    """Some inputs of a batch, by their indices ``(n,)``."""
    return each(inputs, lambda part: part[rows])


def device_of(network: nn.Module) -> torch.device:
    """Device of a network's weights."""
    return next(network.parameters()).device


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round a channel count to a multiple of ``divisor``, down by at most 10 %: MobileNetV2's rule, kept by [Cai2020]."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * value else rounded + divisor


def output_size(input_size: int, stride: int) -> int:
    """Height and width after a convolution with an odd kernel and padding ``kernel // 2``."""
    return (input_size - 1) // stride + 1


def channels_last(network: nn.Module) -> nn.Module:
    """The same network, with convolutions in the memory layout that runs 2 to 5 times faster on CPUs."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def convolution(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int,
    *,
    act: str,
    depthwise: bool = False,
    norm: bool = True,
    eps: float = EPS,
) -> nn.Module:
    """Convolution, batch normalisation and activation as named children ``conv``, ``bn``, ``act``."""
    groups = in_channels if depthwise else 1
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
    if norm:
        layers["bn"] = nn.BatchNorm2d(out_channels, eps)
    if act != "none":
        layers["act"] = ACTIVATIONS[act]()
    return nn.Sequential(layers)


class Residual(nn.Sequential):
    """A chain of layers whose input is added to its output."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, h, w)`` to the same shape."""
        return x + super().forward(x)


@dataclass(frozen=True)
class Conv:
    """A convolution with optional batch normalisation and activation; square inputs of ``input_size`` pixels.

    ``eps`` belongs to batch normalisation. It changes no cost, so saved cost tables, whose keys are reprs, leave it out.
    """

    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    input_size: int
    act: str
    norm: bool = True
    eps: float = field(default=EPS, repr=False)

    @property
    def params(self) -> int:
        """See :class:`BlockSpec`."""
        return self.in_channels * self.out_channels * self.kernel**2 + 2 * self.out_channels * self.norm

    @property
    def macs(self) -> int:
        """See :class:`BlockSpec`."""
        return self.in_channels * self.out_channels * self.kernel**2 * output_size(self.input_size, self.stride) ** 2

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.in_channels, self.input_size, self.input_size

    def build(self) -> nn.Module:
        """See :class:`BlockSpec`."""
        return convolution(
            self.in_channels, self.out_channels, self.kernel, self.stride, act=self.act, norm=self.norm, eps=self.eps
        )


@dataclass(frozen=True)
class Pool:
    """Base of pools: they have no parameters, and no MACs by convention."""

    channels: int
    input_size: int
    params: ClassVar[int] = 0
    macs: ClassVar[int] = 0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.channels, self.input_size, self.input_size


class GlobalPool(Pool):
    """Mean over all pixels, ``(n, channels, h, w)`` to ``(n, channels, 1, 1)``."""

    def build(self) -> nn.Module:
        """See :class:`BlockSpec`."""
        return nn.AdaptiveAvgPool2d(1)


@dataclass(frozen=True)
class Classifier:
    """A linear layer on pooled features, ``(n, features, 1, 1)`` to logits ``(n, n_classes)``."""

    features: int
    n_classes: int

    @property
    def params(self) -> int:
        """See :class:`BlockSpec`."""
        return (self.features + 1) * self.n_classes

    @property
    def macs(self) -> int:
        """See :class:`BlockSpec`."""
        return self.features * self.n_classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(features, 1, 1)``."""
        return self.features, 1, 1

    def build(self) -> nn.Module:
        """See :class:`BlockSpec`."""
        return nn.Sequential(OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(self.features, self.n_classes)))
