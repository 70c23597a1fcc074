"""The evolutionary algorithms, which can be the inner search of another one."""

from nastoolkit.search.agemoea import AGEMOEA
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.cmaes import CMAES
from nastoolkit.search.ctaea import CTAEA
from nastoolkit.search.ga import GA
from nastoolkit.search.mocmaes import MOCMAES
from nastoolkit.search.moead import MOEAD
from nastoolkit.search.nsga2 import NSGA2
from nastoolkit.search.nsga3 import NSGA3
from nastoolkit.search.ofa_evolution import OFAEvolution
from nastoolkit.search.rnsga2 import RNSGA2
from nastoolkit.search.smsemoa import SMSEMOA
from nastoolkit.search.spea2 import SPEA2
from nastoolkit.search.unsga3 import UNSGA3

EVOLUTIONARY: dict[str, type[Algorithm]] = {
    "agemoea": AGEMOEA,
    "cmaes": CMAES,
    "ctaea": CTAEA,
    "ga": GA,
    "mocmaes": MOCMAES,
    "moead": MOEAD,
    "nsga2": NSGA2,
    "nsga3": NSGA3,
    "ofa_evolution": OFAEvolution,
    "rnsga2": RNSGA2,
    "smsemoa": SMSEMOA,
    "spea2": SPEA2,
    "unsga3": UNSGA3,
}
