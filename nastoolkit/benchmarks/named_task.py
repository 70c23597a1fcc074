"""A task by its name, from which other processes load it again: what problems of studies begin with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from nastoolkit.tasks import Task, load_task


@dataclass(frozen=True, kw_only=True)
class NamedTask:
    """The task of a problem, whose plain values are arguments of jobs.

    Attributes:
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
    """

    task_name: str

    @cached_property
    def task(self) -> Task:
        """The task."""
        return load_task(self.task_name)

    @property
    def lacks(self) -> str:
        """What is missing of its data; empty if nothing is."""
        try:
            self._find_data()
        except OSError as error:
            return str(error).split("\n")[0]
        return ""

    def _find_data(self) -> None:
        """Read what the problem needs; an OSError says what is missing."""
        self.task.split("test")

    def as_argument(self) -> dict[str, Any]:
        """The values, as an argument of a job."""
        return asdict(self)
