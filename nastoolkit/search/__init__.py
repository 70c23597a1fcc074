"""Search algorithms, one file each, and :func:`optimize`, the loop that joins them with measurements and a store."""

from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.linas import LINAS
from nastoolkit.search.nsga2 import NSGA2
from nastoolkit.search.optimize import optimize
from nastoolkit.search.random import Random

ALGORITHMS: dict[str, type[Algorithm]] = {
    "linas": LINAS,
    "nsga2": NSGA2,
    "random": Random,
}

__all__ = ["ALGORITHMS", "Algorithm", "optimize"]
