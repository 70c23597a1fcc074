"""GenNAS: networks that learn synthetic signals quickly are good at real tasks.

[Li2021] Y. Li, C. Hao, P. Li, J. Xiong and D. Chen, "Generic Neural Architecture Search via Regression" (GenNAS), NeurIPS
2021, arXiv 2108.01899: without any labels, networks are ranked by how well three of their stages learn sines, dots and small
copies of the images for 100 steps. The task itself is found by evolution, with the accuracies of 20 networks.

Differs from the paper in: phases of sines are drawn for each channel, not from a set of 32; the noise of images is uniform.
Weight decay applies to all weights, including scales of normalisation. Levels and bands of searched tasks are on a coarse
grid. Initial weights come from a new supernet, so cells with the same operation at a place start with the same weights there.
"""

from nastoolkit.systems.card import Card
from nastoolkit.systems.gennas.regression import GenNAS, Regressor
from nastoolkit.systems.gennas.signals import Signals
from nastoolkit.systems.gennas.tasks import signals_of

CARD = Card(
    name="gennas",
    title="Generic Neural Architecture Search via Regression",
    paper="2108.01899",
    claim="How well a network learns synthetic signals in a few steps ranks networks better than proxies without training do.",
    methods=("GenNAS", "Regressor", "Signals", "signals_of"),
    notebooks=("regression_ranks_cells",),
    taught_in="docs/how_to_search.md",
    needs="CIFAR-10, the published accuracies of NAS-Bench-201, a GPU",
)

__all__ = ["CARD", "GenNAS", "Regressor", "Signals", "signals_of"]
