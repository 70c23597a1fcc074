"""Chains of few convolutions, as they learn from few images; every layer chooses its kernel and its width.

[Vinyals2016] O. Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016, Section 4.1: four layers, 3x3.
[Finn2017] C. Finn, P. Abbeel and S. Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017,
Section 5.1: strides in place of pooling.

Differs from the papers in: kernels and widths are choices, and the pixels that are left are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from nastoolkit.blocks import Classifier, Conv, GlobalPool, output_size
from nastoolkit.families.base import Family, Slot
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True, kw_only=True)
class ConvsTable:
    """Convolutions one after the other.

    Attributes:
        strides: Stride of each layer.
        kernels: Options for the kernel of each layer, odd.
        widths: Options for its output channels.

    Raises:
        ValueError: There is no layer, or a kernel is even.
    """

    image_channels: int
    image_size: int
    n_classes: int
    strides: tuple[int, ...] = (1, 2, 2, 2)
    kernels: tuple[int, ...] = (1, 3, 5)
    widths: tuple[int, ...] = (8, 12, 16)

    def __post_init__(self) -> None:
        if not self.strides:
            raise ValueError("a chain has at least one convolution, got no strides")
        if any(kernel % 2 == 0 for kernel in self.kernels):
            raise ValueError(f"kernels are odd, got {self.kernels}")


FEW_SHOT = ConvsTable(image_channels=1, image_size=14, n_classes=5)


class ConvChainFamily(Family):
    """The networks of a table, with choices ``layer{i}.kernel`` and ``layer{i}.width``.

    Args:
        name: Key in ``FAMILIES``.
        table: Sizes and options.
    """

    def __init__(self, name: str, table: ConvsTable) -> None:
        self.table = table
        layers = range(1, len(table.strides) + 1)
        kinds = {"kernel": table.kernels, "width": table.widths}
        choices = [Choice(f"layer{layer}.{kind}", options) for layer in layers for kind, options in kinds.items()]
        super().__init__(name, SearchSpace(choices), tuple(_slots(table)))

    def __reduce__(self) -> tuple[type, tuple[str, ConvsTable]]:
        return type(self), (self.name, self.table)


def _slots(table: ConvsTable) -> list[Slot]:
    size, before, slots = table.image_size, "", list[Slot]()
    for layer, stride in enumerate(table.strides, start=1):
        own = (f"layer{layer}.kernel", width := f"layer{layer}.width")
        make = partial(_layer, table.image_channels, stride, size)
        slots.append(Slot(f"layer{layer}", (*own, before) if before else own, make))
        size, before = output_size(size, stride), width
    pool = Slot("pool", (before,), lambda width: GlobalPool(width, size))
    return [*slots, pool, Slot("classifier", (before,), lambda width: Classifier(width, table.n_classes))]


def _layer(image_channels: int, stride: int, size: int, kernel: int, width: int, before: int = 0) -> Conv:
    return Conv(before or image_channels, width, kernel, stride, size, "relu")
