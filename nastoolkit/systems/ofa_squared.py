"""Ensembles by soft vote, judged on outputs that were stored once: which of a front's networks answer together best?

[OFA3] R. C. Ito and F. J. Von Zuben, OFA^3, the sequel of OFA^2 (arXiv 2303.13683), github.com/ito-rafael/once-for-all-3: a
binary vector over the networks of one front, at least two of them, and latency as the sum or the largest one.

Differs from it in: probabilities of all classes are summed, not of the first five.
"""

from __future__ import annotations

import numpy as np

from nastoolkit.answers import Answers
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.systems.card import Card

CARD = Card(
    name="ofa_squared",
    title="OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture Search",
    paper="2303.13683",
    claim="One multi-objective search finds the networks of all devices; the best of its front answer better together.",
    methods=("Ensembles",),
    notebooks=("one_search_for_all_devices", "ensembles_of_one_front"),
    taught_in="notebooks/learn/06_evolution.ipynb",
    needs="the Note10 latency table and the accuracy predictor; ImageNet and a GPU for ensembles",
)


CHUNK = 64  # ensembles that vote at a time


class Ensembles:
    """Networks that all answer every example; the answer is the class with the largest sum of probabilities.

    Fewer than two networks are no ensemble: their accuracy is 0.

    Args:
        answers: Answers of the networks to choose from.
        parallel: They run side by side, so that an ensemble costs what its dearest network does; else the sum.

    Attributes:
        space: For each network, whether it is a member.
    """

    objectives = (Objective("accuracy_top1", "max", "%"), Objective("cost", "min"))  # columns of evaluate

    def __init__(self, answers: Answers, parallel: bool = False) -> None:
        self.answers, self.parallel = answers, parallel
        self.space = SearchSpace([Choice(f"network{network + 1}", (False, True)) for network in range(len(answers))])

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(b, k)`` to accuracy in % and cost of an example ``(b, 2)``."""
        accuracy = np.concatenate([self._vote(part) for part in np.split(genotypes, range(CHUNK, len(genotypes), CHUNK))])
        members = genotypes * self.answers.costs
        cost = members.max(axis=1) if self.parallel else members.sum(axis=1)
        return np.stack([np.where(genotypes.sum(axis=1) > 1, accuracy, 0.0), cost], axis=1)

    def _vote(self, members: np.ndarray) -> np.ndarray:
        k, c, n = self.answers.by_class.shape
        summed = (members.astype(np.float32) @ self.answers.by_class.reshape(k, c * n)).reshape(-1, c, n)
        return 100 * (summed.argmax(axis=1) == self.answers.targets).mean(axis=1)
