"""OFA^2, one search instead of one for each device, and OFA^3, ensembles of its results. [Ito2023], arXiv 2303.13683."""

from nastoolkit.systems.card import Card
from nastoolkit.systems.ofa_squared.ensembles import Ensembles
from nastoolkit.systems.ofa_squared.one_search import front_search

CARD = Card(
    name="ofa_squared",
    title="OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture Search",
    paper="2303.13683",
    claim="One multi-objective search finds the networks of all devices; the best of its front answer better together.",
    methods=("front_search", "Ensembles"),
    notebooks=("one_search_for_all_devices", "ensembles_of_one_front"),
    taught_in="notebooks/learn/06_evolution.ipynb",
    needs="the Note10 latency table and the accuracy predictor; ImageNet and a GPU for ensembles",
)

__all__ = ["CARD", "Ensembles", "front_search"]
