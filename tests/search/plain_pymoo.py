"""Plain pymoo with the first paper's published settings on a benchmark: what our evolutionary searches are held against.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954: population 50, crossover 0.9 with index 15, mutation 0.02 with index 20, rounded.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from pymoo.algorithms.moo.ctaea import CTAEA
from pymoo.algorithms.moo.moead import MOEAD
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.algorithms.moo.rnsga2 import RNSGA2
from pymoo.algorithms.moo.sms import SMSEMOA
from pymoo.algorithms.moo.spea2 import SPEA2
from pymoo.algorithms.moo.unsga3 import UNSGA3
from pymoo.algorithms.soo.nonconvex.cmaes import CMAES
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.problem import Problem
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize
from pymoo.util.ref_dirs import get_reference_directions

from nastoolkit.studies import optimize

FILE = Path(__file__).parent / "plain_pymoo.json"
AIM, LIMIT = (30.0, 17.0), 30.0  # latency in ms and error in %, of R-NSGA-II; latency in ms, of searches for one objective
SIZED, DIRECTED = {"pop_size": 50}, {"ref_dirs": get_reference_directions("das-dennis", 2, n_partitions=49)}
SINGLE = ("cmaes", "ga")


def agemoea(how):
    """pymoo's AGE-MOEA, whose functions run as they are: it wants Numba to compile them, which is no dependency here."""
    as_it_is = SimpleNamespace(jit=lambda **_: lambda function: function, intp=np.intp, boolean=bool, float64=float)
    compiler, sys.modules["numba"] = sys.modules.get("numba"), as_it_is
    try:
        from pymoo.algorithms.moo.age import AGEMOEA
    finally:
        sys.modules["numba"] = compiler
    return AGEMOEA(**SIZED, **how)


def cmaes(_):
    """pymoo's CMA-ES, which neither mates nor mutates; it starts again where it has come to an end."""
    return CMAES(sigma=0.3, restarts=99, incpopsize=1, **SIZED)


PLAIN = {  # of MO-CMA-ES, pymoo has none
    "agemoea": agemoea,
    "cmaes": cmaes,
    "ctaea": lambda how: CTAEA(**DIRECTED, **how),
    "ga": lambda how: GA(**SIZED, **how),
    "moead": lambda how: MOEAD(**DIRECTED, **how),
    "nsga2": lambda how: NSGA2(**SIZED, **how),
    "nsga3": lambda how: NSGA3(**DIRECTED, **how),
    "rnsga2": lambda how: RNSGA2(np.array([AIM]), **SIZED, **how),
    "smsemoa": lambda how: SMSEMOA(**SIZED, **how),
    "spea2": lambda how: SPEA2(**SIZED, **how),
    "unsga3": lambda how: UNSGA3(**DIRECTED, **how),
}


class Integers(Problem):
    """A benchmark for pymoo: options are whole numbers, as in Intel's search. It notes what was ``asked``."""

    def __init__(self, benchmark, single):
        self.benchmark, self.single, self.asked = benchmark, single, []
        greatest = np.array([len(allowed) - 1 for allowed in benchmark.space.allowed])
        super().__init__(
            n_var=len(greatest), n_obj=2 - single, n_ieq_constr=int(single), xl=np.zeros(len(greatest)), xu=greatest
        )
        self.vtype = int

    def _evaluate(self, x, out, *_, **__):
        options = zip(self.benchmark.space.allowed, np.rint(x.T).astype(int), strict=True)
        genotypes = self.benchmark.space.repair(np.stack([np.array(allowed)[column] for allowed, column in options], axis=1))
        self.asked.append(genotypes)
        values = self.benchmark.history(genotypes).values
        out |= {"F": values[:, 1:], "G": values[:, :1] - LIMIT} if self.single else {"F": values}


def plain_search(benchmark, name, budget, seed):
    """What pymoo alone asks for."""
    whole = {"vtype": float, "repair": RoundingRepair()}
    how = {"crossover": SBX(prob=0.9, eta=15, **whole), "mutation": PM(prob=1.0, prob_var=0.02, eta=20, **whole)}
    problem = Integers(benchmark, name in SINGLE)
    minimize(problem, PLAIN[name](how | {"sampling": IntegerRandomSampling()}), ("n_eval", budget), seed=seed)
    return benchmark.history(np.concatenate(problem.asked)[:budget])


def our_search(benchmark, name, budget, seed):
    """The same search by the toolkit."""
    latency, error = benchmark.objectives
    goals = (error, replace(latency, at_most=LIMIT)) if name in SINGLE else (latency, error)
    settings = {"aims": [AIM]} if name == "rnsga2" else {}
    history = optimize(benchmark.space, benchmark.evaluate, goals, name, budget, seed, progress=False, **settings)
    return benchmark.history(history.genotypes)


def scores(benchmark, name, history, counts):
    """Hypervolumes after counts of evaluations, or errors below 25 % within the limit of searches for one objective."""
    if name not in SINGLE:
        return [history[:n].hypervolume(benchmark.reference_point) for n in counts]
    latency, error = history.values.T
    return [25 - error[:n][latency[:n] <= LIMIT].min() for n in counts]


def known():
    """Scores of plain pymoo, kept: ``python tests/benchmark/positive_control.py`` makes them anew."""
    return json.loads(FILE.read_text())
