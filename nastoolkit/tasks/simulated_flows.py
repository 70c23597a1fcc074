"""Eight kinds of simulated network flows, of hosts that differ: see :mod:`nastoolkit.tasks.flow_simulator`."""

from __future__ import annotations

from functools import cache

from nastoolkit.tasks.flow_simulator import simulated
from nastoolkit.tasks.flow_task import FlowTask
from nastoolkit.tasks.flows import Flows

SIZES = {"train": 4000, "validation": 400, "test": 1000}


class SimulatedFlows(FlowTask):
    """4,000 flows to learn from, with or without their labels; every flow has hosts and a path of its own."""

    def __init__(self) -> None:
        super().__init__("simulated-flows", "")

    def divided(self) -> tuple[dict[str, Flows], Flows]:
        """See :class:`nastoolkit.tasks.flow_task.FlowTask`."""
        return dict(_made()), _made()["train"]


@cache
def _made() -> dict[str, Flows]:
    return {name: simulated(n, [number]) for number, (name, n) in enumerate(SIZES.items())}
