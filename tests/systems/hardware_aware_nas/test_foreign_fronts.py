from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from nastoolkit.systems.hardware_aware_nas import foreign_fronts
from nastoolkit.systems.hardware_aware_nas.foreign_fronts import (
    RANDOM,
    Study,
    agreement,
    between_seeds,
    hypervolumes,
    loss_between,
    losses,
    mean_loss,
    over_seeds,
)

ROWS = [("a", "a", 0, 10.0), ("a", "b", 0, 9.0), ("b", "a", 0, 5.0), ("b", "b", 0, 10.0), (RANDOM, "a", 0, 1.0)]
ROWS += [("a", "a", 1, 20.0), ("a", "b", 1, 19.0), ("b", "a", 1, 18.0), ("b", "b", 1, 20.0), (RANDOM, "a", 1, 1.0)]
VOLUMES = pd.DataFrame(ROWS, columns=["found_for", "judged_on", "seed", "hypervolume"])


class ToySettings:
    """Two kinds of hardware of a problem without networks, each with a second measurement that is a tenth higher."""

    tables, reference_quality = ["old", "new"], 0.0

    def __init__(self, toy):
        self.toy, self.space, self.quality = toy, toy.space, toy.quality

    def latency(self, name, use, genotypes):
        return (1.1 if use == "judge" else 1.0) * self.toy.cost(name).exact(genotypes)

    def search(self, name, algorithm, budget, population, seed):
        return self.toy.search(name, algorithm, budget, seed, population=population)

    def tested(self, front):
        return self.toy.judged([front])[0].values[:, 0]


@pytest.fixture
def study(toy, monkeypatch):
    monkeypatch.setattr(foreign_fronts, "hardware_from", lambda argument: ToySettings(toy))
    return Study(hardware={}, names=["old", "new"], algorithm="nsga2", budget=20, population=5)


def test_a_front_is_judged_by_what_it_was_not_searched_by(study):
    fronts, found = study.fronts("old", seed=0), study.made.search("old", "nsga2", 20, 5, 0).front()
    assert list(fronts) == ["old", "new"]
    assert fronts["new"].genotypes.tolist() == found.genotypes.tolist()
    assert fronts["new"].values[:, 0].tolist() == (found.values[:, 0] - 1).tolist()
    largest = study.made.space.largest
    new = study.made.toy.cost("new").exact
    np.testing.assert_allclose(fronts["new"].values[:, 1], new(found.genotypes) / new(largest[None]))


def test_random_search_is_judged_where_it_searched(study):
    fronts = study.fronts(RANDOM, seed=0)
    old = study.made.search("old", "random", 20, 5, 0).front()
    assert fronts["old"].genotypes.tolist() == old.genotypes.tolist()
    rows = hypervolumes(asdict(study), "MACs", seed=0)
    assert [row["judged_on"] for row in rows] == ["old", "new"] and all(row["hypervolume"] > 0 for row in rows)


def test_hardware_agrees_with_themselves(study):
    taus = agreement(study.made)
    assert list(taus.index) == ["old", "new", "MACs"] and list(taus) == ["old", "new"]
    assert taus.loc["old", "old"] == pytest.approx(1) and taus.loc["old", "new"] < 0.5


def test_losses_are_against_the_own_front_of_the_same_seed():
    lost = losses(VOLUMES)
    assert lost.lost_percent.tolist() == pytest.approx([0, 10, 50, 0, 90, 0, 5, 10, 0, 95])
    assert mean_loss(lost).tolist() == pytest.approx([30, 7.5])
    assert loss_between(lost, "b", "a").tolist() == pytest.approx([50, 10])
    cells = over_seeds(lost).set_index(["found_for", "judged_on"])
    assert cells.loc[("b", "a"), "mean"] == pytest.approx(30) and cells.loc[("a", "a"), "half_width"] == 0


def test_two_seeds_differ_by_either_share():
    assert between_seeds(VOLUMES).to_dict() == pytest.approx({"a": 75, "b": 75})
