"""How well latencies are predicted: by regressors, and by lookup tables that take as long to measure.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 5.4.2, Table 3 and Figure 15.

Differs from the paper in: every sub-network is timed next to the same reference, the smallest one, and its latency is a
multiple of the reference's. So neither changes of the machine's speed nor a run resumed later favour any sub-network.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.families import FAMILIES, Family
from nastoolkit.history import History
from nastoolkit.latency import LookupTable, NetworkLatency, read_hardware, table_conditions
from nastoolkit.objectives import Objective
from nastoolkit.predictors import kendall_tau, mape, splits, trial_scores
from nastoolkit.published import TransformerLatency, hat_latency
from nastoolkit.published.hat_latency import FEATURES
from nastoolkit.studies import optimize
from nastoolkit.studies.running import Running
from nastoolkit.verdicts import INCONCLUSIVE, WEAKER, Verdict, verdict

TABLE, MACS, LAYERS = "lookup table", "MACs", "decoder layers"  # added to the predictors; the last two need no measurement
COST = "cost_s"  # processor seconds for measuring a table, stored with its conditions
PAPER = {  # Table 3: on Xeon 8180 and 8280, then on V100 and A100
    "mbv3": (0.9821, 0.9826, 0.9311, 0.9360),
    "resnet50": (0.8984, 0.8690, 0.8675, 0.8637),
    "transformer": (0.9206, 0.8999, 0.9180, 0.8838),
}


class TwoClocks(NetworkLatency):
    """Latencies by even and by odd rounds, as multiples of the reference's, and the processor seconds spent."""

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to ``(n, 3)``."""
        started = time.process_time()
        rounds, _ = self.rounds(genotypes)
        halves = [[np.median(np.concatenate(runs[half::2])) for half in (0, 1)] for runs in rounds]
        return np.column_stack([halves, np.full(len(halves), (time.process_time() - started) / len(halves))])


@dataclass(frozen=True, kw_only=True)
class TimedFamily:
    """A family on this machine, and the folder that keeps its measurements.

    Attributes:
        family_name: Key of ``FAMILIES``.
        hardware: Backend, batch size and threads; see :func:`nastoolkit.latency.read_hardware`.
        seconds: Time for each sub-network, in s.
        folder: Folder of the measurements.
        made_of: Hash of the measured latencies, which distinguishes jobs; :meth:`as_argument` sets it.
    """

    family_name: str
    hardware: str
    seconds: float
    folder: str
    made_of: str = ""

    @property
    def family(self) -> Family:
        """The family."""
        return FAMILIES[self.family_name]()

    @property
    def key(self) -> tuple[str, str]:
        """Family and hardware."""
        return self.family_name, self.hardware

    @property
    def stem(self) -> str:
        """The part of file names that identifies it."""
        return f"{self.family_name}_{self.hardware.replace(' ', '_')}"

    def measured(self, n: int, seed: int) -> History:
        """Random sub-networks, measured now or read: multiples of the reference's time by two clocks, and seconds for each."""
        clock = TwoClocks(self.family, seconds=self.seconds, **read_hardware(self.hardware))
        columns = [Objective("even", "min"), Objective("odd", "min"), Objective("cost", "min", "s")]
        store, running = Path(self.folder) / f"latency_{self.stem}.sqlite", Running(chunk_size=8)
        return optimize(self.family.space, clock, columns, "random", n, seed, store, running, progress=False, population=n)

    def table(self, n_contexts: int) -> LookupTable:
        """The lookup table, measured now or read, with its cost in processor seconds among its conditions.

        Args:
            n_contexts: Number of networks in which each block is timed.
        """
        conditions, file = read_hardware(self.hardware), Path(self.folder) / f"table_{self.stem}_{n_contexts}.json"
        if file.exists():
            table = LookupTable.load(file, self.family)
            if table_conditions(**conditions, n_contexts=n_contexts).items() <= table.conditions.items():
                return table
        started = time.process_time()
        table = LookupTable.measure(self.family, **conditions, n_contexts=n_contexts)
        table.conditions[COST] = time.process_time() - started
        table.save(file)
        return table

    def as_argument(self, n: int, seed: int) -> dict[str, Any]:
        """Plain values that make this object in another process, after measuring: an argument of a job."""
        digest = hashlib.sha256(np.ascontiguousarray(self.measured(n, seed).values).tobytes())
        return asdict(self) | {"made_of": digest.hexdigest()[:16]}


def latencies_of(history: History) -> np.ndarray:
    """Latencies ``(n,)`` from the result of :meth:`TimedFamily.measured`: the mean of both clocks."""
    return history.values[:, :2].mean(axis=1)


def latency_scores(
    timed: dict[str, Any], n: int, sizes: list[int], n_test: int, predictors: list[str], trial: int, seed: int
) -> pd.DataFrame:
    """How well predictors predict latencies of unseen sub-networks; a job.

    Args:
        timed: What makes a :class:`TimedFamily`.
        n: Number of sub-networks that were measured.
        sizes: Sizes of the training sets.
        n_test: Number of unseen sub-networks.
        predictors: Keys of ``PREDICTORS``.
        trial: Number of the split.
        seed: Seed of the measured sub-networks and of the splits.

    Returns:
        The columns of :func:`nastoolkit.predictors.learning_curve`, ``family`` and ``hardware``; at the largest size, a row
        for the control, the predictor ``MACs``, which has no error in %.
    """
    made = TimedFamily(**timed)
    history = made.measured(n, seed)
    features, latencies = history.space.one_hot(history.genotypes), latencies_of(history)
    scores = trial_scores(features, latencies, sizes, n_test, trial, predictors, seed)
    macs = told_scores(latencies, made.family.macs(history.genotypes), n_test, trial, seed)
    control = macs.assign(predictor=MACS, n_train=max(sizes), mape_percent=np.nan)
    return pd.concat([scores, control], ignore_index=True).assign(family=made.family_name, hardware=made.hardware)


def equal_cost_scores(
    timed: dict[str, Any], n: int, n_contexts: int, n_test: int, predictors: list[str], trial: int, seed: int
) -> pd.DataFrame:
    """The same for a lookup table, and for predictors that learn from sub-networks timed in as many seconds; a job.

    Args:
        timed: What makes a :class:`TimedFamily`.
        n: Number of measured sub-networks, from which the predictors can learn.
        n_contexts: Number of networks in which each block of the table is timed.
        n_test: Number of unseen sub-networks.
        predictors: Keys of ``PREDICTORS``.
        trial: Number of the split.
        seed: Seed of the measured sub-networks and of the splits.

    Returns:
        The columns of :func:`latency_scores`, and ``cost_s``; ``n_train`` is the number of sub-networks that could
        be timed in the table's seconds, at most all.
    """
    made = TimedFamily(**timed)
    history, table = made.measured(n, seed), made.table(n_contexts)
    cost_s = table.conditions[COST]
    n_train = min(max(int(cost_s / history.values[:, 2].mean()), 2), n - n_test)
    learned = latency_scores(timed, n, [n_train], n_test, predictors, trial, seed)
    told = table.latency_ms(history.genotypes) / table.reference_ms
    by_table = told_scores(latencies_of(history), told, n_test, trial, seed)
    row = by_table.assign(n_train=n_train, predictor=TABLE, family=made.family_name, hardware=made.hardware)
    return pd.concat([learned[learned.predictor != MACS], row], ignore_index=True).assign(cost_s=cost_s)


def hat_networks(device: str, data_folder: str, at_least: int) -> TransformerLatency:
    """The Transformers that HAT's authors measured on a device.

    Args:
        device: One of ``DEVICES``.
        data_folder: Folder of the published files; empty means the usual places.
        at_least: Number of Transformers needed.

    Raises:
        FileNotFoundError: The data are not on this machine.
        ValueError: There are fewer.
    """
    found = hat_latency(device, data_folder or None)
    if at_least > (n := len(found.latency_ms)):
        raise ValueError(f"{at_least:,} Transformers are needed for training and tests, and {device} has {n:,}")
    return found


def hat_scores(
    device: str, data_folder: str, sizes: list[int], n_test: int, predictors: list[str], trial: int, seed: int
) -> pd.DataFrame:
    """The same for Transformers, by the ten averages over layers that HAT's authors published; a job.

    The control is the number of decoder layers.
    """
    found = hat_networks(device, data_folder, max(sizes) + n_test)
    scores = trial_scores(found.features, found.latency_ms, sizes, n_test, trial, predictors, seed)
    layers = told_scores(found.latency_ms, found.features[:, FEATURES.index("decoder.layers")], n_test, trial, seed)
    control = layers.assign(predictor=LAYERS, n_train=max(sizes), mape_percent=np.nan)
    task, hardware = device.split("_", 1)
    return pd.concat([scores, control], ignore_index=True).assign(family=task, hardware=hardware)


def told_scores(latencies: np.ndarray, told: np.ndarray, n_test: int, trial: int, seed: int) -> pd.DataFrame:
    """How well numbers that need no measured sub-networks predict the latencies of a trial's unseen ones.

    Equal numbers are ranked at random: Kendall's tau-b does not count them, so six different values could seem to rank better
    than a predictor that is mostly right among equals.

    Args:
        latencies: Measured latencies ``(n,)``.
        told: Numbers to compare with them ``(n,)``: MACs or a table's latencies.
        n_test: Number of unseen sub-networks.
        trial: Number of the split.
        seed: Seed of the splits.

    Returns:
        A row: ``trial``, ``mape_percent`` and ``kendall_tau``.
    """
    test, _ = splits(len(latencies), n_test, trial + 1, seed)[trial]
    lot = np.random.default_rng([seed, trial, 2]).permutation(n_test)
    ranks = np.lexsort((lot, told[test])).argsort()
    scores = {"mape_percent": mape(latencies[test], told[test]), "kendall_tau": kendall_tau(latencies[test], ranks)}
    return pd.DataFrame([{"trial": trial, **scores}])


def mean_taus(scores: pd.DataFrame, predictor: str) -> pd.Series:
    """Kendall's tau of a predictor at the largest training size: the mean over families and hardware, by trial."""
    judged = scores[(scores.predictor == predictor) & (scores.n_train == scores.n_train.max())]
    return judged.groupby("trial").kendall_tau.mean()


def ranking_verdict(scores: pd.DataFrame, control: str, papers: list[float], ceiling: float = 1.0) -> Verdict:
    """The verdict on ridge regression's tau, averaged over families and hardware.

    Args:
        scores: Rows of :func:`latency_scores` or :func:`hat_scores`.
        control: Predictor of the control.
        papers: The paper's numbers, if it has any.
        ceiling: Highest tau that the clock's noise allows. A tau below the paper's says nothing if the ceiling is below it
            too.
    """
    taus, against = (mean_taus(scores, predictor) for predictor in ("ridge", control))
    found = verdict(taus, at_least=0.5, control=against, paper_value=papers or None)
    if found.word != WEAKER or ceiling >= np.mean(papers or 0):
        return found
    return replace(found, word=INCONCLUSIVE, reasons=f"{found.reasons} The clock allows {ceiling:.4f} at most.")


def paper_taus(network: str, on_gpu: bool) -> list[float]:
    """Both numbers of Table 3 for a kind of network, on two Xeons or two GPUs; empty for a kind that is not in the paper."""
    taus = next((taus for kind, taus in PAPER.items() if kind in network), ())
    return list(taus[2:] if on_gpu else taus[:2])


def errors_saved(scores: pd.DataFrame) -> pd.Series:
    """Points of MAPE that a lookup table saves compared with the predictor that is best on average over all trials there.

    Args:
        scores: Rows of :func:`equal_cost_scores`, for one number of contexts.

    Returns:
        Differences by family, hardware and trial.
    """
    errors = scores.pivot(index=["family", "hardware", "trial"], columns="predictor", values="mape_percent")
    of_table = errors.pop(TABLE)
    best = errors.groupby(["family", "hardware"]).transform("mean").idxmin(axis=1)
    return pd.Series([errors.at[key, name] for key, name in best.items()], errors.index) - of_table
