"""Blocks timed in their contexts: inside few random networks, chosen so that every block is in several of them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec, Inputs
from nastoolkit.families import Family
from nastoolkit.measurements.latency import Timing, measure_blocks, summarise
from nastoolkit.space import SearchSpace


class Contexts:
    """Timings of blocks, network by network, while a table is being made.

    Args:
        family: Whose blocks.
        conditions: Of the table: backend, batch size, threads, machine.
        within: What the space is restricted to.
        file: Keeps the timings of every finished network; those of a killed run of the same table are taken over.
    """

    def __init__(
        self, family: Family, conditions: dict[str, Any], within: dict[str, Any], file: str | Path | None = None
    ) -> None:
        self.family, self.conditions, self.file = family, conditions, Path(file) if file else None
        self.identity = json.loads(json.dumps({"family": family.name, "within": within, **conditions}))
        self.done: list[dict[str, dict[str, Any]]] = []
        self.timings: dict[BlockSpec, list[Timing]] = {}
        self.n_measured = 0
        if self.file:
            self._resume(self.file)

    def measure(self, genotype: np.ndarray) -> None:
        """Time the blocks of one network, or take it from the file."""
        plan, conditions = dict(self.family.plan(genotype)), self.conditions
        if self.n_measured == len(self.done):
            case = fresh_case(self.family, genotype, conditions["batch_size"])
            timings = measure_blocks(*case, plan, conditions["threads"], backend=conditions["backend"])
            self._keep({name: asdict(timing) for name, timing in timings.items()})
        for name, values in self.done[self.n_measured].items():
            self.timings.setdefault(plan[name], []).append(Timing(**values))
        self.n_measured += 1

    def summary(self, specs: tuple[BlockSpec, ...]) -> dict[BlockSpec, Timing]:
        """One timing for each of these blocks; the file has done its duty."""
        if self.file:
            self.file.unlink(missing_ok=True)
        return {spec: summarise(self.timings[spec]) for spec in specs}

    def _resume(self, file: Path) -> None:
        """Take over the networks of a file of this table, and leave there what was taken: a line each, behind the identity."""
        first, *rest = (file.read_text().splitlines() if file.exists() else []) or [""]
        if first == json.dumps(self.identity):
            with suppress(json.JSONDecodeError):  # a kill may have cut the last line off
                for line in rest:
                    self.done.append(json.loads(line))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{json.dumps(line)}\n" for line in (self.identity, *self.done)))

    def _keep(self, timings: dict[str, dict[str, Any]]) -> None:
        self.done.append(timings)
        if self.file:
            with self.file.open("a") as file:
                file.write(f"{json.dumps(timings)}\n")


def fresh_case(family: Family, genotype: np.ndarray, batch_size: int) -> tuple[nn.Module, Inputs]:
    """A sub-network with fresh weights and a batch for it, the same ones every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return family.build(genotype), family.example_inputs(genotype, batch_size)


def covering_genotypes(
    family: Family, times: int, rng: np.random.Generator, space: SearchSpace | None = None, n_candidates: int = 32
) -> np.ndarray:
    """Few random genotypes ``(n, d)`` in whose networks every block spec occurs at least ``times`` times.

    Greedy: of some networks that have the rarest block, take the one with the most blocks that are still wanted.
    """
    wanted = dict.fromkeys(family.specs_within(space or family.space), times)
    chosen = []
    while any(wanted.values()):
        rarest = max(wanted, key=wanted.__getitem__)
        candidates = family.genotypes_with(rarest, n_candidates, rng, space)
        plans = [[spec for _, spec in family.plan(genotype)] for genotype in candidates]
        best = max(range(n_candidates), key=lambda i: sum(wanted[spec] for spec in plans[i]))
        chosen.append(candidates[best])
        for spec in plans[best]:
            wanted[spec] = max(0, wanted[spec] - 1)
    return np.stack(chosen)
