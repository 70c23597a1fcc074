"""Ensembles by soft vote, judged on stored outputs: which of a front's networks answer best together?

[OFA3] R. C. Ito and F. J. Von Zuben, OFA^3, the sequel of OFA^2 (arXiv 2303.13683), github.com/ito-rafael/once-for-all-3: a
binary vector over the networks of one front, at least two of them, and latency as the sum or the largest one.

Differs from it in: the probabilities of all classes are summed, not just those of the first five.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nastoolkit import pareto
from nastoolkit.answers import Answers
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

CHUNK = 64  # ensembles that vote at a time
SINGLE = "single networks"
RANGE = "range of costs"
ENSEMBLES = {"ensembles, one after the other": False, "ensembles, side by side": True}  # whether the networks run in parallel


class Ensembles:
    """Networks that all answer every example; the joint answer is the class with the largest sum of probabilities.

    Fewer than two networks are not an ensemble: their accuracy is 0.

    Args:
        answers: Answers of the networks to choose from.
        parallel: Whether networks run side by side, so that an ensemble costs as much as its most expensive network; else
            costs are summed.

    Attributes:
        space: Space with a choice for each network: whether it is a member.
    """

    objectives = (Objective("accuracy_top1", "max", "%"), Objective("cost", "min"))  # columns of evaluate

    def __init__(self, answers: Answers, parallel: bool = False) -> None:
        self.answers, self.parallel = answers, parallel
        self.space = SearchSpace([Choice(f"network{network + 1}", (False, True)) for network in range(len(answers))])

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(b, k)`` to accuracy in % and cost for each example, ``(b, 2)``."""
        accuracy = np.concatenate([self._vote(part) for part in np.split(genotypes, range(CHUNK, len(genotypes), CHUNK))])
        members = genotypes * self.answers.costs
        cost = members.max(axis=1) if self.parallel else members.sum(axis=1)
        return np.stack([np.where(genotypes.sum(axis=1) > 1, accuracy, 0.0), cost], axis=1)

    def _vote(self, members: np.ndarray) -> np.ndarray:
        k, c, n = self.answers.by_class.shape
        summed = (members.astype(np.float32) @ self.answers.by_class.reshape(k, c * n)).reshape(-1, c, n)
        return 100 * (summed.argmax(axis=1) == self.answers.targets).mean(axis=1)


def ensembles_of_front(
    problem: dict[str, Any],
    cost: str,
    seed: int,
    budget: int,
    population: int,
    n_networks: int,
    ensemble_search: str,
    n_ensembles: int,
    ensemble_population: int,
) -> pd.DataFrame:
    """A supernet's front, the best ensembles of its networks and the best of as many random ones; a job of a grid.

    Args:
        problem: Values of a :class:`nastoolkit.benchmarks.SupernetProblem`.
        cost: Name of the cost; see :meth:`nastoolkit.benchmarks.SupernetProblem.cost`.
        seed: Seed of all searches.
        budget: Number of evaluations of the search for the front.
        population: Number of sub-networks that it proposes at a time.
        n_networks: Largest number of the front's networks to choose from.
        ensemble_search: Key of ``ALGORITHMS``.
        n_ensembles: Number of evaluations of the search for ensembles, and number of random ensembles.
        ensemble_population: Number of ensembles that it proposes at a time.

    Returns:
        A row for each network or ensemble, chosen on validation images: ``supernet``; ``networks``, ``SINGLE`` or a key of
        ``ENSEMBLES``; ``search``, its algorithm; and on test images ``accuracy_top1`` in % and ``cost_of_all``.
    """
    given = SupernetProblem(**problem)
    genotypes = given.search(cost, "default", budget, seed, population=population).front().spread(n_networks).genotypes
    chosen_on, judged_on = (given.answers(genotypes, cost, split) for split in ("validation", "test"))
    right = judged_on.probabilities.argmax(axis=2) == judged_on.targets
    how: dict[str, Any] = {"population": ensemble_population, "progress": False}
    found = [_rows(100 * right.mean(axis=1), judged_on.costs, SINGLE, "default")]
    for kind, parallel in ENSEMBLES.items():
        here, there = Ensembles(chosen_on, parallel), Ensembles(judged_on, parallel)
        for algorithm in (ensemble_search, "random"):
            front = optimize(here.space, here.evaluate, here.objectives, algorithm, n_ensembles, seed, **how).front()
            members = front.genotypes[front.genotypes.sum(axis=1) > 1]
            accuracy, cost_of_all = there.evaluate(members).T
            found.append(_rows(accuracy, cost_of_all, kind, algorithm))
    return pd.concat(found, ignore_index=True).assign(supernet=given.family_name)


def _rows(accuracy: np.ndarray, cost: np.ndarray, networks: str, search: str) -> pd.DataFrame:
    return pd.DataFrame({"accuracy_top1": accuracy, "cost_of_all": cost, "networks": networks, "search": search})


def volumes(found: pd.DataFrame, ensemble_search: str) -> pd.DataFrame:
    """Hypervolumes on test images, at the accuracy of the worst single network and the cost of the most expensive one.

    Args:
        found: Rows of :func:`ensembles_of_front`, of several supernets and seeds.
        ensemble_search: Algorithm of the search for ensembles in them.

    Returns:
        A row for each supernet and seed: the hypervolumes of ``SINGLE`` and of ``ENSEMBLES``, those of random ensembles
        under the same names with ``, random``; and ``RANGE``, the cost of the most expensive single network divided by that
        of the cheapest.
    """
    rows = {key: _volumes(networks, ensemble_search) for key, networks in found.groupby(["supernet", "seed"], sort=False)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["supernet", "seed"])


def _volumes(found: pd.DataFrame, ensemble_search: str) -> dict[str, float]:
    points = found.assign(error=-found.accuracy_top1)[["error", "cost_of_all"]]
    single = points[found.networks == SINGLE]
    reference = single.max().to_numpy()

    def volume(networks: str, search: str) -> float:
        return pareto.hypervolume(points[(found.networks == networks) & (found.search == search)].to_numpy(), reference)

    random = {f"{kind}, random": volume(kind, "random") for kind in ENSEMBLES}
    found_by_search = {kind: volume(kind, ensemble_search) for kind in ENSEMBLES}
    wide = single.cost_of_all.max() / single.cost_of_all.min()
    return {SINGLE: volume(SINGLE, "default"), **found_by_search, **random, RANGE: wide}
