"""DNA: a teacher is cut into blocks, students learn it block by block, and every path of a block is rated by how well it does.

[Li2020] C. Li et al., "Block-wisely Supervised Neural Architecture Search with Knowledge Distillation", CVPR 2020,
arXiv 1911.13053: DNA.
[Wang2024] G. Wang et al., "DNA Family: Boosting Weight-Sharing NAS with Block-Wise Supervisions", arXiv 2403.01326: DNA+ and
DNA++.
[Li2021] C. Li et al., "BossNAS: Exploring Hybrid CNN-transformers with Block-wisely Self-supervised Neural Architecture
Search", ICCV 2021: what stands in for DNA++ here.

A space of few paths can be trained fairly and rated in full, so that sums of block-wise ratings rank networks better than what
these inherit from one large supernet.

Differs from the papers in: layers of a stage all have the teacher's channels, not the last one alone; ratings take the
standard deviation of a teacher's features over all images at once; DNA+ takes the found network, trained as the first teacher
was and not scaled, as the next teacher, once; the code of DNA++ is not released, so that BossNAS's method stands in for it,
with views that are only moved, and AdamW in place of LARS.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.dna_family.blocks import all_rated, cut, learnt_blocks
from nastoolkit.systems.dna_family.comparison import rate_all_ways
from nastoolkit.systems.dna_family.self_supervised import self_supervised
from nastoolkit.systems.dna_family.traversal import RatedPaths, best_under, merged, rating_of

CARD = Card(
    name="dna_family",
    title="Block-wisely Supervised Neural Architecture Search with Knowledge Distillation",
    paper="1911.13053",
    claim="Sums of what blocks learn from a teacher rank networks better than what these inherit from a supernet.",
    methods=("cut", "learnt_blocks", "all_rated", "merged", "best_under", "self_supervised"),
    notebooks=("blockwise_rating",),
    taught_in="docs/how_to_task.md",
    needs="ImageNet, a GPU",
)

__all__ = [
    "CARD",
    "RatedPaths",
    "all_rated",
    "best_under",
    "cut",
    "learnt_blocks",
    "merged",
    "rate_all_ways",
    "rating_of",
    "self_supervised",
]
