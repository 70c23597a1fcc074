"""Hardware-aware neural architecture search on weight-sharing supernets.

The public names live in their modules and are also available here; each is imported on first use, so that searching a table
never imports PyTorch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "space": ("Choice", "SearchSpace"),
    "objectives": ("Objective",),
    "history": ("History",),
    "predictors": ("PREDICTORS",),
    "search": ("ALGORITHMS",),
    "studies": ("Processes", "Running", "Store", "optimize"),
    "families": ("FAMILIES",),
    "supernets": ("Supernet", "calibrate_batchnorm", "load_supernet", "save_supernet", "with_new_head"),
    "tasks": ("TASKS", "load_task"),
    "latency": ("LookupTable",),
    "measurements": ("Accuracy",),
    "benchmarks": ("BENCHMARKS",),
    "export": ("export_network", "load_network"),
    "claims": ("claim",),
    "verdicts": ("verdict",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)  # noqa: PLE0605
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'nastoolkit' has no attribute {name!r}; it has {__all__}")
    return getattr(import_module(f"nastoolkit.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
