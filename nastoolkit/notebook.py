"""What every notebook does first: check its parameters against the rules in their comments, and make its output folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from nastoolkit.benchmarks import BENCHMARKS
from nastoolkit.families import FAMILIES
from nastoolkit.figures import output_folder
from nastoolkit.latency import BACKENDS
from nastoolkit.predictors import PREDICTORS
from nastoolkit.published import DEVICES
from nastoolkit.search import ALGORITHMS, EVOLUTIONARY
from nastoolkit.search.mating import MATINGS
from nastoolkit.studies.parameters import check_injected, check_parameters, declared_rules
from nastoolkit.tasks import TASKS
from nastoolkit.tasks.data_sets import MissingDataError

Made = TypeVar("Made")
REGISTRIES: Mapping[str, Collection[str]] = {
    "ALGORITHMS": ("default", *ALGORITHMS),
    "BACKENDS": BACKENDS,
    "BENCHMARKS": BENCHMARKS,
    "DEVICES": DEVICES,
    "EVOLUTIONARY": EVOLUTIONARY,
    "FAMILIES": FAMILIES,
    "MATINGS": MATINGS,
    "PREDICTORS": PREDICTORS,
    "TASKS": TASKS,
}


def set_up(output_dir: str) -> Path:
    """Check a notebook's parameters, make PyTorch use one thread, and make the output folder.

    Args:
        output_dir: Path of the folder; a relative one starts at the root of a clone of the repository.

    Raises:
        ValueError: Parameters break their rules, a line each, or Papermill was given parameters that do not exist.
    """
    here = vars(sys.modules["__main__"])
    check_injected(here.get("In", []))
    check(here.get("In", []), here)
    torch.set_num_threads(1)
    return output_folder(output_dir)


def check(cells: Collection[str], values: Mapping[str, Any]) -> None:
    """Check values against the rules that cells declare; the last declaration of each counts.

    Raises:
        ValueError: Values do not fit; the message has a line for each.
    """
    rules: dict[str, str] = {}
    for cell in cells:
        if "[" in cell and cell.lstrip()[:1] not in "%!":
            rules |= declared_rules(cell)
    check_parameters(values, rules, REGISTRIES)


def available(makers: Mapping[str, Callable[[], Made]]) -> dict[str, Made]:
    """Objects that can be made from the data on this machine, by name; those left out are printed with the reason.

    Args:
        makers: Functions, by name, that read published data or a task's data, and raise an error if these are missing.
    """
    made: dict[str, Made] = {}
    for name, make in makers.items():
        try:
            made[name] = make()
        except (FileNotFoundError, MissingDataError) as absent:
            print(f"{name} is left out, as its data are not on this machine. {absent}")
    return made
