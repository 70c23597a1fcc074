"""ResNet50-D with elastic depth, expansion, width and resolution: Once-for-All's space.

[He2016] K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, Table 1.
[He2019] T. He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks", CVPR 2019, Section 4.
[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020.

Differs from the papers in: nothing; [Cai2020] has no ResNet, so the space, channel counts and the counting of params and MACs
follow its released code. In it, and so here, two of the stem's middle widths round to the same number of channels: a search
treats them as one, but the size of the space counts both, as the release does. It is 6.1e13, of which 4.1e13 are different.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod

from nastoolkit.blocks import Classifier, Conv, GlobalPool, make_divisible, output_size
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.resnet_blocks import Bottleneck, MaxPool, ResidualConv
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True)
class BottleneckStage:
    """A row of the table: output channels at width 1, least number of blocks, stride of the first block."""

    channels: int
    n_blocks: int
    stride: int


@dataclass(frozen=True, kw_only=True)
class Table:
    """The released table of one ResNet supernet.

    Attributes:
        resolutions: Input heights and widths, in pixels.
        depths: Numbers of blocks that a stage may have beyond its least number.
        expands: Middle channels of a block, as a share of its output channels.
        widths: Multipliers of channels.
        stem: Channels of the stem's first two convolutions and of its last one, at width 1.
        stem_depths: 0 means a stem without its second convolution; the release writes 2 for a stem with it.
        stages: The elastic stages.
        counts_twins: Whether the size of the space separately counts widths that round to the same channels, as the release
            does.
    """

    image_channels: int
    n_classes: int
    resolutions: tuple[int, ...]
    depths: tuple[int, ...]
    expands: tuple[float, ...]
    widths: tuple[float, ...]
    stem: tuple[int, int]
    stem_depths: tuple[int, ...]
    stages: tuple[BottleneckStage, ...]
    counts_twins: bool = False


OFA = Table(
    image_channels=3,
    n_classes=1000,
    resolutions=tuple(range(128, 225, 4)),
    depths=(0, 1, 2),
    expands=(0.2, 0.25, 0.35),
    widths=(0.65, 0.8, 1.0),
    stem=(32, 64),
    stem_depths=(0, 2),
    stages=(
        BottleneckStage(256, 2, 1),
        BottleneckStage(512, 2, 2),
        BottleneckStage(1024, 4, 2),
        BottleneckStage(2048, 2, 2),
    ),
    counts_twins=True,
)

DIGITS = Table(  # options further apart than the release's, as so few channels round to multiples of 8; some still are twins
    image_channels=1,
    n_classes=10,
    resolutions=(24, 32, 40),
    depths=(0, 1, 2),
    expands=(0.25, 0.5, 0.75),
    widths=(0.5, 0.75, 1.0),
    stem=(16, 32),
    stem_depths=(0, 2),
    stages=(
        BottleneckStage(32, 1, 1),
        BottleneckStage(64, 1, 2),
        BottleneckStage(96, 1, 2),
    ),
)


class ResNet50Family(Family):
    """The ResNet50-D networks of a table.

    Choices: ``resolution``, ``stem.depth``, ``stem.mid_width`` and ``stem.width``; then for each stage ``stage{s}.depth``,
    ``stage{s}.width`` and for each of its blocks ``stage{s}.block{b}.expand``. A stage keeps its first blocks.

    Args:
        name: Key in ``FAMILIES``.
        table: The released supernet's table, or a smaller one of the same form.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        space = SearchSpace(_choices(table), table.counts_twins)
        super().__init__(name, space, (*_stem(table), *_stages(table), *_head(table)))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)


def _choices(table: Table) -> list[Choice]:
    choices = [Choice("resolution", table.resolutions), Choice("stem.depth", table.stem_depths)]
    choices += [Choice("stem.mid_width", table.widths), Choice("stem.width", table.widths)]
    for number, stage in enumerate(table.stages, start=1):
        depth = f"stage{number}.depth"
        choices += [Choice(depth, table.depths), Choice(f"stage{number}.width", table.widths)]
        for block in range(1, stage.n_blocks + max(table.depths) + 1):
            deep_enough = tuple(d for d in table.depths if stage.n_blocks + d >= block)
            when = None if deep_enough == table.depths else (depth, deep_enough)
            choices.append(Choice(f"stage{number}.block{block}.expand", table.expands, when))
    return choices


def _scaled(channels: int, width: float) -> int:
    return make_divisible(channels * width)


def _stem(table: Table) -> list[Slot]:
    """Three 3x3 convolutions, the second one optional and added to its input, and a pool: 4 times smaller in all."""
    narrow, wide = (partial(_scaled, channels) for channels in table.stem)

    def conv2(resolution: int, mid: float, depth: int) -> Conv | None:
        return ResidualConv(narrow(mid), narrow(mid), 3, 1, output_size(resolution, 2), "relu") if depth else None

    def conv3(resolution: int, mid: float, width: float) -> Conv:
        return Conv(narrow(mid), wide(width), 3, 1, output_size(resolution, 2), "relu")

    return [
        Slot(
            "stem.conv1",
            ("resolution", "stem.mid_width"),
            lambda size, mid: Conv(table.image_channels, narrow(mid), 3, 2, size, "relu"),
        ),
        Slot("stem.conv2", ("resolution", "stem.mid_width", "stem.depth"), conv2),
        Slot("stem.conv3", ("resolution", "stem.mid_width", "stem.width"), conv3),
        Slot("stem.pool", ("resolution", "stem.width"), lambda size, width: MaxPool(wide(width), output_size(size, 2))),
    ]


def _stages(table: Table) -> list[Slot]:
    """The elastic stages, [He2016], Table 1, top to bottom."""
    slots, above, narrow, stride = [], "stem", table.stem[1], 4
    for number, stage in enumerate(table.stages, start=1):
        name = f"stage{number}"
        slots.append(_first_block(name, stage, above, narrow, stride))
        above, narrow, stride = name, stage.channels, stride * stage.stride
        blocks = range(2, stage.n_blocks + max(table.depths) + 1)
        slots += [_later_block(name, stage, block, stride) for block in blocks]
    return slots


def _first_block(name: str, stage: BottleneckStage, above: str, narrow: int, stride: int) -> Slot:
    """The block that changes channels and resolution; its input is as wide as what is ``above`` it."""

    def spec(resolution: int, width_above: float, width: float, expand: float) -> Bottleneck:
        channels, wide = _scaled(narrow, width_above), _scaled(stage.channels, width)
        mid = make_divisible(round(wide * expand))
        return Bottleneck(channels, mid, wide, stage.stride, output_size(resolution, stride), downsample=True)

    return Slot(f"{name}.block1", ("resolution", f"{above}.width", f"{name}.width", f"{name}.block1.expand"), spec)


def _later_block(name: str, stage: BottleneckStage, number: int, stride: int) -> Slot:
    def spec(resolution: int, depth: int, width: float, expand: float) -> Bottleneck | None:
        if number > stage.n_blocks + depth:
            return None
        wide = _scaled(stage.channels, width)
        return Bottleneck(wide, make_divisible(round(wide * expand)), wide, 1, output_size(resolution, stride))

    block = f"{name}.block{number}"
    return Slot(block, ("resolution", f"{name}.depth", f"{name}.width", f"{block}.expand"), spec)


def _head(table: Table) -> list[Slot]:
    channels, stride = partial(_scaled, table.stages[-1].channels), 4 * prod(stage.stride for stage in table.stages)
    last = f"stage{len(table.stages)}.width"
    return [
        Slot("pool", ("resolution", last), lambda size, width: GlobalPool(channels(width), output_size(size, stride))),
        Slot("classifier", (last,), lambda width: Classifier(channels(width), table.n_classes)),
    ]
