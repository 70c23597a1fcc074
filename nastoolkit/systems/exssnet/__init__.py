"""ExSSNeT: many tasks, one after the other, in one network of fixed weights: a mask for each, and weights that are its own.

[Yadav2022] P. Yadav and M. Bansal, "Exclusive Supermask Subnetwork Training for Continual Learning", arXiv 2210.10209:
Section 3 and Algorithm 1; SSNet, which trains all weights of a mask, is there too.
[Wortsman2020] M. Wortsman et al., "Supermasks in Superposition", NeurIPS 2020, arXiv 2006.14769: SupSup, masks alone.

Training those weights of a task's mask that no earlier mask has makes it more accurate than a mask alone, most of all
where masks are sparse, and earlier tasks lose nothing. A new mask learns faster from that of the task nearest to it.

A task is a gene: a family of networks has the task's number in its blocks, and a sharing rule masks their weights by it.

Differs from the paper in: tasks are permuted digits for a small perceptron, and MNIST's classes for LeNet-300-100 at the
published scale; statistics of batch normalisation are computed from training images once a task is learnt, and then kept;
learning rates fall along a cosine, and the last weights are the result, not those of the best epoch; nearest neighbours see
all training images of the new task.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.exssnet.comparison import ARMS, EXSSNET, NAIVE, SSNET, SUPSUP, fading, learn_stream
from nastoolkit.systems.exssnet.learning import NEAREST, NEW, RANDOM, TOLD, TRANSFERS, Learner
from nastoolkit.systems.exssnet.masks import Supermasks, TaskFamily, top_mask

CARD = Card(
    name="exssnet",
    title="Exclusive Supermask Subnetwork Training for Continual Learning",
    paper="2210.10209",
    claim="Training the weights that only a new task's mask has makes sparse masks more accurate, and no task forgets.",
    methods=("Supermasks", "Learner", "learn_stream"),
    notebooks=("accuracy_over_density",),
    taught_in="docs/how_to_training.md",
    needs="MNIST as a folder of images",
)

__all__ = [
    "ARMS",
    "CARD",
    "EXSSNET",
    "NAIVE",
    "NEAREST",
    "NEW",
    "RANDOM",
    "SSNET",
    "SUPSUP",
    "TOLD",
    "TRANSFERS",
    "Learner",
    "Supermasks",
    "TaskFamily",
    "fading",
    "learn_stream",
    "top_mask",
]
