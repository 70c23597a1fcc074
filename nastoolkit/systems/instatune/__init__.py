"""A supernet created by fine-tuning a pre-trained Transformer, and searched afterwards.

[Sridhar2023] S. N. Sridhar, S. Kundu, S. Sundaresan, M. Szankin and A. Sarah, "InstaTune: Instantaneous Neural Architecture
Search During Fine-Tuning", arXiv 2308.15609: slices of a pre-trained network are its sub-networks, without any new layer, and
training them beside it while it is fine-tuned gives networks of fewer MACs that are as accurate.

Differs from the paper in: targets of distillation have no gradients, which the paper does not mention; a cross-entropy
replaces the divergence, from which it differs by a number without gradients; the temperature, not given in the paper, is 1.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.instatune.loss import InstaTuneLoss, LargestAndRandom, elastic_space, strong_teacher

CARD = Card(
    name="instatune",
    title="InstaTune: Instantaneous Neural Architecture Search During Fine-Tuning",
    paper="2308.15609",
    claim="Fine-tuning a pre-trained network together with its slices gives networks of fewer MACs that are as accurate.",
    methods=("InstaTuneLoss", "LargestAndRandom", "strong_teacher"),
    notebooks=("table1_fewer_macs",),
    taught_in="docs/how_to_training.md",
    needs="BERT base from Hugging Face, SST-2, a GPU",
)

__all__ = ["CARD", "InstaTuneLoss", "LargestAndRandom", "elastic_space", "strong_teacher"]
