"""Arms: the joint search of architecture and bits, and the searches that it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.benchmarks.supernet_problem import SIZE
from nastoolkit.families.bits import SYMMETRIC
from nastoolkit.history import History
from nastoolkit.measurements import Accuracy
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet, load_supernet, with_bits

JOINT, EVOLUTION, RANDOM = "joint LINAS", "joint NSGA-II", "joint random"
BITS, SEQUENTIAL = "bits of the largest", "architecture, then bits"
ALGORITHM_OF = {EVOLUTION: "nsga2", RANDOM: "random"}  # the other arms use LINAS
OF_BITS, OF_SCHEME = ".bits", ".weight_scheme"  # endings of choices' names


@dataclass(frozen=True, kw_only=True)
class QuantisedProblem(SupernetProblem):
    """Sub-networks of a trained supernet that are quantised before they are measured.

    Attributes:
        bits: Options for the bits of every block; if empty, all numbers stay floats.
        schemes: Options for how weights are rounded; if empty, all are symmetric.
        n_validation: Number of validation examples for the search, the first ones.
        n_test: Number of test examples for judging, the first ones.
    """

    bits: Sequence[int]
    schemes: Sequence[str] = ()
    n_validation: int | None = None
    n_test: int | None = None

    @property
    def supernet(self) -> Supernet:
        """The supernet, loaded once for each process."""
        return _quantised(self.family_name, self.checkpoint, self.device, tuple(self.bits), tuple(self.schemes))

    def accuracy(self, split: str = "validation") -> Accuracy:
        """The task's metric on the first examples of a split."""
        return replace(super().accuracy(split), n_images=self.n_validation if split == "validation" else self.n_test)

    def uniform(self, n: int) -> np.ndarray:
        """The genotype ``(d,)`` of the largest network with n bits in all blocks."""
        return uniform(self.space, n).largest


@lru_cache(maxsize=4)
def _quantised(name: str, checkpoint: str, device: str, bits: tuple[int, ...], schemes: tuple[str, ...]) -> Supernet:
    supernet = load_supernet(name, checkpoint or None).to(device)
    return with_bits(supernet, bits, schemes=schemes, tied=True) if bits else supernet


def architecture_at(n: int) -> str:
    """The arm that searches architectures with n bits in all blocks."""
    return f"architecture at {n} bits"


def uniform(space: SearchSpace, n: int) -> SearchSpace:
    """The networks with n bits and symmetric weights in all blocks.

    Raises:
        ValueError: Blocks cannot have this number of bits.
    """
    bits = {name: [n] for name in space.names if name.endswith(OF_BITS)}
    return space.restrict(bits | {name: [SYMMETRIC] for name in space.names if name.endswith(OF_SCHEME)})


def _of_the_largest(space: SearchSpace) -> SearchSpace:
    """The networks with the largest one's architecture."""
    largest = space.decode(space.largest).items()
    return space.restrict({name: [option] for name, option in largest if not name.endswith((OF_BITS, OF_SCHEME))})


def space_of(arm: str, problem: QuantisedProblem) -> SearchSpace:
    """The part of the joint space that an arm searches.

    Raises:
        ValueError: The arm is unknown, for example with bits that blocks cannot have.
    """
    parts = dict.fromkeys((JOINT, EVOLUTION, RANDOM, SEQUENTIAL), problem.space) | {BITS: _of_the_largest(problem.space)}
    parts |= {architecture_at(n): uniform(problem.space, n) for n in problem.bits}
    if arm not in parts:
        raise ValueError(f"unknown arm {arm!r}; known: {', '.join(parts)}")
    return parts[arm]


def search_arm(problem: Mapping[str, Any], arm: str, seed: int, budget: int, **settings: Any) -> pd.DataFrame:
    """One arm's search by validation accuracy and size, and its front on test examples; a job of a grid.

    Args:
        problem: Values of a :class:`QuantisedProblem`.
        arm: ``JOINT``, ``EVOLUTION``, ``RANDOM``, ``BITS``, ``SEQUENTIAL``, or :func:`architecture_at` some bits.
        seed: Random seed.
        budget: Number of evaluations; the sequential arm spends half of them on networks with floats.
        **settings: Settings of the searches; evolution and random search take only the population.

    Returns:
        A row for each quantised evaluation: its ``number`` in the arm, ``validation`` accuracy in %, ``size_mb`` in
        MB, and, on the front, ``test`` accuracy in %.
    """
    given = QuantisedProblem(**problem)
    space, algorithm = space_of(arm, given), ALGORITHM_OF.get(arm, "linas")
    own = {name: value for name, value in settings.items() if name == "population" or algorithm == "linas"}
    if arm == SEQUENTIAL:
        history = one_after_the_other(given, budget, seed, **own)
    else:
        history = given.search(SIZE, algorithm, budget, seed, space, **own)
    found = pd.DataFrame(history.values, columns=["validation", "size_mb"])
    found["number"] = np.arange(len(found)) + 1 + budget - len(found)
    found.loc[history.on_front, "test"] = given.accuracy("test")(history.genotypes[history.on_front])[:, 0]
    return found


def one_after_the_other(problem: QuantisedProblem, budget: int, seed: int, **settings: Any) -> History:
    """Half of the evaluations on architectures with floats, the others on bits for the architectures on their front.

    Returns:
        The second half, as networks of the joint space.
    """
    floats = replace(problem, bits=(), schemes=(), folder=f"{problem.folder}/floats")
    front = floats.search(SIZE, "linas", budget // 2, seed, **settings).front().genotypes
    space, joint = _bits_on(problem.space, front), partial(_joined, front)
    accuracy, size = problem.accuracy(), problem.cost(SIZE)
    objectives = [problem.quality, replace(size, exact=lambda genotypes: problem.family.size_mb(joint(genotypes)))]
    how: dict[str, Any] = {"algorithm": "linas", "budget": budget - budget // 2, "seed": seed, "progress": False}
    second = optimize(space, lambda genotypes: accuracy(joint(genotypes)), objectives, **how, **settings)
    return History(problem.space, (problem.quality, size), problem.space.canonical(joint(second.genotypes)), second.values)


def _bits_on(space: SearchSpace, front: np.ndarray) -> SearchSpace:
    """A space of the networks on a front ``(k, d)`` and their bits; bits of missing blocks are dead."""
    n = front.shape[1]
    lives = space.alive(np.hstack([front, np.zeros((len(front), space.n_genes - n), dtype=np.int64)]))
    choices = [Choice("network", tuple(range(len(front))))]
    for gene in range(n, space.n_genes):
        choice = space.choices[gene]
        when = ("network", tuple(np.flatnonzero(lives[:, gene]).tolist())) if choice.name.endswith(OF_BITS) else choice.when
        choices.append(replace(choice, when=when))
    return SearchSpace(choices)


def _joined(front: np.ndarray, genotypes: np.ndarray) -> np.ndarray:
    """Genotypes ``(n, d)`` of the joint space, from a number in a front and bits."""
    return np.hstack([front[genotypes[:, 0]], genotypes[:, 1:]])
