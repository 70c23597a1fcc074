"""MobileNetV3 with elastic depth, kernel, expansion and resolution: Once-for-All's space and its miniature.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.
[Howard2019] A. Howard et al., "Searching for MobileNetV3", ICCV 2019, Table 1.

Differs from the paper in: nothing; channel counts, block order and the counting of params and MACs follow the released code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from nastoolkit.blocks import Classifier, Conv, GlobalPool, MBConv, make_divisible, output_size
from nastoolkit.families.base import Family, Slot
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True)
class Stage:
    """A row of the table: output channels (before the width multiplier), stride of the first block, the rest of all blocks."""

    channels: int
    stride: int
    act: str
    squeeze_excite: bool


@dataclass(frozen=True)
class Table:
    """The paper's table of one MobileNetV3 supernet.

    Attributes:
        resolutions: Input heights and widths, in pixels; one value makes the resolution fixed.
        stem: Output channels of the first convolution, which has stride 2, and of the fixed block behind it.
        stages: The elastic stages.
        final_expand: Output channels of the 1x1 convolution before pooling.
        feature_mix: Output channels of the 1x1 convolution after pooling.
    """

    image_channels: int
    n_classes: int
    resolutions: tuple[int, ...]
    depths: tuple[int, ...]
    kernels: tuple[int, ...]
    expands: tuple[int, ...]
    stem: int
    stages: tuple[Stage, ...]
    final_expand: int
    feature_mix: int
    width: float = 1.0

    def channels(self, base: int) -> int:
        """Channels at this table's width multiplier."""
        return make_divisible(base * self.width)


OFA = Table(
    image_channels=3,
    n_classes=1000,
    resolutions=tuple(range(128, 225, 4)),
    depths=(2, 3, 4),
    kernels=(3, 5, 7),
    expands=(3, 4, 6),
    stem=16,
    stages=(
        Stage(24, 2, "relu", False),
        Stage(40, 2, "relu", True),
        Stage(80, 2, "h_swish", False),
        Stage(112, 1, "h_swish", True),
        Stage(160, 2, "h_swish", True),
    ),
    final_expand=960,
    feature_mix=1280,
)
OFA_WIDE = replace(OFA, width=1.2, resolutions=tuple(range(160, 225, 4)))

DIGITS = Table(
    image_channels=1,
    n_classes=10,
    resolutions=(32,),
    depths=(1, 2, 3),
    kernels=(3, 5, 7),
    expands=(2, 4, 6),
    stem=8,
    stages=(
        Stage(16, 2, "relu", False),
        Stage(24, 2, "h_swish", True),
        Stage(40, 1, "h_swish", True),
    ),
    final_expand=160,
    feature_mix=192,
)


class MobileNetV3Family(Family):
    """The MobileNetV3 networks of a table.

    Choices: ``resolution``, then for each stage ``stage{s}.depth`` and for each of its blocks
    ``stage{s}.block{b}.kernel`` and ``.expand``. A stage keeps its first ``depth`` blocks.

    Args:
        name: Key in ``FAMILIES``.
        table: The paper's table, or a smaller one of the same form.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        super().__init__(name, SearchSpace(_choices(table)), _slots(table))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)


def _choices(table: Table) -> list[Choice]:
    choices = [Choice("resolution", table.resolutions)]
    for stage in range(1, len(table.stages) + 1):
        depth = f"stage{stage}.depth"
        choices.append(Choice(depth, table.depths))
        for block in range(1, max(table.depths) + 1):
            deep_enough = tuple(d for d in table.depths if d >= block)
            when = None if deep_enough == table.depths else (depth, deep_enough)
            choices.append(Choice(f"stage{stage}.block{block}.kernel", table.kernels, when))
            choices.append(Choice(f"stage{stage}.block{block}.expand", table.expands, when))
    return choices


def _slots(table: Table) -> tuple[Slot, ...]:
    """Stem, fixed first block, elastic stages, head: [Howard2019] Table 1, top to bottom."""
    stem = table.channels(table.stem)
    slots = _stem(table, stem)
    stride = 2
    widths = [stem, *(table.channels(stage.channels) for stage in table.stages)]
    for number, (stage, (narrow, wide)) in enumerate(zip(table.stages, pairwise(widths), strict=True), start=1):
        slots += [_block(number, block, stage, narrow, wide, stride) for block in range(1, max(table.depths) + 1)]
        stride *= stage.stride
    return (*slots, *_head(table, widths[-1], stride))


def _stem(table: Table, channels: int) -> list[Slot]:
    def first_block(resolution: int) -> MBConv:
        size = output_size(resolution, 2)
        return MBConv(channels, channels, channels, 3, 1, size, "relu", squeeze_excite=False, expand=False)

    return [
        Slot("stem", ("resolution",), lambda size: Conv(table.image_channels, channels, 3, 2, size, "h_swish")),
        Slot("first_block", ("resolution",), first_block),
    ]


def _block(stage_number: int, number: int, stage: Stage, narrow: int, wide: int, stride: int) -> Slot:
    """Block ``number`` of a stage: the first one changes channels and resolution, the others keep them."""
    first = number == 1
    channels, reduction = (narrow, stride) if first else (wide, stride * stage.stride)

    def spec(resolution: int, depth: int, kernel: int, expand: int) -> MBConv | None:
        if number > depth:
            return None
        return MBConv(
            in_channels=channels,
            mid_channels=make_divisible(round(channels * expand)),
            out_channels=wide,
            kernel=kernel,
            stride=stage.stride if first else 1,
            input_size=output_size(resolution, reduction),
            act=stage.act,
            squeeze_excite=stage.squeeze_excite,
        )

    name = f"stage{stage_number}.block{number}"
    return Slot(name, ("resolution", f"stage{stage_number}.depth", f"{name}.kernel", f"{name}.expand"), spec)


def _head(table: Table, channels: int, stride: int) -> list[Slot]:
    final, features = table.channels(table.final_expand), table.channels(table.feature_mix)
    return [
        Slot(
            "final_expand",
            ("resolution",),
            lambda size: Conv(channels, final, 1, 1, output_size(size, stride), "h_swish"),
        ),
        Slot("pool", ("resolution",), lambda size: GlobalPool(final, output_size(size, stride))),
        Slot("feature_mix", (), lambda: Conv(final, features, 1, 1, 1, "h_swish", norm=False)),
        Slot("classifier", (), lambda: Classifier(features, table.n_classes)),
    ]
