"""Number of threads for the package's own work: one, unless ``NASTOOLKIT_THREADS`` says otherwise.

Small matrices and small networks gain little from several threads. On a busy machine they lose much, because every step waits
for the slowest thread: a search of 100 evaluations took ten times as long.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")  # of the libraries, before they are loaded
VARIABLE = "NASTOOLKIT_THREADS"


def own_threads() -> int:
    """Number of threads for the package's own work.

    Raises:
        ValueError: The environment variable is not a whole number of at least 1.
    """
    text = os.environ.get(VARIABLE, "1")
    if not (text.isdecimal() and int(text) >= 1):
        raise ValueError(f"{VARIABLE} must be a whole number of at least 1, got {text!r}")
    return int(text)


@contextmanager
def own_linear_algebra() -> Iterator[None]:
    """Make NumPy, SciPy and scikit-learn use no more threads than :func:`own_threads`."""
    with _controller(len(sys.modules)).limit(limits=own_threads()):
        yield


@lru_cache(maxsize=1)
def _controller(n_modules: int) -> ThreadpoolController:
    """The loaded libraries; looking for them takes milliseconds, so it is done only after an import."""
    return ThreadpoolController()
