"""The shift of sampling probabilities, and the training that it belongs to ([Zhang2023], Section 3; see the package)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.supernets import Supernet
from nastoolkit.supernets.mixtures import gumbel_softmax
from nastoolkit.systems.shiftnas.bins import Bins
from nastoolkit.systems.shiftnas.generator import Generator, genotypes_of
from nastoolkit.systems.shiftnas.masks import PrefixMasks, expected_mmacs
from nastoolkit.tasks import Task
from nastoolkit.training import Optimizer, Recipe, Run

Change = Callable[[int], float]  # of the validation loss of a bin, since the update before
HOT, COLD = 1.0, 0.3  # temperatures of the generator, at the beginning and at the end
N_REPEATS = 8  # of all bins, in whose cost the generator is trained at each step
DRAWS = 7  # tells these random numbers from others of the seed


def exact(logits: torch.Tensor, change: Change, draws: torch.Generator) -> torch.Tensor:
    """Expected change ``()`` of the validation loss over all bins, Equation 8 without noise."""
    return logits.softmax(0) @ logits.new_tensor([change(number) for number in range(len(logits))])


def gumbel(logits: torch.Tensor, change: Change, draws: torch.Generator) -> torch.Tensor:
    """Change ``()`` of the validation loss of one bin, drawn by Gumbel noise.

    Value and gradient have the mean of :func:`exact`.
    """
    number = int(gumbel_softmax(logits.detach(), generator=draws).argmax())
    probability = logits.softmax(0)[number]
    return change(number) * probability / probability.detach()


ESTIMATORS = {"exact": exact, "gumbel": gumbel}


class Shift(nn.Module):
    """Probabilities of bins, which move to those whose validation loss falls fastest.

    Args:
        n_bins: Number of bins.
        estimator: Key of ``ESTIMATORS``; None leaves all bins alike.
        learning_rate: Of Adam.
        every: Steps from one update to the next.
        warm_up: Steps before the first one.
        seed: Seed of all draws.

    Raises:
        ValueError: There is no such estimator.
    """

    def __init__(
        self,
        n_bins: int,
        estimator: str | None = None,
        learning_rate: float = 0.05,
        every: int = 20,
        warm_up: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if estimator not in (None, *ESTIMATORS):
            raise ValueError(f"unknown estimator {estimator!r}; known: {', '.join(ESTIMATORS)}")
        self.estimator, self.every, self.warm_up, self.seed = estimator, every, warm_up, seed
        self.logits = nn.Parameter(torch.zeros(n_bins))
        self.optimizer = torch.optim.Adam([self.logits], learning_rate)

    @property
    def probabilities(self) -> np.ndarray:
        """Probability of each bin ``(n_bins,)``."""
        return self.logits.detach().double().softmax(0).numpy()

    def draw(self, step: int) -> int:
        """The bin of a step."""
        return int(np.random.default_rng([self.seed, step, DRAWS]).choice(len(self.logits), p=self.probabilities))

    def is_due(self, step: int) -> bool:
        """Whether probabilities change after a step."""
        return self.estimator is not None and step + 1 > self.warm_up and (step + 1 - self.warm_up) % self.every == 0

    def learn(self, step: int, change: Change) -> None:
        """One step of Adam down the expected change of the validation loss (Equation 8)."""
        expected = ESTIMATORS[self.estimator or "exact"](self.logits, change, generator_for(self.seed, step))
        self.optimizer.zero_grad()
        expected.backward()
        self.optimizer.step()


class Training:
    """A supernet, a generator and probabilities of bins that are trained together.

    Args:
        supernet: Trained in place.
        task: Its validation split decides which bins are drawn more often.
        bins: What is drawn from.
        shift: How bins are drawn.
        recipe: Of the supernet; the generator has its own learning rate.
        generator_rate: Learning rate of the generator's AdamW, at its peak.
        cost_weight: Weight of the squared relative error of the cost.
        n_validation: Number of images that changes of the validation loss are measured on, the first ones.

    Attributes:
        generator: The architecture generator.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Task,
        bins: Bins,
        shift: Shift,
        recipe: Recipe,
        generator_rate: float = 1e-2,
        cost_weight: float = 10.0,
        n_validation: int = 128,
    ) -> None:
        self.supernet, self.task, self.bins, self.shift, self.recipe = supernet, task, bins, shift, recipe
        self.cost_weight, self.n_validation, family = cost_weight, n_validation, supernet.family
        self.device, self.masks, self.cost = next(supernet.parameters()).device, PrefixMasks(family), expected_mmacs(family)
        self.generator = Generator(family, seed=recipe.seed).to(self.device)
        self.before, self.optimizer = deepcopy(supernet), Optimizer(supernet.parameters(), recipe)
        own = Recipe(recipe.n_steps, learning_rate=generator_rate, weight_decay=0.0, clip_norm=1.0)
        self.generator_optimizer = Optimizer(self.generator.parameters(), own)

    def fit(self, resume: str | None = None) -> Mapping[str, list[float]]:
        """Train to the end.

        Args:
            resume: File that keeps the run, see :class:`nastoolkit.training.Run`.

        Returns:
            For each step the ``loss``, the ``bin``, the ``mmacs`` of the path; after each change the probability ``p K`` of
            each bin K.
        """
        run = Run(self._kept(), self.supernet.identity | self.recipe.settings if resume else {}, resume, progress=False)
        self.supernet.train()
        for step in run.steps(self.recipe.n_steps):
            run.record(**self._train(step))
            if step + 1 == self.shift.warm_up:
                self.before.load_state_dict(self.supernet.state_dict())
            if self.shift.is_due(step):
                self.shift.learn(step, self._change)
                self.before.load_state_dict(self.supernet.state_dict())
                run.record(**{f"p {number}": p for number, p in enumerate(self.shift.probabilities)})
        self.supernet.eval()
        return run.recorded

    def _kept(self) -> dict[str, Any]:
        trained = {"network": self.supernet, "before": self.before, "generator": self.generator, "shift": self.shift}
        optimizers = {"generator optimizer": self.generator_optimizer, "shift optimizer": self.shift.optimizer}
        return {**trained, "optimizer": self.optimizer, **optimizers}

    def _train(self, step: int) -> dict[str, float]:
        """A step of the supernet and of the generator on the same loss, by a bin that the shift draws."""
        number, share = self.shift.draw(step), step / self.recipe.n_steps
        targets = np.concatenate([self.bins.targets[[number]], np.tile(self.bins.targets, N_REPEATS)])
        shares = self.generator(targets, HOT + share * (COLD - HOT), generator_for(self.recipe.seed, step))
        path = genotypes_of(self.supernet.family.space, shares)[0]
        batch = self.task.batch(step, self.recipe.batch_size, self.recipe.seed)
        batch = batch.at(self.supernet.family.input_shape(path)).to(self.device)
        outputs = self.masks(self.supernet, batch.inputs, {name: rows[0] for name, rows in shares.items()}, path)
        loss, off = (
            self.task.loss(outputs, batch.targets),
            self.cost(shares) / torch.as_tensor(targets, device=self.device) - 1,
        )
        (loss + self.cost_weight * off.square().mean()).backward()
        self.optimizer.step()
        self.generator_optimizer.step()
        return {"loss": loss.item(), "bin": number, "mmacs": float(self.supernet.family.mmacs(path))}

    @torch.no_grad()
    def _change(self, number: int) -> float:
        """How much the validation loss of a bin's likeliest sub-network has changed since the last update."""
        path = self.generator.network(float(self.bins.targets[number]))
        shape = self.supernet.family.input_shape(path)
        batch = next(self.task.split("validation").batches(self.n_validation, shape)).to(self.device)
        now, then = (self.task.loss(one(batch.inputs, path), batch.targets) for one in (self.supernet, self.before.train()))
        return float(now - then)


def generator_for(seed: int, step: int) -> torch.Generator:
    """Noise that follows from a seed and a step alone."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, step, DRAWS]).generate_state(1)[0]))
