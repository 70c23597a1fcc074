"""Latency lookup tables: one measured time per block spec; a network's latency is the sum over its blocks.

[Cai2019] H. Cai et al., "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware", ICLR 2019, Section 3.3.

Differs from the paper in: blocks are timed inside whole random networks, not alone; alone they are too fast by the cache
misses that a network has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm.auto import tqdm

from nastoolkit.blocks import BlockSpec, Inputs
from nastoolkit.families import Family
from nastoolkit.measurements.latency import Timing, measure_all, measure_blocks, summarise
from nastoolkit.measurements.machine import describe_machine
from nastoolkit.predictors import kendall_tau, mape, spearman

BACKENDS = ("torch",)


class LookupTable:
    """Measured block latencies of a family under fixed conditions.

    Args:
        family: Whose blocks they are.
        timings: A timing for each block spec of the family.
        conditions: Backend, batch size, threads, machine and library versions.
    """

    def __init__(self, family: Family, timings: dict[BlockSpec, Timing], conditions: dict[str, Any]) -> None:
        self.family, self.timings, self.conditions = family, timings, conditions
        self._sum = family.tabulate(lambda spec: timings[spec].median_ms)

    @classmethod
    def measure(
        cls,
        family: Family,
        backend: str = "torch",
        batch_size: int = 1,
        threads: int = 1,
        n_contexts: int = 8,
        progress: bool = True,
    ) -> LookupTable:
        """Time every distinct block spec of a family on this machine, inside whole random networks.

        Args:
            family: Whose blocks; networks of fresh weights are timed.
            backend: One of ``BACKENDS``; ``torch`` is eager PyTorch on the CPU.
            batch_size: Inputs a batch; latencies are those of the whole batch.
            threads: Threads that the backend may use.
            n_contexts: Every block is timed in at least so many networks, and the median taken.
            progress: Whether to show the time left.
        """
        if backend not in BACKENDS:
            raise ValueError(f"unknown backend {backend!r}; known: {BACKENDS}")
        if min(batch_size, threads, n_contexts) < 1:
            raise ValueError(f"{batch_size=}, {threads=} and {n_contexts=} must each be at least 1")
        runs: dict[BlockSpec, list[Timing]] = {spec: [] for spec in family.block_specs}
        networks = covering_genotypes(family, n_contexts, np.random.default_rng(0))
        for genotype in tqdm(networks, desc=f"latency of {len(runs)} blocks", disable=not progress):
            plan = dict(family.plan(genotype))
            timings = measure_blocks(*_case(family, genotype, batch_size), plan, threads)
            for name, spec in plan.items():
                runs[spec].append(timings[name])
        conditions = table_conditions(backend, batch_size, threads, n_contexts)
        return cls(family, {spec: summarise(timings) for spec, timings in runs.items()}, conditions)

    def latency_ms(self, genotypes: np.ndarray) -> np.ndarray:
        """Predicted latency ``(n,)`` of one batch, in ms, for genotypes ``(n, d)``; an exact objective."""
        return self._sum(genotypes)

    def validate(self, n: int = 30, seed: int = 0, seconds: float = 0.3, progress: bool = True) -> TableCheck:
        """Hold the table against the clock: time ``n`` random sub-networks end to end."""
        genotypes = self.family.space.sample(n, np.random.default_rng(seed))
        timings = self.time_networks(genotypes, seconds, progress)
        return TableCheck(self.latency_ms(genotypes), np.array([timing.median_ms for timing in timings]))

    def time_networks(self, genotypes: np.ndarray, seconds: float = 0.3, progress: bool = False) -> list[Timing]:
        """End-to-end timings of sub-networks ``(n, d)`` under the table's own conditions, with fresh weights."""
        cases = [_case(self.family, genotype, self.conditions["batch_size"]) for genotype in genotypes]
        label = f"latency of {len(cases)} networks" if progress else ""
        return measure_all(cases, self.conditions["threads"], seconds, progress=label)

    def save(self, path: str | Path) -> Path:
        """Write the table as JSON."""
        blocks = [{"block": repr(spec), **vars(timing)} for spec, timing in self.timings.items()]
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"family": self.family.name, "conditions": self.conditions, "blocks": blocks}, indent=1))
        return path

    @classmethod
    def load(cls, path: str | Path, family: Family) -> LookupTable:
        """Read a table that :meth:`save` wrote.

        Raises:
            ValueError: Not such a file, or one that lacks blocks of this family.
        """
        try:
            content = json.loads(Path(path).read_text())
            timings = {row.pop("block"): Timing(**row) for row in content["blocks"]}
            owner, conditions = content["family"], content["conditions"]
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is no latency table of this toolkit: {error!r}") from error
        missing = [spec for spec in family.block_specs if repr(spec) not in timings]
        if missing:
            lacks = f"lacks {len(missing)} blocks of {family.name!r}, e.g. {missing[0]}"
            raise ValueError(f"{path} is a table of {owner!r} and {lacks}")
        return cls(family, {spec: timings[repr(spec)] for spec in family.block_specs}, conditions)


def table_conditions(backend: str = "torch", batch_size: int = 1, threads: int = 1, n_contexts: int = 8) -> dict[str, Any]:
    """What a table made here and now would be made under; one saved under other conditions is no substitute."""
    return {
        "backend": backend,
        "batch_size": batch_size,
        "threads": threads,
        "n_contexts": n_contexts,
        **describe_machine(),
    }


def _case(family: Family, genotype: np.ndarray, batch_size: int) -> tuple[nn.Module, Inputs]:
    """A sub-network with fresh weights and a batch for it, the same ones every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return family.build(genotype), family.example_inputs(genotype, batch_size)


def covering_genotypes(family: Family, times: int, rng: np.random.Generator, n_candidates: int = 32) -> np.ndarray:
    """Few random genotypes ``(n, d)`` in whose networks every block spec occurs at least ``times`` times.

    Greedy: of some networks that have the rarest block, take the one with the most blocks that are still wanted.
    """
    wanted = dict.fromkeys(family.block_specs, times)
    chosen = []
    while any(wanted.values()):
        rarest = max(wanted, key=wanted.__getitem__)
        candidates = family.genotypes_with(rarest, n_candidates, rng)
        plans = [[spec for _, spec in family.plan(genotype)] for genotype in candidates]
        best = max(range(n_candidates), key=lambda i: sum(wanted[spec] for spec in plans[i]))
        chosen.append(candidates[best])
        for spec in plans[best]:
            wanted[spec] = max(0, wanted[spec] - 1)
    return np.stack(chosen)


@dataclass(frozen=True)
class TableCheck:
    """A lookup table against end-to-end measurements.

    Attributes:
        table_ms: Predicted latencies ``(n,)`` of random sub-networks.
        measured_ms: Medians of their end-to-end latencies ``(n,)``.
    """

    table_ms: np.ndarray
    measured_ms: np.ndarray

    @property
    def frame(self) -> pd.DataFrame:
        """Both as columns, a row per sub-network."""
        return pd.DataFrame({"table_ms": self.table_ms, "measured_ms": self.measured_ms})

    @property
    def mape_percent(self) -> float:
        """Mean absolute percentage error."""
        return mape(self.measured_ms, self.table_ms)

    @property
    def bias_percent(self) -> float:
        """Mean signed percentage error; positive where the table is too high."""
        return float(100 * (self.table_ms / self.measured_ms - 1).mean())

    @property
    def spearman(self) -> float:
        """Rank correlation."""
        return spearman(self.measured_ms, self.table_ms)

    @property
    def kendall_tau(self) -> float:
        """Rank correlation by concordant pairs."""
        return kendall_tau(self.measured_ms, self.table_ms)
