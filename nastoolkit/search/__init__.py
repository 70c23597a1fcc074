"""Search algorithms, one file each. They see numbers only; :func:`nastoolkit.studies.optimize` runs them."""

from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.bayes import Bayes
from nastoolkit.search.evolutionary import EVOLUTIONARY
from nastoolkit.search.full import Full
from nastoolkit.search.linas import LINAS
from nastoolkit.search.nat import NAT
from nastoolkit.search.optuna_nsga2 import OptunaNSGA2
from nastoolkit.search.optuna_tpe import OptunaTPE
from nastoolkit.search.random_search import Random
from nastoolkit.search.regularised_evolution import RegularisedEvolution
from nastoolkit.search.weaknas import WeakNAS

ALGORITHMS: dict[str, type[Algorithm]] = EVOLUTIONARY | {
    "bayes": Bayes,
    "full": Full,
    "linas": LINAS,
    "nat": NAT,
    "optuna_nsga2": OptunaNSGA2,
    "optuna_tpe": OptunaTPE,
    "random": Random,
    "regularised_evolution": RegularisedEvolution,
    "weaknas": WeakNAS,
}

DEFAULT_ALGORITHM = "bayes"  # what "default" stands for: the best general choice

__all__ = ["ALGORITHMS", "DEFAULT_ALGORITHM", "EVOLUTIONARY", "Algorithm"]
