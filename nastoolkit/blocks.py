"""Block specs: what a block is, what it costs, and how to build it as a plain PyTorch module.

A spec is a frozen dataclass, so it is a key: every additive cost (params, MACs, latency, size) is a look-up per spec.
MACs are those of convolutions and linear layers for one input, as the Once-for-All line of work counts them.

[Howard2019] A. Howard et al., "Searching for MobileNetV3", ICCV 2019.
[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import ClassVar, Protocol, TypeVar

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
        ranked_by: Tensor and its dimension that counts the channels; the norm of what a channel has there is its importance.
        others: All other tensors of the block that know these channels, with the dimension.
    """

    ranked_by: tuple[str, int]
    others: tuple[tuple[str, int], ...]


def norm_of(layer: str) -> tuple[tuple[str, int], ...]:
    """All tensors of a batch normalisation, for :class:`HiddenChannels`."""
    return tuple((f"{layer}.{name}", 0) for name in ("weight", "bias", "running_mean", "running_var"))


def describe_block(spec: BlockSpec) -> str:
    """A block spec in a few signs, e.g. ``MBConv 5x5, 24-96-24``."""
    values = {field.name: getattr(spec, field.name) for field in fields(spec)}  # type: ignore[arg-type]
    if "block" in values:
        scheme = f"{values['scheme']} " if values["scheme"] else ""
        bits = f"{values['weight_bits']}-bit {scheme}weights, {values['activation_bits']}-bit activations"
        return f"{describe_block(values['block'])}, {bits}"
    widths = [values[name] for name in CHANNELS if name in values]
    kernel = f" {values['kernel']}x{values['kernel']}" if "kernel" in values else ""
    return f"{type(spec).__name__}{kernel}" + (f", {'-'.join(map(str, widths))}" if widths else "")


def each(inputs: Inputs, change: Callable[[torch.Tensor], T]) -> T | tuple[T, ...]:
    """A network's one argument, a tensor or a tuple of tensors, after changing every tensor of it."""
    return tuple(map(change, inputs)) if isinstance(inputs, tuple) else change(inputs)


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next(network.parameters()).device


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round a channel count to a multiple of ``divisor``, down by at most 10 %: MobileNetV2's rule, kept by [Cai2020]."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * value else rounded + divisor


def output_size(input_size: int, stride: int) -> int:
    """Height and width after a convolution with an odd kernel and padding ``kernel // 2``."""
    return (input_size - 1) // stride + 1


def channels_last(network: nn.Module) -> nn.Module:
    """The same network, its convolutions in the memory layout that CPUs run 2 to 5 times faster."""
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


class SqueezeExcite(nn.Module):
    """Channel attention of MobileNetV3: mean, two 1x1 convolutions with biases, hard sigmoid ([Howard2019], Section 5.3)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.expand = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, h, w)`` to the same shape."""
        scale = self.expand(torch.relu(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * nn.functional.hardsigmoid(scale)


@dataclass(frozen=True)
class Conv:
    """A convolution with optional batch normalisation and activation; square inputs of ``input_size`` pixels.

    ``eps`` is that of batch normalisation. It changes no cost, so saved tables of costs, whose keys are reprs, do without it.
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
class MBConv:
    """Mobile inverted bottleneck: expand (1x1), depthwise (k x k), optional squeeze-excite, project (1x1), optional skip.

    ``mid_channels`` is the width of the depthwise convolution; without ``expand`` it equals ``in_channels``. ``eps`` is as in
    :class:`Conv`.
    """

    in_channels: int
    mid_channels: int
    out_channels: int
    kernel: int
    stride: int
    input_size: int
    act: str
    squeeze_excite: bool
    expand: bool = True
    eps: float = field(default=EPS, repr=False)

    @property
    def hidden(self) -> int:
        """Width of the squeeze-excite bottleneck, a quarter of the middle channels; 0 without squeeze-excite."""
        return make_divisible(self.mid_channels // 4) if self.squeeze_excite else 0

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output: where their shapes agree."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def hidden_channels(self) -> tuple[HiddenChannels, ...]:
        """The middle channels, where the block expands to them, and those of squeeze-excite."""
        excite = (("excite.reduce.weight", 1), ("excite.expand.weight", 0), ("excite.expand.bias", 0)) * self.squeeze_excite
        layers = (("expand.conv.weight", 0), ("depthwise.conv.weight", 0), *norm_of("expand.bn"), *norm_of("depthwise.bn"))
        middle = HiddenChannels(("project.conv.weight", 1), layers + excite)
        squeezed = HiddenChannels(("excite.expand.weight", 1), (("excite.reduce.weight", 0), ("excite.reduce.bias", 0)))
        return (middle,) * self.expand + (squeezed,) * self.squeeze_excite

    @property
    def params(self) -> int:
        """See :class:`BlockSpec`."""
        mid, out = self.mid_channels, self.out_channels
        expand = (self.in_channels * mid + 2 * mid) * self.expand
        excite = (2 * mid * self.hidden + mid + self.hidden) * self.squeeze_excite
        return expand + mid * self.kernel**2 + 2 * mid + excite + mid * out + 2 * out

    @property
    def macs(self) -> int:
        """See :class:`BlockSpec`; squeeze-excite counts at one pixel."""
        mid, pixels = self.mid_channels, output_size(self.input_size, self.stride) ** 2
        expand = self.in_channels * mid * self.input_size**2 * self.expand
        return expand + mid * self.kernel**2 * pixels + 2 * mid * self.hidden + mid * self.out_channels * pixels

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.in_channels, self.input_size, self.input_size

    def build(self) -> nn.Module:
        """See :class:`BlockSpec`."""
        mid, act, eps = self.mid_channels, self.act, self.eps
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if self.expand:
            layers["expand"] = convolution(self.in_channels, mid, 1, 1, act=act, eps=eps)
        layers["depthwise"] = convolution(mid, mid, self.kernel, self.stride, act=act, depthwise=True, eps=eps)
        if self.squeeze_excite:
            layers["excite"] = SqueezeExcite(mid, self.hidden)
        layers["project"] = convolution(mid, self.out_channels, 1, 1, act="none", eps=eps)
        return Residual(layers) if self.residual else nn.Sequential(layers)


@dataclass(frozen=True)
class Pool:
    """What pools have in common: nothing to train, and no MACs by the convention."""

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
