import sys

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.search.optuna_tpe import OptunaTPE
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

SPACE = SearchSpace([Choice(f"c{i}", (1, 2, 3)) for i in range(8)] + [Choice("extra", (1, 2, 3), when=("c0", (3,)))]).restrict(
    {"c1": (1, 3)}
)
OBJECTIVES = [Objective("f0", "max"), Objective("f1", "min", at_most=99.0)]


def values(genotypes):
    return np.stack([genotypes @ np.arange(9), (genotypes**2) @ np.arange(9)[::-1]], axis=1).astype(float)


@pytest.mark.parametrize("name", ["optuna_nsga2", "optuna_tpe"])
def test_it_gains_on_chance(name):
    found, drawn = (
        optimize(SPACE, lambda g: values(g)[:, 0], OBJECTIVES[:1], algorithm, 120, population=20, progress=False)
        for algorithm in (name, "random")
    )
    assert np.sort(found.values[:, 0])[-20:].mean() > np.sort(drawn.values[:, 0])[-20:].mean()


def test_a_trial_has_the_live_choices_with_their_costs_and_violations():
    search = OptunaTPE(SPACE, OBJECTIVES, population=4)
    known = SPACE.sample(3, np.random.default_rng(0))
    told = np.concatenate([known, search.ask()])
    search.tell(told, values(told))
    trials = search._study.get_trials()
    assert len(trials) == 7
    for trial in trials:
        genotype = np.zeros(9, dtype=int)
        genotype[[SPACE.names.index(name) for name in trial.params]] = list(trial.params.values())
        (row,) = values(genotype[None])
        assert trial.values == [-row[0], row[1]] and ("extra" in trial.params) == (genotype[0] == 2)
        assert trial.constraints == {"violation": pytest.approx(max(0, row[1] - 99) / 99)}


def test_without_optuna_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"pip install 'nastoolkit\[optuna\]'"):
        ALGORITHMS["optuna_tpe"](SPACE, OBJECTIVES)
