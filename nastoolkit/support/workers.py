"""Code that worker processes run first; this module imports almost nothing, so that they start quickly."""

from __future__ import annotations

import multiprocessing
import os
from threading import Thread


def end_with_parent() -> None:
    """Make this worker process end when the one that started it is killed."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def ready(args: tuple) -> int:
    """The id of this process, which has imported what the arguments need."""
    return os.getpid()
