"""TANS: for a new data set, a network with weights, retrieved from a zoo of networks that were trained for others.

[Jeong2021] W. Jeong et al., "Task-Adaptive Neural Network Search with Meta-Contrastive Learning", NeurIPS 2021, arXiv
2103.01495: Sections 3.1 (zoo), 3.2 (contrast) and 3.3 (performance predictor).

Data sets and networks, trained ones with their weights, are encoded into one space, in which a network is near to data sets
like that which it was trained on. The nearest network, fine-tuned, is more accurate after fewer steps than others are.

Differs from the paper in: tasks are small ones of handwritten digits, and the zoo has 128 networks in place of 14,000, the
same choices for each task; features of images are those of the pre-trained supernet in place of a ResNet-18, and standardised;
choices are encoded as zeros and ones; retrieval keeps its last step, not the best one; one network is fine-tuned, not four:
that of the ten nearest with the highest predicted accuracy.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.tans.comparison import (
    AGNOSTIC,
    LEAST_SQUARES,
    NEAREST,
    PREDICTED,
    RANDOM,
    TANS,
    retrieval_ms,
    retrieve_and_tune,
    summary,
    tasks_of,
)
from nastoolkit.systems.tans.retrieval import Retriever, hinge
from nastoolkit.systems.tans.zoo import make_zoo

CARD = Card(
    name="tans",
    title="Task-Adaptive Neural Network Search with Meta-Contrastive Learning",
    paper="2103.01495",
    claim="A trained network, retrieved for a data set from a zoo, learns it in fewer steps than others do.",
    methods=("Retriever", "hinge", "make_zoo"),
    notebooks=("retrieval_or_nearest_task",),
    taught_in="docs/how_to_training.md",
    needs="150 data sets of images in folders, a released Once-for-All supernet, a GPU",
)

__all__ = [
    "AGNOSTIC",
    "CARD",
    "LEAST_SQUARES",
    "NEAREST",
    "PREDICTED",
    "RANDOM",
    "TANS",
    "Retriever",
    "hinge",
    "make_zoo",
    "retrieval_ms",
    "retrieve_and_tune",
    "summary",
    "tasks_of",
]
