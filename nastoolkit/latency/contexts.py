"""Blocks timed in context: inside a few random networks, chosen so that every block is in several of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from nastoolkit.blocks import BlockSpec
from nastoolkit.families import Family
from nastoolkit.latency.end_to_end import NetworkLatency, Timing, steady, summary
from nastoolkit.latency.regression import block_times
from nastoolkit.latency.table_file import check_numbers, is_table
from nastoolkit.space import SearchSpace
from nastoolkit.support.files import atomically

DAMAGE = (ValueError, TypeError, OverflowError, RecursionError)  # what lines of a damaged file make


class Contexts:
    """Timings of networks and of their blocks while a table is being made.

    Args:
        latency: Times networks.
        identity: What identifies the table; files of other tables are not used.
        file: File that keeps the timings of every finished network; one from a killed run of the same table is continued.

    Raises:
        ValueError: The file is a finished table, which would be overwritten.
    """

    def __init__(self, latency: NetworkLatency, identity: dict[str, Any], file: str | Path | None = None) -> None:
        self.latency, self.file = latency, Path(file) if file else None
        self.clock = latency.clock()
        self.identity = json.loads(json.dumps(identity))
        self.done: list[dict[str, Any]] = []
        self.networks: list[tuple[tuple[BlockSpec, ...], dict[str, Any]]] = []
        if self.file:
            self._resume(self.file)

    def covers(self, specs: tuple[BlockSpec, ...]) -> bool:
        """Whether each of these blocks has been timed."""
        return set(specs) <= {spec for plan, _ in self.networks for spec in plan}

    def measure(self, genotype: np.ndarray) -> None:
        """Time one network and the shares of its blocks, or take them from the file."""
        names, specs = zip(*self.latency.family.plan(genotype), strict=True)
        at = len(self.networks)
        shares = self.done[at]["shares"] if at < len(self.done) else None
        if shares is not None and len(shares) != len(names):
            del self.done[at:]  # the file is damaged from here on
        if at == len(self.done):
            self._keep(self._timed(genotype, names))
        self.networks.append((specs, self.done[at]))

    def _timed(self, genotype: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
        runner = self.latency.runner(genotype)
        ratios = steady(lambda: self.clock.ratios(runner, self.latency.seconds))
        shares = runner.block_shares(names, len(ratios))
        timed = None if shares is None else shares.tolist()
        return {**vars(summary(ratios * self.clock.typical_ms)), "reference_ms": self.clock.typical_ms, "shares": timed}

    @property
    def reference_ms(self) -> float:
        """The reference's time, the median over the networks next to which it ran."""
        return float(np.median([timed["reference_ms"] for _, timed in self.networks]))

    @property
    def n_noisy(self) -> int:
        """Number of networks whose runs lie too far apart, even after repeats."""
        return sum(self._timing(timed).noisy for _, timed in self.networks)

    def timings(self, specs: tuple[BlockSpec, ...]) -> dict[BlockSpec, Timing]:
        """One timing for each of these blocks."""
        if any(timed["shares"] is None for _, timed in self.networks):
            return self._by_regression(specs)
        found: dict[BlockSpec, list[float]] = {spec: [] for spec in specs}
        runs = dict.fromkeys(specs, 0)
        for plan, timed in self.networks:
            for spec, share in zip(plan, timed["shares"], strict=True):
                found[spec].append(share * self._timing(timed).median_ms)
                runs[spec] += timed["n_runs"]
        return {spec: Timing(*_middle(times), runs[spec]) for spec, times in found.items()}

    def _by_regression(self, specs: tuple[BlockSpec, ...]) -> dict[BlockSpec, Timing]:
        plans = [plan for plan, _ in self.networks]
        times, spread = block_times(specs, plans, np.array([self._timing(timed).median_ms for _, timed in self.networks]))
        runs = [sum(timed["n_runs"] for plan, timed in self.networks if spec in plan) for spec in specs]
        return {spec: Timing(time, spread * time, n) for spec, time, n in zip(specs, times.tolist(), runs, strict=True)}

    def _timing(self, timed: dict[str, Any]) -> Timing:
        """The times of a network, at the reference's typical speed over all networks."""
        scale = self.reference_ms / timed["reference_ms"]
        return Timing(scale * timed["median_ms"], scale * timed["iqr_ms"], timed["n_runs"])

    def _resume(self, file: Path) -> None:
        """Continue a file of this table: take its networks, and leave those taken in it, a line each, after the identity."""
        if file.exists() and is_table(file):
            raise ValueError(f"{file} is a finished latency table; name another file to keep what is measured in")
        first, *rest = (file.read_text(errors="replace").splitlines() if file.exists() else []) or [""]
        if first == json.dumps(self.identity):
            with suppress(*DAMAGE):  # a kill may have cut the last line off
                for line in rest:
                    self.done.append(_checked(**json.loads(line)))
        with atomically(file) as new:
            new.write_text("".join(f"{json.dumps(line)}\n" for line in (self.identity, *self.done)))

    def _keep(self, timed: dict[str, Any]) -> None:
        self.done.append(timed)
        if self.file:
            with self.file.open("a") as file:
                file.write(f"{json.dumps(timed)}\n")


def _checked(median_ms: float, iqr_ms: float, n_runs: int, reference_ms: float, shares: list[float] | None) -> dict[str, Any]:
    """The stored timings of a network; an error of :data:`DAMAGE` if they are not valid."""
    check_numbers([median_ms, iqr_ms, n_runs, reference_ms, *([] if shares is None else shares)])
    if not reference_ms > 0 or not isinstance(n_runs, int):
        raise ValueError("the reference must take more than 0 ms, and runs must be a whole number")
    return dict(median_ms=median_ms, iqr_ms=iqr_ms, n_runs=n_runs, reference_ms=reference_ms, shares=shares)


def _middle(times: list[float]) -> tuple[float, float]:
    low, median, high = np.percentile(times, (25, 50, 75))
    return float(median), float(high - low)


def covering_genotypes(
    family: Family,
    times: int,
    rng: np.random.Generator,
    space: SearchSpace | None = None,
    n_candidates: int = 32,
    progress: bool = False,
) -> np.ndarray:
    """Few random genotypes ``(n, d)`` in whose networks every block spec occurs at least ``times`` times.

    The first ones have every block once, the next ones twice, and so on. Greedy: among some networks that have the rarest
    block, take the one with the most blocks that are equally rare.
    """
    counts: Counter[BlockSpec] = Counter(dict.fromkeys(family.specs_within(space or family.space), 0))
    chosen: list[np.ndarray] = []
    bar = tqdm(total=times * len(counts), desc="choosing networks", delay=2, leave=False, disable=not progress)
    while (rarest := min(counts, key=counts.__getitem__)) and counts[rarest] < times:
        candidates = family.genotypes_with(rarest, n_candidates, rng, space)
        plans = [[spec for _, spec in family.plan(genotype)] for genotype in candidates]
        wanted = [sum(counts[spec] == counts[rarest] for spec in plan) for plan in plans]
        best = int(np.argmax(wanted))
        chosen.append(candidates[best])
        counts.update(plans[best])
        bar.update(sum(min(count, times) for count in counts.values()) - bar.n)
    bar.close()
    return np.stack(chosen)


def n_that_cover(family: Family, genotypes: np.ndarray, specs: Collection[BlockSpec]) -> int:
    """Number of the first genotypes ``(n, d)`` whose networks together contain every one of these blocks."""
    missing = set(specs)
    for n, genotype in enumerate(genotypes, start=1):
        missing -= {spec for _, spec in family.plan(genotype)}
        if not missing:
            return n
    return len(genotypes)
