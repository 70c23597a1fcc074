"""MCUNetV2's networks for microcontrollers, with elastic width, depth, kernel, expansion and resolution, from MIT's NAS lab.

[Lin2021] J. Lin et al., "MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning", NeurIPS 2021,
arXiv 2110.15352.
[Han2023] S. Han et al., MIT 6.5940 "TinyML and Efficient Deep Learning Computing", fall 2023, lab 3: the supernet
``OFAMCUNets`` and its settings for Visual Wake Words, whether there is a person in a photo.

Differs from the papers in: networks run on whole images, as in the lab, not patch by patch; squeeze-excite has ReLU instead of
the lab's ReLU6, which affects no count. Channel counts, block order and peak memory follow the lab's code. The lab's MACs are
from the counter ``thop``, which adds four operations for each input value of batch normalisation, and so are 6 to 15 % more;
ours are only those of convolutions and linear layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import ClassVar

import numpy as np

from nastoolkit.blocks import BlockSpec, Classifier, Conv, GlobalPool, output_size
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.elastic_mbconv import MBConvStage, MBConvTable, elastic_space, stage_slots
from nastoolkit.families.mbconv_blocks import MBConv
from nastoolkit.space import Choice, SearchSpace


class ThinExciteMBConv(MBConv):
    """An inverted bottleneck whose squeeze-excite has a quarter of the block's input channels, not of its middle channels."""

    @property
    def hidden(self) -> int:
        """Width of the squeeze-excite bottleneck; 0 without squeeze-excite."""
        return self.in_channels // 4 if self.squeeze_excite else 0


@dataclass(frozen=True, kw_only=True)
class Table(MBConvTable):
    """The lab's table of one supernet; its first block is a 1x1 convolution alone.

    Attributes:
        widths: Multipliers of all channels except those of ``feature_mix``.
    """

    block: ClassVar[type[MBConv]] = ThinExciteMBConv

    widths: tuple[float, ...]


VWW = Table(
    image_channels=3,
    n_classes=2,
    resolutions=(96, 112, 128, 144, 160),
    widths=(0.5, 0.75, 1.0),
    depths=(2, 3, 4),
    kernels=(3, 5, 7),
    expands=(3, 4, 6),
    stem=(32, 16),
    stem_act=("relu6", "none"),
    stages=(
        MBConvStage(24, 2, "relu6", depths=(1, 2, 3)),
        MBConvStage(40, 2, "relu6", squeeze_excite=True, plain_first=True),
        MBConvStage(80, 2, "relu6", squeeze_excite=True),
        MBConvStage(96, 1, "relu6", squeeze_excite=True),
        MBConvStage(192, 2, "relu6", squeeze_excite=True),
        MBConvStage(320, 1, "relu6", depths=(1,)),
    ),
    feature_mix=384,
    eps=1e-3,
)


class MCUNetFamily(Family):
    """The MCUNetV2 networks of a table.

    Choices: ``resolution`` and ``width``, then for each stage ``stage{s}.depth`` and for each of its blocks
    ``stage{s}.block{b}.kernel`` and ``.expand``. A stage keeps its first ``depth`` blocks.

    Args:
        name: Key in ``FAMILIES``.
        table: The lab's table, or a smaller one of the same form.
    """

    unquantised: MCUNetFamily

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        resolution, *others = elastic_space(table).choices
        space = SearchSpace([resolution, Choice("width", table.widths), *others])
        super().__init__(name, space, _slots(table))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)

    @cached_property
    def _peak_bytes(self) -> Callable[[np.ndarray], np.ndarray]:
        return self.tabulate(activation_bytes, combine="max")

    def peak_kib(self, genotypes: np.ndarray) -> np.ndarray:
        """Peak memory of 8-bit activations ``(n,)``, in KiB (1024 bytes), as the lab counts it: an exact objective.

        A microcontroller holds the input and the output of the layer that runs, and a block's input while its depthwise
        convolution runs if the block adds it in the end; weights stay in flash memory. ``peak_kb`` is what PyTorch needs: 32
        bits a value, the results of normalisation and activation apart from what they come from, and 1000 bytes a kB.
        """
        floats = self.space.check(genotypes)[..., : self.unquantised.space.n_genes]
        return self.unquantised._peak_bytes(floats) / 1024


def activation_bytes(spec: BlockSpec) -> int:
    """Most bytes of 8-bit activations that a block's layers hold at one time; see :meth:`MCUNetFamily.peak_kib`."""
    if isinstance(spec, Classifier):
        return spec.features + spec.n_classes
    if isinstance(spec, Conv):
        pixels = output_size(spec.input_size, spec.stride) ** 2
        return spec.in_channels * spec.input_size**2 + spec.out_channels * pixels
    return _bottleneck_bytes(spec) if isinstance(spec, MBConv) else 0


def _bottleneck_bytes(spec: MBConv) -> int:
    before, after = spec.input_size**2, output_size(spec.input_size, spec.stride) ** 2
    mid, inputs = spec.mid_channels, spec.in_channels * before
    depthwise = mid * (before + after) + inputs * spec.residual
    return max(inputs + mid * before, depthwise, (mid + spec.out_channels) * after)


def least_costs(family: MCUNetFamily) -> list[dict[str, float]]:
    """The least MACs and peak memory of each resolution and width, by trying all options of each block.

    For given resolution and width, no block's cost depends on another block, so the sum and the maximum of the blocks' least
    costs are lower bounds for any network.

    Returns:
        Rows with ``resolution``, ``width``, ``mmacs`` and ``peak_kib``.
    """
    options = {choice.name: choice.options for choice in family.space.choices}
    rows = []
    for resolution, width in product(options["resolution"], options["width"]):
        known = options | {"resolution": (resolution,), "width": (width,)}
        blocks = [[slot.spec(*way) for way in product(*(known[name] for name in slot.choices))] for slot in family.slots]
        macs = sum(min(spec.macs if spec else 0 for spec in ways) for ways in blocks)
        peak = max(min(activation_bytes(spec) if spec else 0 for spec in ways) for ways in blocks)
        rows.append({"resolution": resolution, "width": width, "mmacs": macs / 1e6, "peak_kib": peak / 1024})
    return rows


def _slots(table: Table) -> tuple[Slot, ...]:
    """The network's slots, each of which depends on the width."""
    tables = [replace(table, width=width) for width in table.widths]
    places = zip(*([*_stem(one), *stage_slots(one), *_head(one)] for one in tables), strict=True)
    return tuple(_of_any_width(table, slots) for slots in places)


def _of_any_width(table: Table, slots: Sequence[Slot]) -> Slot:
    """One slot made from the slots of networks of each width."""
    by_width = dict(zip(table.widths, slots, strict=True))
    return Slot(slots[0].name, ("width", *slots[0].choices), lambda width, *options: by_width[width].spec(*options))


def _stem(table: Table) -> list[Slot]:
    """A 3x3 convolution with stride 2, and a first block of which the lab keeps only the projection."""
    (narrow, wide), (act, first_act) = map(table.channels, table.stem), table.stem_act

    def stem(resolution: int) -> Conv:
        return Conv(table.image_channels, narrow, 3, 2, resolution, act, eps=table.eps)

    def first_block(resolution: int) -> Conv:
        return Conv(narrow, wide, 1, 1, output_size(resolution, 2), first_act, eps=table.eps)

    return [Slot("stem", ("resolution",), stem), Slot("first_block", ("resolution",), first_block)]


def _head(table: Table) -> list[Slot]:
    """Mix features at all pixels, pool, classify."""
    channels, features = table.channels(table.stages[-1].channels), table.feature_mix

    def feature_mix(resolution: int) -> Conv:
        return Conv(channels, features, 1, 1, table.final_size(resolution), "relu6", eps=table.eps)

    return [
        Slot("feature_mix", ("resolution",), feature_mix),
        Slot("pool", ("resolution",), lambda resolution: GlobalPool(features, table.final_size(resolution))),
        Slot("classifier", (), lambda: Classifier(features, table.n_classes)),
    ]
