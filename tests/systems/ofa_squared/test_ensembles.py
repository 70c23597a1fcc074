"""Ensembles of stored answers, held against a plain vote; and the job that finds those of a front."""

import numpy as np
import pytest

from nastoolkit import pareto
from nastoolkit.answers import Answers
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.systems.ofa_squared.ensembles import ENSEMBLES, SINGLE, Ensembles, ensembles_of_front, volumes


@pytest.mark.parametrize("parallel", [False, True])
def test_a_subset_of_networks_votes(parallel):
    rng = np.random.default_rng(0)
    known = Answers(rng.dirichlet(np.ones(3), (6, 60)), rng.integers(3, size=60), np.linspace(1.0, 10.0, 6))
    ensembles = Ensembles(known, parallel)
    genotypes = np.concatenate([ensembles.space.sample(50, np.random.default_rng(0)), np.eye(6, dtype=int)])
    for members, values in zip(genotypes.astype(bool), ensembles.evaluate(genotypes), strict=True):
        right = known.probabilities[members].sum(axis=0).argmax(axis=1) == known.targets
        assert values[0] == pytest.approx(100 * right.mean() if members.sum() > 1 else 0)
        assert values[1] == pytest.approx(known.costs[members].max(initial=0) if parallel else known.costs[members].sum())


def test_a_job_finds_a_front_and_its_ensembles_on_other_images_than_it_reports(problem):
    numbers = {"budget": 6, "population": 3, "n_networks": 3, "n_ensembles": 8, "ensemble_population": 4}
    found = ensembles_of_front(problem, "MACs", 0, ensemble_search="nsga2", **numbers).assign(seed=0)
    assert set(found.networks) == {SINGLE, *ENSEMBLES} and set(found.search) == {"default", "nsga2", "random"}
    given, single = SupernetProblem(**problem), found[found.networks == SINGLE]
    front = given.search("MACs", "default", 6, 0, population=3).front().spread(3)
    assert single.accuracy_top1.to_numpy() == pytest.approx(given.accuracy("test")(front.genotypes)[:, 0])
    assert single.cost_of_all.tolist() == front.values[:, 1].tolist()
    dearest = single.cost_of_all.max()
    assert (found[found.networks == "ensembles, side by side"].cost_of_all <= dearest).all()
    (row,) = volumes(found, "nsga2").reset_index().to_dict("records")
    points = np.stack([-single.accuracy_top1, single.cost_of_all], axis=1)
    assert row[SINGLE] == pareto.hypervolume(points, (-single.accuracy_top1.min(), dearest))
    assert row.keys() > {*ENSEMBLES, *(f"{kind}, random" for kind in ENSEMBLES)}


def test_a_front_of_one_network_has_no_ensembles(problem):
    numbers = {"budget": 3, "population": 3, "n_networks": 1, "n_ensembles": 2, "ensemble_population": 2}
    found = ensembles_of_front(problem, "MACs", 0, ensemble_search="nsga2", **numbers).assign(seed=0)
    assert set(found.networks) == {SINGLE} and volumes(found, "nsga2")[[*ENSEMBLES]].to_numpy().tolist() == [[0.0, 0.0]]
