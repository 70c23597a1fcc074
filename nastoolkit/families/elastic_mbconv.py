"""What Once-for-All's mobile supernets share: a stem and stages of inverted bottlenecks with elastic depth, kernel, expansion.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import ClassVar

from nastoolkit.blocks import EPS, Conv, make_divisible, output_size
from nastoolkit.families.base import Slot
from nastoolkit.families.mbconv_blocks import MBConv
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True)
class MBConvStage:
    """A row of the table: output channels (before the width multiplier), the first block's stride, and properties of all
    blocks.

    ``depths`` is for a stage whose numbers of blocks differ from the table's; ``plain_first`` for one whose first block has no
    squeeze-excite, although the others do.
    """

    channels: int
    stride: int
    act: str
    squeeze_excite: bool = False
    depths: tuple[int, ...] | None = None
    plain_first: bool = False


@dataclass(frozen=True, kw_only=True)
class MBConvTable:
    """The part of a paper's table before the head. Options are tuples; a single value makes a fixed choice.

    Attributes:
        resolutions: Input heights and widths, in pixels.
        depths: Numbers of blocks in a stage.
        kernels: Kernels of the depthwise convolutions.
        expands: Widths of the depthwise convolutions, as multiples of their block's input channels.
        stem: Output channels of the first convolution, which has stride 2, and of the fixed block after it.
        stem_act: Activations of the stem.
        stages: The elastic stages.
        feature_mix: Output channels of the last 1x1 convolution.
        width: Multiplier of all channels.
        eps: Number that batch normalisation adds to variances.
    """

    block: ClassVar[type[MBConv]] = MBConv  # class of the blocks

    image_channels: int
    n_classes: int
    resolutions: tuple[int, ...]
    depths: tuple[int, ...]
    kernels: tuple[int, ...]
    expands: tuple[int, ...]
    stem: tuple[int, int]
    stem_act: tuple[str, str]
    stages: tuple[MBConvStage, ...]
    feature_mix: int
    width: float = 1.0
    eps: float = EPS

    def channels(self, base: int) -> int:
        """Channels at this table's width multiplier."""
        return make_divisible(base * self.width)

    def depths_of(self, stage: MBConvStage) -> tuple[int, ...]:
        """Numbers of blocks that a stage may have."""
        return stage.depths or self.depths

    def final_size(self, resolution: int) -> int:
        """Height and width after the last stage, in pixels."""
        return output_size(resolution, 2 * prod(stage.stride for stage in self.stages))


def elastic_space(table: MBConvTable) -> SearchSpace:
    """Choices ``resolution``, ``stage{s}.depth``, and for each block ``stage{s}.block{b}.kernel`` and ``.expand``."""
    choices = [Choice("resolution", table.resolutions)]
    for number, stage in enumerate(table.stages, start=1):
        depth, depths = f"stage{number}.depth", table.depths_of(stage)
        choices.append(Choice(depth, depths))
        for block in range(1, max(depths) + 1):
            deep_enough = tuple(d for d in depths if d >= block)
            when = None if deep_enough == depths else (depth, deep_enough)
            choices.append(Choice(f"stage{number}.block{block}.kernel", table.kernels, when))
            choices.append(Choice(f"stage{number}.block{block}.expand", table.expands, when))
    return SearchSpace(choices)


def stem_slots(table: MBConvTable) -> list[Slot]:
    """A 3x3 convolution with stride 2, and an inverted bottleneck that does not expand."""
    (narrow, wide), (act, first_act) = map(table.channels, table.stem), table.stem_act

    def stem(resolution: int) -> Conv:
        return Conv(table.image_channels, narrow, 3, 2, resolution, act, eps=table.eps)

    def first_block(resolution: int) -> MBConv:
        size = output_size(resolution, 2)
        return MBConv(narrow, narrow, wide, 3, 1, size, first_act, squeeze_excite=False, expand=False, eps=table.eps)

    return [Slot("stem", ("resolution",), stem), Slot("first_block", ("resolution",), first_block)]


def stage_slots(table: MBConvTable) -> list[Slot]:
    """The elastic stages, top to bottom. A stage keeps its first ``depth`` blocks."""
    slots = []
    widths = [table.channels(channels) for channels in (table.stem[1], *(stage.channels for stage in table.stages))]
    stride = 2
    for number, (stage, (narrow, wide)) in enumerate(zip(table.stages, pairwise(widths), strict=True), start=1):
        n_blocks = max(table.depths_of(stage))
        slots += [_block(table, number, block, narrow, wide, stride) for block in range(1, n_blocks + 1)]
        stride *= stage.stride
    return slots


def _block(table: MBConvTable, stage_number: int, number: int, narrow: int, wide: int, stride: int) -> Slot:
    """Block ``number`` of a stage: the first one changes channels and resolution, the others keep them."""
    stage, first = table.stages[stage_number - 1], number == 1
    channels, reduction = (narrow, stride) if first else (wide, stride * stage.stride)

    def spec(resolution: int, depth: int, kernel: int, expand: int) -> MBConv | None:
        if number > depth:
            return None
        return table.block(
            in_channels=channels,
            mid_channels=make_divisible(round(channels * expand)),
            out_channels=wide,
            kernel=kernel,
            stride=stage.stride if first else 1,
            input_size=output_size(resolution, reduction),
            act=stage.act,
            squeeze_excite=stage.squeeze_excite and not (first and stage.plain_first),
            eps=table.eps,
        )

    name = f"stage{stage_number}.block{number}"
    return Slot(name, ("resolution", f"stage{stage_number}.depth", f"{name}.kernel", f"{name}.expand"), spec)
