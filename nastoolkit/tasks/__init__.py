"""Tasks: data, loss and metric by name."""

from nastoolkit.tasks.base import SPLITS, Classification, Examples, Split, Task
from nastoolkit.tasks.digits import Digits

TASKS: dict[str, type[Task]] = {"digits": Digits}

__all__ = ["SPLITS", "TASKS", "Classification", "Examples", "Split", "Task"]
