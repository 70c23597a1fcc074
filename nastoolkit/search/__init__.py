"""Search algorithms, one file each, and :func:`optimize`, the loop that joins them with measurements and a store."""

from nastoolkit.search.agemoea import AGEMOEA
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.bayes import Bayes
from nastoolkit.search.cmaes import CMAES
from nastoolkit.search.ctaea import CTAEA
from nastoolkit.search.full import Full
from nastoolkit.search.ga import GA
from nastoolkit.search.linas import LINAS
from nastoolkit.search.moead import MOEAD
from nastoolkit.search.nat import NAT
from nastoolkit.search.nsga2 import NSGA2
from nastoolkit.search.nsga3 import NSGA3
from nastoolkit.search.ofa_evolution import OFAEvolution
from nastoolkit.search.optuna_nsga2 import OptunaNSGA2
from nastoolkit.search.optuna_tpe import OptunaTPE
from nastoolkit.search.random_search import Random
from nastoolkit.search.rnsga2 import RNSGA2
from nastoolkit.search.smsemoa import SMSEMOA
from nastoolkit.search.spea2 import SPEA2
from nastoolkit.search.unsga3 import UNSGA3
from nastoolkit.search.weaknas import WeakNAS
from nastoolkit.studies.optimize import optimize
from nastoolkit.studies.reevaluation import judge

EVOLUTIONARY: dict[str, type[Algorithm]] = {  # those that can be the inner search of another one
    "agemoea": AGEMOEA,
    "cmaes": CMAES,
    "ctaea": CTAEA,
    "ga": GA,
    "moead": MOEAD,
    "nsga2": NSGA2,
    "nsga3": NSGA3,
    "ofa_evolution": OFAEvolution,
    "rnsga2": RNSGA2,
    "smsemoa": SMSEMOA,
    "spea2": SPEA2,
    "unsga3": UNSGA3,
}

ALGORITHMS: dict[str, type[Algorithm]] = EVOLUTIONARY | {
    "bayes": Bayes,
    "full": Full,
    "linas": LINAS,
    "nat": NAT,
    "optuna_nsga2": OptunaNSGA2,
    "optuna_tpe": OptunaTPE,
    "random": Random,
    "weaknas": WeakNAS,
}

DEFAULT_ALGORITHM = "bayes"  # what "default" stands for: the best general choice

__all__ = ["ALGORITHMS", "DEFAULT_ALGORITHM", "EVOLUTIONARY", "Algorithm", "judge", "optimize"]
