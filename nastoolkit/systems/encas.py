"""Cascades: networks that answer one after the other, judged on stored outputs.

[Chebykin2022] A. Chebykin, T. Alderliesten and P. A. N. Bosman, "Evolutionary Neural Cascade Search across Supernetworks"
(ENCAS), GECCO 2022, arXiv 2203.04011: cascades of up to five networks of several supernets, and what they cost.
[Streeter2018] M. Streeter, "Approximation Algorithms for Cascading Prediction Models", ICML 2018: the greedy cascade.
[Xu2024] Z. Xu et al., "Initializing Models with Larger Ones", ICLR 2024, arXiv 2311.18823: weight selection.

Differs from the papers in: a cascade's first place is never empty, while ENCAS penalises cascades without networks. The greedy
cascade uses the same confidence as the others, the largest mean probability; Streeter's uses the gap between two logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit import pareto
from nastoolkit.answers import Answers
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.ensembles import judged
from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet, load_supernet
from nastoolkit.systems.card import Card
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation

CARD = Card(
    name="encas",
    title="Evolutionary Neural Cascade Search across Supernetworks",
    paper="2203.04011",
    claim="Cascades of networks from several supernets dominate every single network and every ensemble of them.",
    methods=("Cascades", "greedy_cascade"),
    notebooks=("cascades_across_supernets",),
    taught_in="notebooks/learn/04_pareto_fronts_and_hypervolume.ipynb",
    needs="four released Once-for-All supernets, ImageNet, a GPU",
)


CASCADES, RANDOM, GREEDY, ENSEMBLES = "cascades", "random cascades", "greedy cascades", "ensembles"
UNION = "all single networks"  # the union of the supernets' fronts
THRESHOLDS = tuple((0.02 * np.arange(51)).round(2).tolist())  # of ENCAS


class Cascades:
    """Networks one after the other: after each, examples with a confident enough answer stop.

    The answer is the mean of the probabilities of the networks that an example has seen; it is confident if the largest one is
    above the network's threshold. A place without a network is skipped. With all thresholds 1, it is an ensemble by soft vote.

    Args:
        answers: Answers of the networks to choose from.
        n_places: Largest number of networks in a cascade.

    Attributes:
        space: Space of all cascades.
        ensembles: Part of the space in which every network answers every example.
    """

    def __init__(self, answers: Answers, n_places: int = 5) -> None:
        self.answers, self.n_places = answers, n_places
        networks = tuple(range(1, len(answers) + 1))  # names without an order
        places = [
            Choice(f"network{place + 1}", (0, *networks) if place else networks, ordered=False) for place in range(n_places)
        ]
        self.space = SearchSpace([*places, *(Choice(f"threshold{place + 1}", THRESHOLDS) for place in range(n_places - 1))])
        self.ensembles = self.space.restrict({f"threshold{place + 1}": (1.0,) for place in range(n_places - 1)})

    @property
    def objectives(self) -> tuple[Objective, Objective]:
        """The columns of :meth:`evaluate`."""
        return Objective("accuracy_top1", "max", "%"), Objective("cost", "min")

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(b, d)`` to accuracy in % and mean cost for each example, ``(b, 2)``."""
        genotypes = np.atleast_2d(genotypes)
        networks = genotypes[:, : self.n_places] - 1
        networks[:, 0] += 1  # its option 0 is a network
        thresholds = np.append(np.array(THRESHOLDS)[genotypes[:, self.n_places :]], np.ones((len(genotypes), 1)), axis=1)
        return np.array([self._run(row[row >= 0], sure[row >= 0]) for row, sure in zip(networks, thresholds, strict=True)])

    def _run(self, networks: np.ndarray, thresholds: np.ndarray) -> tuple[float, float]:
        """Accuracy and mean cost of one cascade of networks ``(p,)``, each with its threshold."""
        by_class, of_target, costs = self.answers.by_class, self.answers.of_target, self.answers.costs
        left, n = np.arange(len(self.answers.targets)), len(self.answers.targets)
        summed, right = np.zeros((by_class.shape[1], n), np.float32), np.zeros(n, np.float32)
        n_right, cost = 0, 0.0
        for place, (network, threshold) in enumerate(zip(networks, thresholds, strict=True), start=1):
            cost += costs[network] * len(left)
            summed, right = summed + by_class[network][:, left], right + of_target[network, left]
            largest = summed.max(axis=0)
            stays = largest <= threshold * place if place < len(networks) else np.zeros(len(left), bool)
            n_right += int((right[~stays] == largest[~stays]).sum())
            left, summed, right = left[stays], summed[:, stays], right[stays]
        return 100.0 * n_right / n, cost / n

    def encode(self, networks: Sequence[int], thresholds: Sequence[float]) -> np.ndarray:
        """The genotype ``(d,)`` of networks, given by their indices, with a threshold after each but the last."""
        places = [*(network + 1 for network in networks), *[0] * (self.n_places - len(networks))]
        sure = [*thresholds, *[0.0] * (self.n_places - 1 - len(thresholds))]
        options = dict(zip((choice.name for choice in self.space.choices), [*places, *sure], strict=True))
        return self.space.encode(options)


def greedy_cascade(cascades: Cascades, least_accuracy: float) -> np.ndarray:
    """The genotype ``(d,)`` of [Streeter2018]'s cascade: each network is the one that answers the most examples for its cost.

    Args:
        cascades: Cascades with the available networks.
        least_accuracy: Least accuracy in % on the examples that a network answers; the last one answers the rest.
    """
    answers = cascades.answers
    networks, thresholds, left = list[int](), list[float](), np.arange(len(answers.targets))
    while True:
        by_class = (answers.by_class + answers.by_class[networks].sum(axis=0))[:, :, left]  # (k, c, left), with those before
        largest, right = by_class.max(axis=1), by_class[:, answers.targets[left], np.arange(len(left))]
        is_right = right == largest
        n_answered = _n_answered(largest / (len(networks) + 1), is_right, least_accuracy)
        n_answered[networks] = 0
        network, option = np.unravel_index((n_answered / answers.costs[:, None]).argmax(), n_answered.shape)
        is_last = n_answered[network, option] in (0, len(left)) or len(networks) == cascades.n_places - 1
        if is_last:
            return cascades.encode([*networks, int(is_right.sum(axis=1).argmax())], thresholds)
        networks.append(int(network))
        thresholds.append(THRESHOLDS[option])
        left = left[largest[network] <= np.float32(THRESHOLDS[option]) * len(networks)]


def _n_answered(largest: np.ndarray, is_right: np.ndarray, least_accuracy: float) -> np.ndarray:
    """Number of examples that each of k networks answers at each threshold ``(k, 51)``; 0 if too few answers are right.

    Args:
        largest: Probabilities of the answers ``(k, m)``.
        is_right: Whether they are right ``(k, m)``.
        least_accuracy: Least share of right answers, in %.
    """
    sure = [largest > threshold for threshold in THRESHOLDS]
    n_answered = np.stack([answered.sum(axis=1) for answered in sure], axis=1)
    n_right = np.stack([(answered & is_right).sum(axis=1) for answered in sure], axis=1)
    return np.where(100 * n_right >= least_accuracy * n_answered, n_answered, 0)


@dataclass(frozen=True, kw_only=True)
class NarrowProblem(SupernetProblem):
    """A cheap supernet: ``digits-mbv3`` with a share of its channels, initialised by each layer's first ones [Xu2024].

    Attributes:
        width: Share of the channels.
        n_steps: Training steps by the sandwich rule; a killed training continues from the folder.
    """

    width: float
    n_steps: int

    @property
    def supernet(self) -> Supernet:
        """The supernet, trained once, and loaded once for each process."""
        return _narrow(self)


@lru_cache(maxsize=1)
def _narrow(problem: NarrowProblem) -> Supernet:
    family = MobileNetV3Family(problem.family_name, replace(DIGITS, width=problem.width))
    narrow, wide = Supernet(family), load_supernet("digits-mbv3").shared.state_dict()
    for name, weights in narrow.shared.state_dict().items():
        weights.copy_(wide[name][tuple(map(slice, weights.shape))])
    recipe, resume = Recipe(n_steps=problem.n_steps), Path(problem.folder) / "narrow.pt"
    fit(narrow.to(problem.device), problem.task, Sandwich(family.space), in_place_distillation, recipe, resume=resume)
    return narrow.eval()


def cascades_across(
    problems: list[dict[str, Any]],
    seed: int,
    budget: int,
    population: int,
    n_networks: int,
    n_places: int,
    cascade_search: str,
    n_cascades: int,
    cascade_population: int,
) -> pd.DataFrame:
    """The fronts of several supernets, of cascades of their networks, and of the cascades' controls; a job of a grid.

    Args:
        problems: Values of a :class:`nastoolkit.benchmarks.SupernetProblem` or of a :class:`NarrowProblem` for each supernet.
        seed: Seed of all searches.
        budget: Number of evaluations of the search for each supernet's front.
        population: Number of sub-networks that it proposes at a time.
        n_networks: Largest number of networks from each front.
        n_places: Largest number of networks in a cascade or an ensemble.
        cascade_search: Key of ``ALGORITHMS``.
        n_cascades: Number of evaluations of the searches for cascades and for ensembles, and number of random cascades.
        cascade_population: Number of cascades that a search proposes at a time.

    Returns:
        A row for each member of a front that was chosen on validation images: ``networks`` (a supernet's family, ``UNION``,
        ``GREEDY``, ``ENSEMBLES``, ``RANDOM`` or ``CASCADES``), and on test images ``accuracy_top1`` in % and mean ``cost`` in
        MMACs.
    """
    pool = [NarrowProblem(**values) if "width" in values else SupernetProblem(**values) for values in problems]
    fronts = [one.search("MACs", "default", budget, seed, population=population).front().spread(n_networks) for one in pool]
    here, there = (Cascades(_joined_answers(pool, fronts, split), n_places) for split in ("validation", "test"))
    owners = np.repeat([one.family_name for one in pool], [len(front) for front in fronts])
    alone = np.stack([here.encode([network], []) for network in range(len(owners))])
    chosen = {one.family_name: alone[owners == one.family_name] for one in pool} | {UNION: alone}
    chosen[GREEDY] = np.stack([greedy_cascade(here, accuracy) for accuracy in np.linspace(50, 100, 51)])
    how: dict[str, Any] = {"budget": n_cascades, "seed": seed, "population": cascade_population, "progress": False}
    for name, algorithm in ((ENSEMBLES, cascade_search), (RANDOM, "random"), (CASCADES, cascade_search)):
        space = here.ensembles if name == ENSEMBLES else here.space
        chosen[name] = optimize(space, here.evaluate, here.objectives, algorithm, **how).genotypes
    return pd.concat([judged(genotypes, here, there).assign(networks=name) for name, genotypes in chosen.items()])


def _joined_answers(pool: Sequence[SupernetProblem], fronts: Sequence[History], split: str) -> Answers:
    """Answers of all fronts' networks to a split's images."""
    return Answers.joined([one.answers(front.genotypes, "MACs", split) for one, front in zip(pool, fronts, strict=True)])


def volumes(found: pd.DataFrame) -> pd.DataFrame:
    """Hypervolumes on test images, at the accuracy of the worst single network and the cost of the most expensive one.

    Args:
        found: Rows of :func:`cascades_across`, of several seeds.

    Returns:
        A row for each seed: the hypervolume of each of ``networks``, of the ``best single`` supernet, and of the better of
        ``greedy or random``.
    """
    rows = {seed: _volumes(networks) for seed, networks in found.groupby("seed")}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")


def _volumes(found: pd.DataFrame) -> dict[str, float]:
    points = found.assign(error=-found.accuracy_top1).groupby("networks", sort=False)[["error", "cost"]]
    fronts = {str(name): front.to_numpy() for name, front in points}
    singles = [name for name in fronts if name not in (CASCADES, RANDOM, GREEDY, ENSEMBLES, UNION)]
    reference = np.concatenate([fronts[name] for name in singles]).max(axis=0)
    volumes = {name: pareto.hypervolume(front, reference) for name, front in fronts.items()}
    best = {"best single": max(volumes[name] for name in singles), "greedy or random": max(volumes[GREEDY], volumes[RANDOM])}
    return volumes | best
