"""SimQ-NAS: one search for the architecture of a network and the bits of its parts.

[Sridhar2023] S. N. Sridhar et al., "SimQ-NAS: Simultaneous Quantization Policy and Neural Architecture Search", 2023,
arXiv 2312.13301.

The bits of every operation are genes in addition to those of the architecture, and LINAS searches both at once: every
evaluation extracts a sub-network from a trained supernet, quantises it after training with ranges from a few training inputs,
and measures it. The paper finds networks that are smaller and faster than the largest one in INT8, with no loss of accuracy.

Differs from the paper in: a block has one number of bits for its weights and inputs, and one scheme of rounding, where theirs
are for each operation; ranges reach from the smallest to the largest value; a search uses accuracies of fake quantisation, and
sizes are counted, not read from files. :mod:`nastoolkit.systems.simq_nas.integers` compares both with ONNX Runtime's own INT8.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.simq_nas.comparison import evaluations_to, largest_at, picks, volumes
from nastoolkit.systems.simq_nas.integers import real_int8
from nastoolkit.systems.simq_nas.search import (
    BITS,
    EVOLUTION,
    JOINT,
    RANDOM,
    SEQUENTIAL,
    QuantisedProblem,
    architecture_at,
    one_after_the_other,
    search_arm,
    space_of,
)
from nastoolkit.systems.simq_nas.training import trained

CARD = Card(
    name="simq_nas",
    title="SimQ-NAS: Simultaneous Quantization Policy and Neural Architecture Search",
    paper="2312.13301",
    claim="One search for architecture and bits finds smaller networks than the largest in INT8, at no worse accuracy.",
    methods=("QuantisedProblem", "search_arm", "one_after_the_other"),
    notebooks=("architecture_and_bits",),
    taught_in="notebooks/learn/10_smaller_numbers.ipynb",
    needs="supernets of BERT, ViT and ResNet50, SST-2 and ImageNet, a server with INT8 instructions",
)

__all__ = [
    "BITS",
    "CARD",
    "EVOLUTION",
    "JOINT",
    "RANDOM",
    "SEQUENTIAL",
    "QuantisedProblem",
    "architecture_at",
    "evaluations_to",
    "largest_at",
    "one_after_the_other",
    "picks",
    "real_int8",
    "search_arm",
    "space_of",
    "trained",
    "volumes",
]
