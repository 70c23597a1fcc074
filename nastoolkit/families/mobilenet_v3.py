"""MobileNetV3 with elastic depth, kernel, expansion and resolution: Once-for-All's space and its miniature.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.
[Howard2019] A. Howard et al., "Searching for MobileNetV3", ICCV 2019, Table 1.

Differs from the paper in: nothing; channel counts, block order and the counting of params and MACs follow the released code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nastoolkit.blocks import Classifier, Conv, GlobalPool
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.elastic_mbconv import MBConvStage, MBConvTable, elastic_space, stage_slots, stem_slots


@dataclass(frozen=True, kw_only=True)
class Table(MBConvTable):
    """The paper's table of one MobileNetV3 supernet; the 1x1 convolution ``feature_mix`` comes after pooling.

    Attributes:
        final_expand: Output channels of the 1x1 convolution before pooling.
    """

    final_expand: int


OFA = Table(
    image_channels=3,
    n_classes=1000,
    resolutions=tuple(range(128, 225, 4)),
    depths=(2, 3, 4),
    kernels=(3, 5, 7),
    expands=(3, 4, 6),
    stem=(16, 16),
    stem_act=("h_swish", "relu"),
    stages=(
        MBConvStage(24, 2, "relu"),
        MBConvStage(40, 2, "relu", squeeze_excite=True),
        MBConvStage(80, 2, "h_swish"),
        MBConvStage(112, 1, "h_swish", squeeze_excite=True),
        MBConvStage(160, 2, "h_swish", squeeze_excite=True),
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
    stem=(8, 8),
    stem_act=("h_swish", "relu"),
    stages=(
        MBConvStage(16, 2, "relu"),
        MBConvStage(24, 2, "h_swish", squeeze_excite=True),
        MBConvStage(40, 1, "h_swish", squeeze_excite=True),
    ),
    final_expand=160,
    feature_mix=192,
)

SMALL_DIGITS = Table(  # for many trainings; resolutions are far apart, so that what is best depends on the task
    image_channels=1,
    n_classes=10,
    resolutions=(8, 16),
    depths=(1, 2),
    kernels=(3, 5, 7),
    expands=(2, 4),
    stem=(8, 8),
    stem_act=("relu", "relu"),
    stages=(MBConvStage(16, 2, "relu"), MBConvStage(24, 1, "relu")),
    final_expand=64,
    feature_mix=64,
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
        super().__init__(name, elastic_space(table), (*stem_slots(table), *stage_slots(table), *_head(table)))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)


def _head(table: Table) -> list[Slot]:
    """[Howard2019], Table 1: expand, pool, mix features at one pixel, classify."""
    channels, final, features = map(table.channels, (table.stages[-1].channels, table.final_expand, table.feature_mix))

    def final_expand(resolution: int) -> Conv:
        return Conv(channels, final, 1, 1, table.final_size(resolution), "h_swish", eps=table.eps)

    return [
        Slot("final_expand", ("resolution",), final_expand),
        Slot("pool", ("resolution",), lambda resolution: GlobalPool(final, table.final_size(resolution))),
        Slot("feature_mix", (), lambda: Conv(final, features, 1, 1, 1, "h_swish", norm=False)),
        Slot("classifier", (), lambda: Classifier(features, table.n_classes)),
    ]
