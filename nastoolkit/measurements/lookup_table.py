"""Latency lookup tables: one measured time per block spec; a network's latency is the sum over its blocks.

[Cai2019] H. Cai et al., "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware", ICLR 2019, Section 3.3.

Differs from the paper in: blocks are timed inside whole random networks, not alone; alone they are too fast by the cache
misses that a network has.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from nastoolkit.blocks import BlockSpec
from nastoolkit.families import Family
from nastoolkit.measurements.backends import backend_named
from nastoolkit.measurements.contexts import Contexts, covering_genotypes, fresh_case
from nastoolkit.measurements.latency import Timing, measure_all, measure_rounds
from nastoolkit.measurements.machine import describe_machine
from nastoolkit.predictors import kendall_tau, mape, spearman
from nastoolkit.space import SearchSpace

Options = Mapping[str, Sequence[Any]]
MACHINE = ("cpu", "capability", "system")  # conditions that another machine has otherwise


class LookupTable:
    """Measured block latencies of a family under fixed conditions.

    Args:
        family: Whose blocks they are.
        timings: A timing for each block spec of the family, or of the part of its space.
        conditions: Backend, batch size, threads, machine and library versions.
        within: What the space is restricted to: options by the names of choices.
    """

    def __init__(
        self,
        family: Family,
        timings: dict[BlockSpec, Timing],
        conditions: dict[str, Any],
        within: Options | None = None,
    ) -> None:
        self.family, self.timings, self.conditions, self.within = family, timings, conditions, dict(within or {})
        self._sum = family.tabulate(lambda spec: timings[spec].median_ms if spec in timings else np.nan)

    @property
    def space(self) -> SearchSpace:
        """The part of the family's space whose blocks were measured."""
        return self.family.space.restrict(self.within)

    @classmethod
    def measure(
        cls,
        family: Family,
        backend: str = "torch",
        batch_size: int = 1,
        threads: int = 1,
        n_contexts: int = 4,
        within: Options | None = None,
        resume: str | Path | None = None,
        progress: bool = True,
    ) -> LookupTable:
        """Time every distinct block spec of a family on this machine, inside whole random networks.

        Args:
            family: Whose blocks; networks of fresh weights are timed.
            backend: One of ``BACKENDS``.
            batch_size: Inputs a batch; latencies are those of the whole batch.
            threads: Threads that the backend may use.
            n_contexts: Every block is timed in at least so many networks, and the median taken.
            within: The part of the space to measure: options by the names of choices; by default all of it.
            resume: File that keeps what is measured, so that a killed measurement goes on; removed at the end.
            progress: Whether to show the time left.
        """
        backend_named(backend)
        if min(batch_size, threads, n_contexts) < 1:
            raise ValueError(f"{batch_size=}, {threads=} and {n_contexts=} must each be at least 1")
        table = cls(family, {}, table_conditions(backend, batch_size, threads, n_contexts), within)
        genotypes = covering_genotypes(family, n_contexts, np.random.default_rng(0), table.space)
        runs = Contexts(family, table.conditions, dict(within or {}), resume)
        specs = family.specs_within(table.space)
        for genotype in tqdm(genotypes, desc=f"latency of {len(specs)} blocks", disable=not progress):
            runs.measure(genotype)
        return cls(family, runs.summary(specs), table.conditions, within)

    def latency_ms(self, genotypes: np.ndarray) -> np.ndarray:
        """Predicted latency ``(n,)`` of one batch, in ms, for genotypes ``(n, d)``; an exact objective.

        Raises:
            ValueError: A sub-network has a block that the table did not measure.
        """
        latencies = self._sum(genotypes)
        if np.isnan(latencies).any():
            raise ValueError(f"a sub-network has blocks that this table did not measure; it was made within {self.within}")
        return latencies

    def validate(self, n: int = 30, seed: int = 0, seconds: float = 0.3, progress: bool = True) -> TableCheck:
        """Hold the table against the clock: time ``n`` random sub-networks end to end."""
        genotypes = self.space.sample(n, np.random.default_rng(seed))
        cases = [fresh_case(self.family, genotype, self.conditions["batch_size"]) for genotype in genotypes]
        label = f"latency of {n} networks" if progress else ""
        rounds = measure_rounds(cases, self.conditions["threads"], seconds, progress=label, backend=self.conditions["backend"])
        halves = [[np.median(np.concatenate(times[half::2])) for half in (0, 1)] for times in rounds]
        measured = [np.median(np.concatenate(times)) for times in rounds]
        return TableCheck(self.latency_ms(genotypes), np.array(measured), np.array(halves))

    def time_networks(self, genotypes: np.ndarray, seconds: float = 0.3, progress: bool = False) -> list[Timing]:
        """End-to-end timings of sub-networks ``(n, d)`` under the table's own conditions, with fresh weights."""
        cases = [fresh_case(self.family, genotype, self.conditions["batch_size"]) for genotype in genotypes]
        label = f"latency of {len(cases)} networks" if progress else ""
        return measure_all(cases, self.conditions["threads"], seconds, progress=label, backend=self.conditions["backend"])

    def save(self, path: str | Path) -> Path:
        """Write the table as JSON."""
        blocks = [{"block": repr(spec), **vars(timing)} for spec, timing in self.timings.items()]
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        head = {"family": self.family.name, "conditions": self.conditions, "within": self.within}
        path.write_text(json.dumps({**head, "blocks": blocks}, indent=1))
        return path

    @classmethod
    def load(cls, path: str | Path, family: Family) -> LookupTable:
        """Read a table that :meth:`save` wrote; warns where it was made on another machine.

        Raises:
            ValueError: Not such a file, or one that lacks blocks of this family.
        """
        try:
            content = json.loads(Path(path).read_text())
            timings = {row.pop("block"): Timing(**row) for row in content["blocks"]}
            owner, conditions, within = content["family"], content["conditions"], content.get("within", {})
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is no latency table of this toolkit: {error!r}") from error
        needed = family.specs_within(family.space.restrict(within)) if owner == family.name else family.block_specs
        missing = [spec for spec in needed if repr(spec) not in timings]
        if missing:
            lacks = f"lacks {len(missing)} blocks of {family.name!r}, e.g. {missing[0]}"
            raise ValueError(f"{path} is a table of {owner!r} and {lacks}")
        _warn_of_another_machine(path, conditions)
        return cls(family, {spec: timings[repr(spec)] for spec in needed}, conditions, within)


def _warn_of_another_machine(path: str | Path, conditions: dict[str, Any]) -> None:
    here = describe_machine()
    changed = [name for name in MACHINE if conditions.get(name, here[name]) != here[name]]
    other = [f"{name} {conditions[name]!r}, here {here[name]!r}" for name in changed]
    if other:
        warnings.warn(f"{path} was measured on another machine: {'; '.join(other)}", stacklevel=3)


def table_conditions(backend: str = "torch", batch_size: int = 1, threads: int = 1, n_contexts: int = 4) -> dict[str, Any]:
    """What a table made here and now would be made under; one saved under other conditions is no substitute."""
    return {
        "backend": backend,
        "batch_size": batch_size,
        "threads": threads,
        "n_contexts": n_contexts,
        **describe_machine(),
    }


@dataclass(frozen=True)
class TableCheck:
    """A lookup table against end-to-end measurements.

    Attributes:
        table_ms: Predicted latencies ``(n,)`` of random sub-networks.
        measured_ms: Medians of their end-to-end latencies ``(n,)``.
        halves_ms: The same of every other round of measuring, ``(n, 2)``.
    """

    table_ms: np.ndarray
    measured_ms: np.ndarray
    halves_ms: np.ndarray

    @property
    def frame(self) -> pd.DataFrame:
        """Both as columns, a row per sub-network."""
        return pd.DataFrame({"table_ms": self.table_ms, "measured_ms": self.measured_ms})

    @property
    def mape_percent(self) -> float:
        """Mean absolute percentage error."""
        return mape(self.measured_ms, self.table_ms)

    @property
    def clock_percent(self) -> float:
        """Mean absolute percentage difference between the halves of the measurement: no table can be better than that."""
        return mape(self.halves_ms[:, 0], self.halves_ms[:, 1])

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
