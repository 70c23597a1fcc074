"""MTL-NAS: which layers of two tasks' networks should see each other?

[Gao2020] Y. Gao, H. Bai, Z. Jie, J. Ma, K. Jia and W. Liu, "MTL-NAS: Task-Agnostic Neural Architecture Search towards
General-Purpose Multi-Task Learning", CVPR 2020, arXiv 2003.14058.
[Gao2019] Y. Gao et al., "NDDR-CNN: Layerwise Feature Fusing in Multi-Task CNNs by Neural Discriminative Dimensionality
Reduction", CVPR 2019: layers see the layer of the same depth.

Gates on edges between two fixed networks are learnt as probabilities, and the entropy of the gates is minimised, so that
the network in which they are rounded is as good as the one that was trained, and needs no other training.

Differs from the paper in: one AdamW optimiser with one learning rate in place of SGD with higher rates for fusions and last
layers; convolutions with batch normalisation; images are not cropped; and the entropy is there from the first step on.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.mtl_nas.network import Towers
from nastoolkit.systems.mtl_nas.search import Search, entropies

CARD = Card(
    name="mtl_nas",
    title="MTL-NAS: Task-Agnostic Neural Architecture Search towards General-Purpose Multi-Task Learning",
    paper="2003.14058",
    claim="With minimum entropy, gates between two tasks' networks can be rounded without training again.",
    methods=("Towers", "Search", "entropies"),
    notebooks=("relaxed_and_discrete",),
    taught_in="docs/how_to_training.md",
    needs="NYUv2 with labels and normals, a GPU",
)

__all__ = ["CARD", "Search", "Towers", "entropies"]
