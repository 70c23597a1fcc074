"""SimQ-NAS: one search for the architecture of a network and for the bits of its parts.

[Sridhar2023] S. N. Sridhar et al., "SimQ-NAS: Simultaneous Quantization Policy and Neural Architecture Search", 2023,
arXiv 2312.13301.

The bits of every operation are genes beside those of the architecture, and LINAS searches both at once: every evaluation cuts
a sub-network out of a trained supernet, quantises it after training with the ranges that a few training inputs show, and
measures it. The paper finds networks that are smaller and faster than the largest one in INT8, at no worse accuracy.

Differs from the paper in: a block has one number of bits for its weights and inputs, and one scheme of rounding, where theirs
are for each operation; ranges are those from the least to the greatest value; accuracies in a search are those of fake
quantisation, and sizes are counted, not read from files: :func:`real_int8` holds both against ONNX Runtime's own INT8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import torch
from torch import nn

from nastoolkit import pareto
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.benchmarks.supernet_problem import SIZE
from nastoolkit.families.bits import FLOAT, SYMMETRIC
from nastoolkit.families.fake_quantisation import input_bits
from nastoolkit.history import History
from nastoolkit.latency.backends import Runner, backend_named
from nastoolkit.latency.backends.onnx_graph import exported
from nastoolkit.latency.backends.onnx_int8 import int8_model
from nastoolkit.latency.clock import Clock
from nastoolkit.latency.end_to_end import summary
from nastoolkit.measurements import Accuracy
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.statistics import Censored, counted
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet, load_supernet, with_bits
from nastoolkit.systems.card import Card

CARD = Card(
    name="simq_nas",
    title="SimQ-NAS: Simultaneous Quantization Policy and Neural Architecture Search",
    paper="2312.13301",
    claim="One search for architecture and bits finds smaller networks than the largest in INT8, at no worse accuracy.",
    methods=("QuantisedProblem", "search_arm", "one_after_the_other"),
    notebooks=("architecture_and_bits",),
    taught_in="notebooks/learn/10_smaller_numbers.ipynb",
    needs="supernets of BERT, ViT and ResNet50, SST-2 and ImageNet, a server with INT8 instructions",
)

JOINT, EVOLUTION, RANDOM = "joint LINAS", "joint NSGA-II", "joint random"
BITS, SEQUENTIAL = "bits of the largest", "architecture, then bits"
ALGORITHM_OF = {EVOLUTION: "nsga2", RANDOM: "random"}  # of the other arms LINAS
N_AT_ONCE = 100  # inputs of an INT8 network whose accuracy is measured
OF_BITS, OF_SCHEME = ".bits", ".weight_scheme"  # how the names of choices end


@dataclass(frozen=True, kw_only=True)
class QuantisedProblem(SupernetProblem):
    """Sub-networks of a trained supernet that are quantised before they are measured.

    Attributes:
        bits: Options for the bits of every block; none leaves all numbers floats.
        schemes: Options for how weights are rounded; none has them all symmetric.
        n_validation: Number of validation examples that a search chooses by, the first ones.
        n_test: Number of test examples that judge, the first ones.
    """

    bits: Sequence[int]
    schemes: Sequence[str] = ()
    n_validation: int | None = None
    n_test: int | None = None

    @property
    def supernet(self) -> Supernet:
        """The supernet, loaded once in a process."""
        return _quantised(self.family_name, self.checkpoint, self.device, tuple(self.bits), tuple(self.schemes))

    def accuracy(self, split: str = "validation") -> Accuracy:
        """The task's metric on the first examples of a split."""
        return replace(super().accuracy(split), n_images=self.n_validation if split == "validation" else self.n_test)

    def uniform(self, n: int) -> np.ndarray:
        """The genotype ``(d,)`` of the largest network, all of whose blocks have n bits."""
        return uniform(self.space, n).largest


@lru_cache(maxsize=4)
def _quantised(name: str, checkpoint: str, device: str, bits: tuple[int, ...], schemes: tuple[str, ...]) -> Supernet:
    supernet = load_supernet(name, checkpoint or None).to(device)
    return with_bits(supernet, bits, schemes=schemes, tied=True) if bits else supernet


def architecture_at(n: int) -> str:
    """The arm that searches architectures whose blocks all have n bits."""
    return f"architecture at {n} bits"


def uniform(space: SearchSpace, n: int) -> SearchSpace:
    """The networks whose blocks all have n bits and symmetric weights.

    Raises:
        ValueError: Blocks never have so many bits.
    """
    bits = {name: [n] for name in space.names if name.endswith(OF_BITS)}
    return space.restrict(bits | {name: [SYMMETRIC] for name in space.names if name.endswith(OF_SCHEME)})


def _of_the_largest(space: SearchSpace) -> SearchSpace:
    """The networks with the architecture of the largest one."""
    largest = space.decode(space.largest).items()
    return space.restrict({name: [option] for name, option in largest if not name.endswith((OF_BITS, OF_SCHEME))})


def space_of(arm: str, problem: QuantisedProblem) -> SearchSpace:
    """The part of the joint space that an arm searches.

    Raises:
        ValueError: An unknown arm, such as one with bits that blocks never have.
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
        arm: ``JOINT``, ``EVOLUTION``, ``RANDOM``, ``BITS``, ``SEQUENTIAL``, or :func:`architecture_at` of some bits.
        seed: Seed of all randomness.
        budget: Number of evaluations; the sequential arm spends half of them on floats.
        **settings: Settings of the searches, such as the population; evolution and random search take no others.

    Returns:
        A row for each quantised evaluation: its ``number`` among all of the arm, ``validation`` accuracy in %, ``size_mb`` in
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
    """Half of the evaluations on architectures of floats, the others on bits for the architectures on their front.

    Returns:
        The second half, as networks of the joint space.
    """
    floats = replace(problem, bits=(), schemes=(), folder=f"{problem.folder}/floats")
    front = floats.search(SIZE, "linas", budget // 2, seed, **settings).front().genotypes
    space, joint = _bits_on(problem.space, front), partial(_joined, front)
    accuracy, size = problem.accuracy(), problem.cost(SIZE)
    objectives = [problem.quality, replace(size, exact=lambda genotypes: size.exact(joint(genotypes)))]
    how = {"algorithm": "linas", "budget": budget - budget // 2, "seed": seed, "progress": False}
    second = optimize(space, lambda genotypes: accuracy(joint(genotypes)), objectives, **how, **settings)
    return History(problem.space, (problem.quality, size), problem.space.canonical(joint(second.genotypes)), second.values)


def _bits_on(space: SearchSpace, front: np.ndarray) -> SearchSpace:
    """Which network of a front ``(k, d)``, and its bits; those of blocks that it lacks are dead."""
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


def largest_at(problem: Mapping[str, Any]) -> pd.DataFrame:
    """The largest network at each number of bits for all blocks; a job of a grid.

    Returns:
        A row for each of ``bits``: ``validation`` and ``test`` accuracy in %, ``size_mb``.
    """
    given = QuantisedProblem(**problem)
    genotypes = np.stack([given.uniform(n) for n in given.bits])
    found = {split: given.accuracy(split)(genotypes)[:, 0] for split in ("validation", "test")}
    return pd.DataFrame({"bits": list(given.bits), **found, "size_mb": given.family.size_mb(genotypes)})


def volumes(found: pd.DataFrame, reference: tuple[float, float]) -> pd.DataFrame:
    """Hypervolumes of the arms' fronts on test examples, in % of that of all fronts together, the attainable one.

    Args:
        found: Rows of :func:`search_arm`, of several arms and seeds.
        reference: Accuracy in % and size in MB that count for nothing.

    Returns:
        A row for each seed, a column for each arm.
    """
    fronts = found.dropna(subset=["test"])
    whole = _volume(fronts, reference)
    shares = {key: 100 * _volume(front, reference) / whole for key, front in fronts.groupby(["seed", "arm"], sort=False)}
    return pd.Series(shares).unstack(sort=False).rename_axis("seed")


def _volume(front: pd.DataFrame, reference: tuple[float, float]) -> float:
    return pareto.hypervolume(np.stack([-front.test, front.size_mb], axis=1), (-reference[0], reference[1]))


def evaluations_to(found: pd.DataFrame, arm: str, reference: tuple[float, float], share: float = 0.95) -> Censored:
    """Evaluations ``(seeds,)`` after which an arm has a share of what all arms and seeds attain on validation examples."""
    costs = found.assign(error=-found.validation)
    limit = (-reference[0], reference[1])
    wanted = share * pareto.hypervolume(costs[["error", "size_mb"]].to_numpy(), limit)
    needed = []
    for _, rows in costs[costs.arm == arm].groupby("seed"):
        curve = pareto.hypervolume_curve(rows[["error", "size_mb"]].to_numpy(), limit)
        needed.append(float(rows.number.to_numpy()[(curve >= wanted).argmax()]) if curve[-1] >= wanted else np.inf)
    return counted(needed, float(found.number.max()))


def picks(found: pd.DataFrame, arm: str, baseline: pd.Series) -> pd.DataFrame:
    """The smallest network of each seed's front that is no worse than a baseline on validation examples.

    Args:
        found: Rows of :func:`search_arm`.
        arm: Whose fronts.
        baseline: A row of :func:`largest_at`, which is the pick where no network is as good.

    Returns:
        A row for each seed: how many ``times smaller`` than the baseline it is, and its ``difference`` in test accuracy, in
        points.
    """
    rows = {}
    for seed, front in found[found.arm == arm].dropna(subset=["test"]).groupby("seed"):
        good = front[front.validation >= baseline.validation]
        chosen = good.loc[good.size_mb.idxmin()] if len(good) else baseline
        rows[seed] = {"times smaller": baseline.size_mb / chosen.size_mb, "difference": chosen.test - baseline.test}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")


def real_int8(problem: Mapping[str, Any], seed: int, budget: int, seconds: float, **settings: Any) -> pd.DataFrame:
    """The largest network and one that a search finds, with ONNX Runtime's own INT8 on this machine; a job of a grid.

    Args:
        problem: Values of a :class:`QuantisedProblem` whose bits are 8 and 32, and whose weights are all symmetric.
        seed: Seed of the search.
        budget: Number of its evaluations.
        seconds: Time for the latency of each network.
        **settings: Settings of the search.

    Returns:
        A row for each network: ``numbers`` (floats, INT8), ``file_kb``, ``latency_ms`` of one input in one thread and the
        interquartile range ``iqr_ms`` of its runs, and in % the test accuracy of the ``real`` network and of the ``fake`` one.
    """
    given = QuantisedProblem(**problem)
    front = given.search(SIZE, "linas", budget, seed, **settings).front()
    floats, integers = (given.uniform(n) for n in (FLOAT, 8))
    good = front[front.values[:, 0] >= given.accuracy()(integers)[0, 0]]
    found = good.genotypes[good.values[:, 1].argmin()] if len(good) else front.genotypes[0]
    networks = {"largest, floats": floats, "largest, INT8": integers, "searched, INT8": found}
    clock = Clock(_runner(given, floats))
    rows = [{"network": name, **_measured(given, genotype, clock, seconds)} for name, genotype in networks.items()]
    return pd.DataFrame(rows)


def _runner(problem: QuantisedProblem, genotype: np.ndarray) -> Runner:
    """A network for one input, in floats if none of its blocks has 8 bits."""
    network, inputs = problem.supernet.extract(genotype), problem.family.example_inputs(genotype)
    return backend_named("onnxruntime-int8" if input_bits(network) else "onnxruntime")(network, inputs, 1)


def _measured(problem: QuantisedProblem, genotype: np.ndarray, clock: Clock, seconds: float) -> dict[str, float]:
    """Size, latency and accuracies of a network; its times are held against those of the clock's reference."""
    test, network, runner = problem.accuracy("test"), problem.supernet.extract(genotype), _runner(problem, genotype)
    fake = test.of_network(network, genotype)
    times = summary(clock.ratios(runner, seconds) * clock.typical_ms)
    accuracies = {"real": _real_accuracy(problem, network, genotype), "fake": fake}
    return {"file_kb": len(runner.model) / 1e3, "latency_ms": times.median_ms, "iqr_ms": times.iqr_ms, **accuracies}


def _real_accuracy(problem: QuantisedProblem, network: nn.Module, genotype: np.ndarray) -> float:
    """Test accuracy in % of a calibrated network as ONNX Runtime computes it, its ranges from the same training examples."""
    test, shape = problem.accuracy("test"), problem.family.input_shape(genotype)
    seen = next(problem.task.split("train").batches(test.n_observed, shape)).inputs
    batches = list(problem.task.split("test").batches(N_AT_ONCE, shape, test.n_images))
    first = batches[0].inputs
    model = int8_model(network, first, seen) if input_bits(network) else exported(network, first)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    answers = torch.cat([_answers(session, batch.inputs, len(first)) for batch in batches])
    return problem.task.score(answers, torch.cat([batch.targets for batch in batches]))


def _answers(session: onnxruntime.InferenceSession, inputs: torch.Tensor, n: int) -> torch.Tensor:
    """Outputs for at most n inputs, of a session that takes n."""
    full = inputs[np.resize(np.arange(len(inputs)), n)].numpy()
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: full})[0][: len(inputs)])
