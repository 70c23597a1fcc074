"""AT-NAS, a reconstruction: which network should learn a new task from a few images, and from which weights?

[Rong2021] J. Rong, X. Yu, M. Zhang and L. Ou, "Across-Task Neural Architecture Search via Meta Learning", arXiv 2110.05842.
Its code is not public and its text was not at hand: its abstract alone is followed, all details are a reconstruction.
[Finn2017] C. Finn, P. Abbeel and S. Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017.
[Nichol2018] A. Nichol, J. Achiam and J. Schulman, "On First-Order Meta-Learning Algorithms", arXiv 1803.02999.

A supernet's weights are meta-learned over many tasks while a population of its sub-networks evolves; then a few steps of
gradient descent and little search are enough for a new task.

Differs from the paper in: unknown, as this is a reconstruction. Weights learn as in [Finn2017], to first order
([Nichol2018], Section 3): a sub-network takes a few steps on a task's support images, and the shared weights follow the
gradient of its loss on query images. Sub-networks are drawn from the population, and sometimes from the whole space. The
population is judged every now and then, on episodes of other classes, and its better half has children. For a new task, it
evolves a little more, judged by support images that are held out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from nastoolkit.blocks import device_of
from nastoolkit.families.conv_chain import ConvChainFamily, ConvsTable
from nastoolkit.search.sampling import new_ones, sample_new
from nastoolkit.search.variation import vary
from nastoolkit.space import SearchSpace, genotype_keys
from nastoolkit.statistics.censored import Censored, counted
from nastoolkit.supernets import Supernet
from nastoolkit.support.counts import keep_whole
from nastoolkit.systems.card import Card
from nastoolkit.tasks import Split, Task, load_task
from nastoolkit.tasks.episodes import Episode, Episodes, class_groups
from nastoolkit.tasks.fitting import ends_for
from nastoolkit.training import adapt

CARD = Card(
    name="at_nas",
    title="Across-Task Neural Architecture Search via Meta Learning",
    paper="2110.05842",
    claim="Weights meta-learned with an evolving population adapt to a new task in a few steps (a reconstruction).",
    methods=("meta_learn", "evolve", "compare"),
    notebooks=("adapted_or_fixed",),
    taught_in="docs/how_to_training.md",
    needs="mini-ImageNet as a folder of images, a GPU",
)

AT_NAS, BEST, RANDOM, BEST_OF_RANDOM = "AT-NAS", "population's best", "random code", "best of random codes"
MEDIAN, LARGEST, SCRATCH = "MAML, median network", "MAML, largest network", "evolution from random weights"
N_TASKS, EXPLORE = 4, 0.2  # episodes of an iteration; probability that one's sub-network comes from the whole space
N_JUDGING = 4  # episodes by which a population is judged, new ones each time
N_HELD_OUT = 2  # support images of each class of a new task that judge sub-networks, while the others teach them
SCRATCH_RATE = 0.3  # learning rate from random weights
Row = dict[str, Any]
Judge = Callable[[np.ndarray], float]


@dataclass(frozen=True, kw_only=True)
class Meta:
    """How weights and population are learnt.

    Attributes:
        n_iterations: Steps of the shared weights.
        n_inner: Steps on the support images of an episode.
        inner_rate: Their learning rate.
        meta_rate: Learning rate of the shared weights (Adam).
        n_codes: Sub-networks in the population.
        every: Iterations after which the population is judged and evolves.
    """

    n_iterations: int = 200
    n_inner: int = 3
    inner_rate: float = 0.1
    meta_rate: float = 0.003
    n_codes: int = 16
    every: int = 50

    def __post_init__(self) -> None:
        keep_whole(self, n_iterations=1, n_inner=0, n_codes=2, every=1)


@dataclass(frozen=True, eq=False)
class Learner:
    """Sub-networks that learn an episode, from the shared weights.

    Attributes:
        supernet: Gives the weights to start from; batch normalisation uses each batch's statistics.
        task: Gives the loss.
        rate: Learning rate.
    """

    supernet: Supernet
    task: Task
    rate: float

    def loss(self, genotype: np.ndarray, support: Split, judged: Split, n_steps: int) -> torch.Tensor:
        """Loss on judged images after steps on the support images; its gradient reaches the shared weights, to first order."""
        return self.task.loss(*self._outputs(genotype, support, judged, n_steps))

    def accuracy(self, genotype: np.ndarray, episode: Episode, n_steps: int) -> float:
        """Accuracy in % on query images."""
        outputs, targets = self._outputs(genotype, episode.support, episode.query, n_steps)
        return self.task.score(outputs.detach(), targets)

    def _outputs(self, genotype: np.ndarray, support: Split, judged: Split, n_steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs for judged images, and their targets."""
        shape, device = self.supernet.family.input_shape(genotype), device_of(self.supernet)
        seen, judged = support.at(shape).to(device), judged.at(shape).to(device)
        network = adapt(self.supernet, genotype, self.task.loss, seen, n_steps, self.rate, first_order=True)
        return network(judged.inputs), judged.targets


def meta_learn(learner: Learner, known: Episodes, others: Episodes, meta: Meta, fixed: np.ndarray | None = None) -> np.ndarray:
    """Meta-learn the shared weights in place, and a population with them.

    Args:
        learner: Has the weights.
        known: Episodes to learn from.
        others: Episodes of other classes, which judge the population.
        meta: Settings.
        fixed: One sub-network ``(d,)`` that learns alone: first-order MAML.

    Returns:
        The population ``(n_codes, d)``, the best first as other episodes judge it in the end; or the fixed sub-network
        ``(1, d)``.
    """
    space, rng = learner.supernet.family.space, np.random.default_rng([known.seed, 2])
    population = sample_new(space, meta.n_codes, rng, set()) if fixed is None else fixed[None]
    optimiser = torch.optim.Adam(learner.supernet.parameters(), meta.meta_rate)
    for iteration in range(meta.n_iterations):
        optimiser.zero_grad()
        for episode in map(known.draw, range(iteration * N_TASKS, (iteration + 1) * N_TASKS)):
            genotype = fixed if fixed is not None else drawn(space, population, rng)
            (learner.loss(genotype, episode.support, episode.query, meta.n_inner) / N_TASKS).backward()
        optimiser.step()
        is_last = iteration == meta.n_iterations - 1
        if fixed is None and (is_last or (iteration + 1) % meta.every == 0):
            population = ranked(learner, population, others, iteration, meta.n_inner)
            population = population if is_last else next_generation(space, population, rng)
    return population


def drawn(space: SearchSpace, population: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A sub-network ``(d,)`` of the population, or sometimes one of the whole space."""
    return space.sample(1, rng)[0] if rng.random() < EXPLORE else population[rng.integers(len(population))]


def ranked(learner: Learner, population: np.ndarray, others: Episodes, iteration: int, n_steps: int) -> np.ndarray:
    """The population, the best first by the mean accuracy on episodes of an iteration."""
    drawn_now = [others.draw(number) for number in range(iteration * N_JUDGING, (iteration + 1) * N_JUDGING)]
    fitness = [np.mean([learner.accuracy(genotype, episode, n_steps) for episode in drawn_now]) for genotype in population]
    return population[np.argsort(fitness, kind="stable")[::-1]]


def next_generation(space: SearchSpace, population: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The better half of a ranked population ``(n, d)``, and its children in place of the others."""
    parents = population[: (len(population) + 1) // 2]
    return np.concatenate([parents, children_of(space, parents, len(population) - len(parents), rng, parents)])


def children_of(space: SearchSpace, parents: np.ndarray, n: int, rng: np.random.Generator, known: np.ndarray) -> np.ndarray:
    """New children ``(n, d)`` of parents ``(k, d)`` that are not known, or random sub-networks where these are too few."""
    children = new_ones(vary(space, parents, 10 * n, rng), {*genotype_keys(known)})[:n]
    seen = {*genotype_keys(known), *genotype_keys(children)}
    return np.concatenate([children, sample_new(space, n - len(children), rng, seen)])


def evolve(
    space: SearchSpace, first: np.ndarray, judge: Judge, n_generations: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Evolve sub-networks ``(n, d)``, as many in each generation; yields the best one so far ``(d,)`` after each.

    Args:
        space: Space of the sub-networks.
        first: The first generation.
        judge: Says how good a sub-network is; larger is better.
        n_generations: Number of generations, of which the first is given.
        rng: Draws children.
    """
    known, fitness = first, [judge(genotype) for genotype in first]
    for generation in range(n_generations):
        if generation:
            parents = known[np.argsort(fitness, kind="stable")[::-1][: (len(first) + 1) // 2]]
            children = children_of(space, parents, len(first), rng, known)
            known, fitness = np.concatenate([known, children]), fitness + [judge(genotype) for genotype in children]
        yield known[int(np.argmax(fitness))]


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What a new task may cost.

    Attributes:
        n_generations: Generations of a search on the new task.
        n_codes: Sub-networks in each.
        n_steps: Steps on all support images, in the end.
        scratch: How many times as many steps a search from random weights takes everywhere.
        n_episodes: Episodes of new classes.
        n_scratch: How many of them, the first ones, are also searched from random weights.
    """

    n_generations: int = 3
    n_codes: int = 8
    n_steps: int = 10
    scratch: int = 5
    n_episodes: int = 60
    n_scratch: int = 10

    def __post_init__(self) -> None:
        keep_whole(self, n_generations=1, n_codes=2, n_steps=1, scratch=1, n_episodes=1, n_scratch=1)


@dataclass(frozen=True, eq=False)
class Trial:
    """What all arms share: episodes of new classes, steps of a sub-network that is judged, and what a task may cost."""

    episodes: Episodes
    n_inner: int
    budget: Adaptation

    def rows(
        self, arm: str, learner: Learner, first: np.ndarray | int, n_generations: int = 1, times: int = 1
    ) -> Iterator[Row]:
        """Let an arm learn new tasks, by searches that begin with sub-networks ``(n, d)``, or with so many random ones.

        A single sub-network needs no search. All numbers of steps are multiplied by ``times``.
        """
        family, n_steps = learner.supernet.family, times * self.budget.n_steps
        for number in range(self.budget.n_episodes if times == 1 else self.budget.n_scratch):
            rng, episode = np.random.default_rng([self.episodes.seed, number, 3]), self.episodes.draw(number)
            genotypes = first if isinstance(first, np.ndarray) else family.space.sample(first, rng)
            searches, judge = len(genotypes) > 1, self.judge(learner, episode, times * self.n_inner)
            bests = evolve(family.space, genotypes, judge, n_generations, rng) if searches else genotypes
            for generation, best in enumerate(bests, start=int(searches)):
                steps = n_steps + generation * len(genotypes) * times * self.n_inner
                about = {"accuracy": learner.accuracy(best, episode, n_steps), "mmacs": float(family.mmacs(best))}
                yield {"arm": arm, "episode": number, "steps": steps, **about}

    def judge(self, learner: Learner, episode: Episode, n_steps: int) -> Judge:
        """Minus the loss on support images that are held out, after some steps on the others."""
        end = (self.episodes.n_support - N_HELD_OUT) * len(episode.classes)
        taught, held_out = episode.support[:end], episode.support[end:]
        return lambda genotype: -learner.loss(genotype, taught, held_out, n_steps).item()


def compare(
    task_name: str,
    seed: int,
    sizes: Mapping[str, Any],
    shots: Mapping[str, int],
    meta: Mapping[str, Any],
    adaptation: Mapping[str, Any],
    device: str = "cpu",
) -> list[Row]:
    """Meta-learn, and let all arms learn the same new tasks; a job of a grid.

    Args:
        task_name: Name for :func:`nastoolkit.tasks.load_task`, of images with classes.
        seed: Seed of weights, episodes and sub-networks.
        sizes: Fields of :class:`nastoolkit.families.conv_chain.ConvsTable` that the task does not decide.
        shots: Fields ``n_classes``, ``n_support`` and ``n_query`` of :class:`nastoolkit.tasks.Episodes`.
        meta: Fields of :class:`Meta`.
        adaptation: Fields of :class:`Adaptation`.
        device: Where to train.

    Returns:
        A row for each ``arm``, ``episode`` and number of gradient ``steps`` on it: ``accuracy`` in % on its query images, and
        ``mmacs`` of the sub-network. An arm that searches has a row after each generation.

    Raises:
        ValueError: The task has too few classes, or a class too few images.
    """
    task, how, budget = load_task(task_name), Meta(**meta), Adaptation(**adaptation)
    known, others, new = episodes_of(task, shots, seed).values()
    if N_HELD_OUT >= new.n_support:
        raise ValueError(f"{N_HELD_OUT} held-out images of a class leave none of its {new.n_support} to learn from")
    family = chains_for(task, new.n_classes, sizes)
    trial, rows, n = Trial(new, how.n_inner, budget), list[Row](), budget.n_codes

    def start(rate: float = how.inner_rate) -> Learner:
        return Learner(Supernet(family, seed=seed).to(device).train(), task, rate)

    for arm, fixed in ((MEDIAN, median_network(family)), (LARGEST, family.largest)):
        alone = meta_learn(maml := start(), known, others, how, fixed)
        rows += trial.rows(arm, maml, alone)
    population = meta_learn(learner := start(), known, others, how)
    rows += trial.rows(RANDOM, learner, 1)
    rows += trial.rows(BEST_OF_RANDOM, learner, n * budget.n_generations)
    rows += trial.rows(BEST, learner, population[:1])
    rows += trial.rows(AT_NAS, learner, population[:n], budget.n_generations)
    return rows + [*trial.rows(SCRATCH, start(SCRATCH_RATE), n, budget.n_generations, budget.scratch)]


def episodes_of(task: Task, shots: Mapping[str, int], seed: int) -> dict[str, Episodes]:
    """Episodes of each group of classes, by the names of splits: to learn from, to judge the population, and new ones."""
    return {name: Episodes(task, **shots, classes=classes, seed=seed) for name, classes in class_groups(task).items()}


def chains_for(task: Task, n_classes: int, sizes: Mapping[str, Any]) -> ConvChainFamily:
    """Networks for episodes of a task's images."""
    own: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()}
    return ConvChainFamily(f"{task.name}-convs", ConvsTable(**{**ends_for(task), "n_classes": n_classes, **own}))


def median_network(family: ConvChainFamily) -> np.ndarray:
    """A sub-network ``(d,)`` with the median number of MACs of a thousand random ones."""
    genotypes = family.space.sample(1001, np.random.default_rng(0))
    return genotypes[np.argsort(family.macs(genotypes), kind="stable")[500]]


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Mean over new tasks of what arms end with: rows of ``arm``, ``seed``, ``steps``, ``accuracy`` and ``mmacs``."""
    last = found.sort_values("steps", kind="stable").groupby(["arm", "seed", "episode"], sort=False).tail(1)
    return last.groupby(["arm", "seed"], sort=False)[["steps", "accuracy", "mmacs"]].mean().reset_index()


def steps_to(found: pd.DataFrame, arms: Sequence[str], goal: str = SCRATCH) -> Censored:
    """Gradient steps after which arms, one continuing the other, are as accurate as another arm is in the end, for each seed.

    Accuracies are means over those new tasks that the other arm has learnt, too.
    """
    shared = found[found.episode.isin(found[found.arm == goal].episode)]
    curves = shared.groupby(["arm", "seed", "steps"]).accuracy.mean()
    levels = summary(shared).set_index(["arm", "seed"]).accuracy[goal]
    ours = {seed: pd.concat([curves[arm, seed] for arm in arms]).sort_index() for seed in levels.index}
    reached = [own.index[own >= levels[seed]].min() for seed, own in ours.items()]  # missing if it never is
    return counted(np.nan_to_num(np.array(reached, float), nan=np.inf), [own.index[-1] for own in ours.values()])
