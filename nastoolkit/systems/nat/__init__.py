"""Neural Architecture Transfer, and other ways to spend as many training images. [Lu2021], arXiv 2005.05859."""

from nastoolkit.systems.card import Card
from nastoolkit.systems.nat.transfer import Iteration, Transferred, first_subnetworks, transfer

CARD = Card(
    name="nat",
    title="Neural Architecture Transfer",
    paper="2005.05859",
    claim="Adapting a supernet to a task along what its search keeps finds better networks than fine-tuning it before.",
    methods=("transfer",),
    notebooks=("transfer_to_small_tasks",),
    taught_in="notebooks/learn/09_transfer.ipynb",
    needs="OFA's MobileNetV3 supernets, eleven image data sets, a GPU",
)

__all__ = ["CARD", "Iteration", "Transferred", "first_subnetworks", "transfer"]
