"""Latency lookup tables: one measured time per block spec; a network's latency is the sum over its blocks.

[Cai2019] H. Cai et al., "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware", ICLR 2019, Section 3.3.

Differs from the paper in: blocks are timed inside whole random networks, not alone; alone they are too fast, because they lack
the cache misses of a network.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from nastoolkit.blocks import BlockSpec
from nastoolkit.families import Family
from nastoolkit.latency.backends import backend_named
from nastoolkit.latency.clock import check_threads, pinned
from nastoolkit.latency.contexts import Contexts, covering_genotypes, n_that_cover
from nastoolkit.latency.end_to_end import NetworkLatency, Timing
from nastoolkit.latency.machine import describe_machine
from nastoolkit.latency.table_check import TableCheck
from nastoolkit.latency.table_file import block_text, holds_costs, read_costs, read_table, table_text, timings_of
from nastoolkit.space import SearchSpace
from nastoolkit.support import tables as html
from nastoolkit.support.counts import whole
from nastoolkit.support.display_names import hardware_name
from nastoolkit.support.files import atomically, check_output
from nastoolkit.support.interrupts import explain_resume

Options = Mapping[str, Sequence[Any]]
SECONDS = 0.1  # for each network at most, alone and with its blocks watched
RUNS_A_TIMING = 4  # a network's and the reference's, each after one that warms up
ELSEWHERE = {"backend": "another tool", "batch_size": 1, "threads": 1}  # where nothing is told
MACHINE = ("cpu", "capability", "system")  # conditions that another machine has otherwise


class LookupTable:
    """Measured block latencies of a family under fixed conditions.

    Args:
        family: Family that the blocks belong to.
        timings: A timing for each block spec of the family, or of a part of its space.
        conditions: Backend, batch size, threads, machine and library versions.
        within: Restriction of the space: options by the names of choices.
        reference_ms: Time of ``space.smallest`` at the machine speed for which the timings are stated; it has the first
            options of choices without an order.
        n_noisy: Number of networks, among those in which blocks were timed, whose runs lay too far apart.
        mape_percent: Its error compared with the clock, once known; :meth:`validate` sets it.
    """

    def __init__(
        self,
        family: Family,
        timings: dict[BlockSpec, Timing],
        conditions: dict[str, Any],
        within: Options | None = None,
        reference_ms: float | None = None,
        n_noisy: int = 0,
        mape_percent: float | None = None,
    ) -> None:
        self.family, self.timings, self.conditions, self.within = family, timings, conditions, dict(within or {})
        self.reference_ms, self.n_noisy, self.mape_percent = reference_ms, n_noisy, mape_percent
        self.partial: Path | None = None  # what a killed measurement goes on with, until the table is saved
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
        n_contexts: int = 8,
        seconds: float = 45.0,
        within: Options | None = None,
        resume: str | Path | None = None,
        progress: bool = True,
    ) -> LookupTable:
        """Time every distinct block spec of a family on this machine, inside whole random networks.

        Args:
            family: Family whose blocks are timed, in networks with fresh weights.
            backend: One of ``BACKENDS``.
            batch_size: Inputs a batch; latencies are those of the whole batch.
            threads: Threads that the backend may use.
            n_contexts: Least number of networks in which every block is timed, while time is left; the median is taken.
            seconds: Time after which blocks that have been timed once are enough. With less time, each network has fewer runs.
            within: The part of the space to measure: options by the names of choices; by default all of it.
            resume: File that keeps measurements, so that a killed one can continue; :meth:`save` removes it.
            progress: Whether to show the time left.

        Raises:
            ValueError: A number is below 1, or above the threads of this machine; the backend is unknown, or ``resume`` is a
                finished table.
        """
        backend_named(backend)
        if resume is not None:
            check_output(resume)
        deadline = time.monotonic() + seconds
        batch_size, threads = whole("batch_size", batch_size), check_threads(threads)
        n_contexts = whole("n_contexts", n_contexts)
        table = cls(family, {}, table_conditions(backend, batch_size, threads, n_contexts), within)
        genotypes = covering_genotypes(family, n_contexts, np.random.default_rng(0), table.space, progress=progress)
        specs = family.specs_within(table.space)
        clockwork = table.clockwork(min(SECONDS, seconds / RUNS_A_TIMING / n_that_cover(family, genotypes, specs)))
        identity = {"family": family.name, "within": table.within, **table.conditions}
        with pinned(threads), explain_resume(lambda: _how_to_go_on(resume)):
            runs = Contexts(clockwork, identity, resume)
            for genotype in tqdm(genotypes, desc=f"latency of {len(specs)} blocks", disable=not progress):
                runs.measure(genotype)
                if time.monotonic() > deadline and runs.covers(specs):
                    break
        made = cls(family, runs.timings(specs), table.conditions, within, runs.reference_ms, runs.n_noisy)
        made.partial = runs.file
        return made

    def latency_ms(self, genotypes: np.ndarray) -> np.ndarray:
        """Predicted latency ``(n,)`` of one batch, in ms, for genotypes ``(n, d)``; an exact objective.

        Raises:
            ValueError: A sub-network has a block that the table did not measure.
        """
        latencies = self._sum(genotypes)
        if np.isnan(latencies).any():
            raise ValueError(f"a sub-network has blocks that this table did not measure; it covers {self.within}")
        return latencies

    def validate(self, n: int = 30, seed: int = 0, seconds: float = 0.5, progress: bool = True) -> TableCheck:
        """Compare the table with the clock: time ``n`` random sub-networks end to end, at the speed of the table."""
        genotypes = self.space.sample(n, np.random.default_rng(seed))
        runs, reference_ms = self.clockwork(seconds).rounds(genotypes, progress)
        speed_ms = self.reference_ms or reference_ms
        halves = np.array([[np.median(np.concatenate(ratios[half::2])) for half in (0, 1)] for ratios in runs])
        measured = np.array([np.median(np.concatenate(ratios)) for ratios in runs])
        check = TableCheck(
            table_ms=self.latency_ms(genotypes),
            measured_ms=speed_ms * measured,
            halves_ms=speed_ms * halves,
            macs=self.family.macs(genotypes),
            drift_percent=100 * (reference_ms / speed_ms - 1),
        )
        self.mape_percent = check.mape_percent
        return check

    def time_networks(self, genotypes: np.ndarray, seconds: float = 0.3, progress: bool = False) -> list[Timing]:
        """End-to-end timings of sub-networks ``(n, d)`` under the table's own conditions, at its speed, with fresh weights."""
        return self.clockwork(seconds).timings(genotypes, progress)

    def clockwork(self, seconds: float = 0.3) -> NetworkLatency:
        """A latency measurement under the table's conditions, with this many seconds for each network."""
        backend, batch_size, threads = (self.conditions[name] for name in ("backend", "batch_size", "threads"))
        return NetworkLatency(self.family, backend, batch_size, threads, seconds, self.space.smallest, self.reference_ms)

    def _repr_html_(self) -> str:
        backend, batch_size, threads = (self.conditions.get(name, "?") for name in ("backend", "batch_size", "threads"))
        known = "not known: call validate()" if self.mape_percent is None else f"MAPE {self.mape_percent:.2g} % of the clock"
        hardware = hardware_name(backend, batch_size, threads)
        machine = ", ".join(str(self.conditions[name]) for name in ("cpu", "device") if name in self.conditions)
        facts = {
            "hardware": hardware,
            "blocks": f"{len(self.timings)} timed",
            "error": known,
            "machine": machine or "not known",
        }
        part = {"within": self.within} if self.within else {}
        return html.facts("Latency lookup table", {"family": self.family.name, **part, **facts})

    def save(self, path: str | Path) -> Path:
        """Write the table as JSON; the file kept while measuring is then removed.

        Raises:
            ValueError: :meth:`load` would refuse the table: a block of the family or a condition is missing, or a time is
                invalid.
            OSError: The file cannot be written.
        """
        blocks = [{"block": block_text(spec), **vars(timing)} for spec, timing in self.timings.items()]
        speed = {"reference_ms": self.reference_ms, "n_noisy": self.n_noisy, "mape_percent": self.mape_percent}
        head = {"family": self.family.name, "conditions": self.conditions, "within": self.within, **speed}
        _needed(self.family, {row["block"] for row in blocks}, self.within, "the table")
        text = table_text({**head, "blocks": blocks})
        with atomically(path) as new:
            new.write_text(text)
        self._forget_partial(Path(path))
        return Path(path)

    def _forget_partial(self, saved: Path) -> None:
        """Remove the file kept while measuring, unless the table was saved in its place."""
        if self.partial and self.partial.exists() and not self.partial.samefile(saved):
            self.partial.unlink()
        self.partial = None

    @classmethod
    def from_costs(
        cls,
        family: Family,
        costs: Mapping[BlockSpec | str, Any] | str | Path,
        conditions: Mapping[str, Any] | None = None,
        within: Options | None = None,
    ) -> LookupTable:
        """A table of times measured by another tool, such as a vendor's.

        Args:
            family: Family that the blocks belong to.
            costs: Times in ms by block specs or by their texts, a number each or one for each run; or a CSV file with the
                columns ``block`` (the text, ``repr(spec)``) and ``ms``, a row for each run.
            conditions: Whatever the times depend on, as JSON types, including ``backend``, ``batch_size`` and ``threads``.
            within: The part of the space whose blocks were timed; by default all of it.

        Raises:
            ValueError: A block is missing, a time is negative or not a number, or the file is not such a CSV.
            OSError: The file cannot be read.
        """
        timings = timings_of(costs if isinstance(costs, Mapping) else read_costs(costs))
        needed = _needed(family, timings, within or {}, "what was timed" if isinstance(costs, Mapping) else str(costs))
        known = {**ELSEWHERE, **(conditions or {})}
        return cls(family, {spec: timings[block_text(spec)] for spec in needed}, known, within)

    @classmethod
    def load(cls, path: str | Path, family: Family, batch_size: int | None = None, threads: int | None = None) -> LookupTable:
        """Read a table that :meth:`save` wrote, or a CSV for :meth:`from_costs`; warns if it was made on another machine.

        Args:
            path: The file.
            family: Family that the blocks belong to.
            batch_size: Batch size of the wanted latencies; a warning says if the table has another.
            threads: Number of threads of the wanted latencies; a warning says if the table has another.

        Raises:
            ValueError: The file is not a table, or lacks blocks of this family.
            OSError: The file cannot be read.
        """
        if holds_costs(path):
            return cls.from_costs(family, path)
        content = read_table(path)
        timings, owner, conditions, within = (content[name] for name in ("blocks", "family", "conditions", "within"))
        speed = {name: content[name] for name in ("reference_ms", "n_noisy", "mape_percent")}
        needed = _needed(family, timings, within if owner == family.name else {}, f"{path} is a table of {owner!r} and")
        wanted = {"batch_size": batch_size, "threads": threads}
        here = {name: value for name, value in describe_machine().items() if name in MACHINE}
        _warn_of_others(path, conditions, here | {name: value for name, value in wanted.items() if value is not None})
        return cls(family, {spec: timings[block_text(spec)] for spec in needed}, conditions, within, **speed)


def _needed(family: Family, known: Collection[str], within: Options, what: str) -> tuple[BlockSpec, ...]:
    """The blocks of a part of a family's space; ValueError if one is not known."""
    needed = family.specs_within(family.space.restrict(within))
    missing = [block_text(spec) for spec in needed if block_text(spec) not in known]
    if missing:
        raise ValueError(f"{what} lacks {len(missing)} blocks of {family.name!r}, e.g. {missing[0]}")
    return needed


def _how_to_go_on(resume: str | Path | None) -> str:
    if resume is None:
        return "interrupted, and nothing was kept: with resume=FILE (--output FILE in a shell) a second call would go on"
    return f"interrupted: run the same again, and it goes on with what {resume} keeps"


def _warn_of_others(path: str | Path, conditions: dict[str, Any], wanted: dict[str, Any]) -> None:
    changed = [name for name in wanted if conditions.get(name, wanted[name]) != wanted[name]]
    if changed:
        others = "; ".join(f"{name} {conditions[name]!r}, here {wanted[name]!r}" for name in changed)
        warnings.warn(f"{path} was measured under other conditions: {others}", stacklevel=3)


def table_conditions(backend: str = "torch", batch_size: int = 1, threads: int = 1, n_contexts: int = 8) -> dict[str, Any]:
    """Conditions of a table made here and now; a table saved under other conditions cannot replace it."""
    return {
        "backend": backend,
        "batch_size": batch_size,
        "threads": threads,
        "n_contexts": n_contexts,
        **describe_machine(),
    }
