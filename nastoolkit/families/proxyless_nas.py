"""ProxylessNAS with elastic depth, kernel, expansion and resolution: Once-for-All's supernet with width multiplier 1.3.

[Cai2019] H. Cai et al., "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware", ICLR 2019, Figure 4.
[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.

Differs from the papers in: nothing; channel counts, block order and the counting of params and MACs follow Once-for-All's
released code. Its lists of depths also name the last stage, which always has one block; the choice for it here has one option.
"""

from __future__ import annotations

from nastoolkit.blocks import Classifier, Conv, GlobalPool
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.elastic_mbconv import MBConvStage, MBConvTable, elastic_space, stage_slots, stem_slots

OFA = MBConvTable(
    image_channels=3,
    n_classes=1000,
    resolutions=tuple(range(128, 225, 4)),
    depths=(2, 3, 4),
    kernels=(3, 5, 7),
    expands=(3, 4, 6),
    stem=(32, 16),
    stem_act=("relu6", "relu6"),
    stages=(
        MBConvStage(24, 2, "relu6"),
        MBConvStage(40, 2, "relu6"),
        MBConvStage(80, 2, "relu6"),
        MBConvStage(96, 1, "relu6"),
        MBConvStage(192, 2, "relu6"),
        MBConvStage(320, 1, "relu6", depths=(1,)),
    ),
    feature_mix=1280,
    width=1.3,
    eps=1e-3,
)


class ProxylessNASFamily(Family):
    """The ProxylessNAS networks of a table.

    Choices: ``resolution``, then for each stage ``stage{s}.depth`` and for each of its blocks
    ``stage{s}.block{b}.kernel`` and ``.expand``. A stage keeps its first ``depth`` blocks.

    Args:
        name: Key in ``FAMILIES``.
        table: The released supernet's table, or a smaller one of the same form.
    """

    def __init__(self, name: str, table: MBConvTable) -> None:
        self.table = table
        super().__init__(name, elastic_space(table), (*stem_slots(table), *stage_slots(table), *_head(table)))

    def __reduce__(self) -> tuple[type, tuple[str, MBConvTable]]:
        return type(self), (self.name, self.table)


def _head(table: MBConvTable) -> list[Slot]:
    """Mix features at all pixels, pool, classify."""
    channels, features = map(table.channels, (table.stages[-1].channels, table.feature_mix))

    def feature_mix(resolution: int) -> Conv:
        return Conv(channels, features, 1, 1, table.final_size(resolution), "relu6", eps=table.eps)

    return [
        Slot("feature_mix", ("resolution",), feature_mix),
        Slot("pool", ("resolution",), lambda resolution: GlobalPool(features, table.final_size(resolution))),
        Slot("classifier", (), lambda: Classifier(features, table.n_classes)),
    ]
