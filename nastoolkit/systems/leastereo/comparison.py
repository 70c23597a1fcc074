"""Jobs of the notebook: networks that were searched, drawn, made by hand, or are convolutions everywhere, trained alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import torch

from nastoolkit.measurements.accuracy import predictions
from nastoolkit.randomness import drawn_from
from nastoolkit.systems.leastereo.decoding import everywhere, random_design
from nastoolkit.systems.leastereo.network import CONV, Design, StereoNet, StereoShape, n_params
from nastoolkit.systems.leastereo.search import FEATURES, MATCHING, StereoSearch, train
from nastoolkit.tasks import load_task
from nastoolkit.tasks.motorcycle import Motorcycle
from nastoolkit.tasks.stereo import SEEN, Stereo, check_stereo
from nastoolkit.training import Recipe

JOINT, SEPARATE, RANDOM, HAND, PLAIN = "searched", "searched separately", "random", "by hand", "plain"
CONVOLUTIONS, REAL = ", convolutions everywhere", "real"
NEAR, LARGER, N_TRIES = 0.15, 1.5, 200  # random networks' distance in parameters, size of the one by hand, and draws
Pair = tuple[Design, Design]


def compare(
    tasks: Mapping[str, str],
    sizes: Mapping[str, Any],
    search_sizes: Mapping[str, Any],
    seed: int,
    searching: Mapping[str, Any],
    training: Mapping[str, Any],
    n_random: int,
    is_separate: bool,
    is_real: bool,
    device: str,
) -> list[dict[str, Any]]:
    """Search, and train all arms anew with the same batches; a job of a grid.

    Args:
        tasks: Names for :func:`nastoolkit.tasks.load_task`, by words for columns. The first is for training, all for tests.
        sizes: Fields of :class:`StereoShape` of trained networks.
        search_sizes: Those that differ in the search.
        seed: Seed of weights, batches and random networks.
        searching: ``n_steps``, ``batch_size`` and ``learning_rate`` of weights, ``logit_rate`` and ``warm_up`` of a search.
        training: ``n_steps``, ``batch_size`` and ``learning_rate`` of all arms.
        n_random: Number of random networks.
        is_separate: Whether to search features and matching one after the other, too.
        is_real: Whether to test on :class:`nastoolkit.tasks.motorcycle.Motorcycle`, too, as ``epe_real``.
        device: Where to train.

    Returns:
        A row for each network, with its ``arm``: mean errors in pixels on each task's test split, ``epe_<word>``, and of those
        that the right image does not show, ``hidden_<word>``, if they are known; ``params``, the share of ``convolutions`` of
        all edges, both paths as ``path``, the ``mixture_loss`` at the end of the search, and processor ``seconds`` of search
        and training.
    """
    shape, first = StereoShape(**sizes), StereoShape(**{**sizes, **search_sizes})
    checked = {word: check_stereo(load_task(name), shape.max_disparity) for word, name in tasks.items()}
    checked |= {REAL: check_stereo(Motorcycle(), shape.max_disparity)} if is_real else {}
    trial = StereoTrial(checked, shape, Recipe(**training, weight_decay=1e-4, seed=seed), device)
    pair, search = trial.searched(first, **searching)
    rows = [trial.trained(JOINT, pair, **search), trial.trained(JOINT + CONVOLUTIONS, _convolutions(pair), **search)]
    if is_separate:
        pair, search = trial.searched(first, turns=((FEATURES,), (MATCHING,)), **searching)
        rows.append(trial.trained(SEPARATE, pair, **search))
    rows += [trial.trained(RANDOM, drawn) for drawn in trial.drawn(n_random, rows[0]["params"])]
    wide, by_hand = made_by_hand(shape, LARGER * rows[0]["params"])
    return [*rows, trial.trained(PLAIN, plain(shape, 1)), replace(trial, shape=wide).trained(HAND, by_hand)]


def gain(found: pd.DataFrame, value: str, ours: str, other: str) -> pd.Series:
    """How much less an arm's error is than another's, of each seed in % of the other's; of several networks, their mean."""
    means = found.groupby(["arm", "seed"])[value].mean()
    return 100 * (1 - means[ours] / means[other])


@dataclass(frozen=True, eq=False)
class StereoTrial:
    """What all arms of a job have in common."""

    tasks: Mapping[str, Stereo]
    shape: StereoShape
    recipe: Recipe
    device: str
    split: str = "test"

    @property
    def task(self) -> Stereo:
        """The task for training."""
        return next(iter(self.tasks.values()))

    def searched(
        self, shape: StereoShape, logit_rate: float, warm_up: float, turns: Any = ((FEATURES, MATCHING),), **training: Any
    ) -> tuple[Pair, dict[str, float]]:
        """Both networks that a search finds, and its ``mixture_loss`` in the end and processor ``seconds``."""
        begun, recipe = process_time(), replace(self.recipe, **training)
        with drawn_from(self.recipe.seed):
            search = StereoSearch(shape, self.task, recipe, logit_rate, warm_up).to(self.device)
        loss = search.learn(turns)
        return search.designs(), {"mixture_loss": loss, "seconds": process_time() - begun}

    def trained(self, arm: str, pair: Pair, seconds: float = 0.0, mixture_loss: float = np.nan) -> dict[str, Any]:
        """A row of :func:`compare` for a network that is trained anew, after a search of such a loss and so many seconds."""
        begun = process_time()
        with drawn_from(self.recipe.seed):
            network = StereoNet(self.shape, pair).to(self.device)
        train(network, self.task, self.recipe)
        options = [option for design in pair for *_, option in design.edges]
        about: dict[str, Any] = {"params": n_params(network), "convolutions": options.count(CONV) / len(options)}
        about |= {"path": " ".join("".join(map(str, design.path)) for design in pair), "mixture_loss": mixture_loss}
        return {"arm": arm, **self.measured(network.eval()), **about, "seconds": seconds + process_time() - begun}

    @torch.no_grad()
    def measured(self, network: StereoNet) -> dict[str, float]:
        """Mean errors of a network."""
        errors = {}
        for word, task in self.tasks.items():
            found = predictions(network, task, task.split(self.split), batch_size=32)
            errors[f"epe_{word}"] = task.errors(*found).mean().item()
            if SEEN in found[1]:
                errors[f"hidden_{word}"] = task.errors(*found, seen=False).mean().item()
        return errors

    def drawn(self, n: int, size: int) -> list[Pair]:
        """The first random networks that have about so many parameters; the nearest ones where there are not enough."""
        rng = np.random.default_rng([self.recipe.seed, 1])
        pairs = [_random_pair(self.shape, rng) for _ in range(N_TRIES)]
        with torch.device("meta"):
            apart = [abs(n_params(StereoNet(self.shape, pair)) / size - 1) for pair in pairs]
        order = sorted(range(N_TRIES), key=lambda number: max(apart[number], NEAR))
        return [pairs[number] for number in order[:n]]


def made_by_hand(shape: StereoShape, size: float) -> tuple[StereoShape, Pair]:
    """Hourglasses of convolutions, as wide as it takes to have at least ``size`` parameters."""
    pair = plain(shape, shape.n_levels)
    with torch.device("meta"):
        while n_params(StereoNet(shape, pair)) < size:
            shape = replace(shape, width=shape.width + 1)
    return shape, pair


def plain(shape: StereoShape, n_levels: int) -> Pair:
    """Convolutions of the two latest states everywhere, on paths that go down through so many levels, and up again."""
    edges = tuple((node, source, CONV) for node in range(shape.n_nodes) for source in (node, node + 1))
    paths = (tuple(min(layer, n - 1 - layer, n_levels - 1) for layer in range(n)) for n in shape.layers)
    features, matching = (Design(path, edges) for path in paths)
    return features, matching


def _convolutions(pair: Pair) -> Pair:
    return everywhere(pair[0]), everywhere(pair[1])


def _random_pair(shape: StereoShape, rng: np.random.Generator) -> Pair:
    features, matching = (random_design(shape, n, rng) for n in shape.layers)
    return features, matching
