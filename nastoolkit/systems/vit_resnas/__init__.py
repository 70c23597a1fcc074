"""ViT-ResNAS: multi-stage ViTs whose spatial reductions have a skip, from a supernet that trains many sub-networks a pass.

[Liao2021] Y.-L. Liao, S. Karaman and V. Sze, "Searching for Efficient Multi-Stage Vision Transformers", arXiv 2109.00642. What
the text leaves open is as in its released code, https://github.com/yilunliao/vit-search, commit 303e7c3.

Spatial reductions with a skip make multi-stage ViTs better; a supernet of these that trains many sub-networks in every pass,
each on its own rows of the batch, has better sub-networks than one that trains a single one a pass. The family is
:mod:`nastoolkit.families.multi_stage_vit`.

Differs from the paper in: hidden units and heads are sorted by the weights that read them, as in Once-for-All, where the paper
adds those that make them, too; a warm-up opens options at even steps and sorts whenever it does, not once an epoch; OFA's
evolutionary search, with its own rates, finds networks in the paper's band of MACs; no distillation, no mixing of patches.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.vit_resnas.comparison import (
    RANDOM,
    SEARCHED,
    UNIFORM,
    Problem,
    alone,
    gains,
    inherited,
    of_equal_macs,
    uniformly_scaled,
)
from nastoolkit.systems.vit_resnas.masked import RowMasked
from nastoolkit.systems.vit_resnas.published import PUBLISHED
from nastoolkit.systems.vit_resnas.training import (
    ARMS,
    MANY,
    ONE,
    SANDWICH,
    ManyInOnePass,
    check_rows,
    opened,
    stretches,
    train,
)

CARD = Card(
    name="vit_resnas",
    title="Searching for Efficient Multi-Stage Vision Transformers",
    paper="2109.00642",
    claim="Spatial reductions with a skip make multi-stage ViTs better, and a supernet that trains many sub-networks in every "
    "pass has better ones than one that trains a single one.",
    methods=("RowMasked", "ManyInOnePass", "inherited"),
    notebooks=("many_in_one_pass",),
    taught_in="docs/how_to_training.md",
    needs="ImageNet, eight GPUs",
)

__all__ = [
    "ARMS",
    "CARD",
    "MANY",
    "ONE",
    "PUBLISHED",
    "RANDOM",
    "SANDWICH",
    "SEARCHED",
    "UNIFORM",
    "ManyInOnePass",
    "Problem",
    "RowMasked",
    "alone",
    "check_rows",
    "gains",
    "inherited",
    "of_equal_macs",
    "opened",
    "stretches",
    "train",
    "uniformly_scaled",
]
