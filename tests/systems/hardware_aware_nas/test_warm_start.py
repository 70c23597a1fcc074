from dataclasses import asdict

import numpy as np
import pytest

from nastoolkit.benchmarks.race import Curves
from nastoolkit.systems.hardware_aware_nas.warm_start import (
    NO_SEARCH,
    SCRATCH,
    WARM,
    WARM_MACS,
    WarmStart,
    caught_up,
    evaluations_saved,
    hypervolumes,
)

HARDWARE = {
    "source": "old",
    "target": "new",
    "algorithm": "nsga2",
    "budget": 30,
    "population": 5,
    "reference_point": (0.0, 30.0),
}


@pytest.fixture
def warm_start(toy):
    return WarmStart(problem={}, **HARDWARE)


def test_a_warm_start_begins_with_the_best_of_the_finished_search(warm_start):
    searches, finished = warm_start.searches(seed=3), warm_start.search("old", 3)
    assert list(searches) == [SCRATCH, WARM, WARM_MACS, NO_SEARCH]
    assert searches[WARM].genotypes[:5].tolist() == finished.best(5).genotypes.tolist()
    assert searches[SCRATCH].genotypes[:5].tolist() == finished.genotypes[:5].tolist()  # of the same seed


def test_no_search_ranks_what_is_known_by_the_new_cost(warm_start):
    known, finished = warm_start.searches(seed=0)[NO_SEARCH], warm_start.search("old", 0)
    assert known.genotypes.tolist() == finished.genotypes.tolist()
    assert (known.values[:, 0] == finished.values[:, 0]).all()
    assert known.values[:, 1].tolist() == warm_start.made.cost("new").exact(known.genotypes).tolist()


def test_a_job_judges_every_search(warm_start):
    rows = {row["search"]: row["hypervolume"] for row in hypervolumes(asdict(warm_start), seed=0)}
    history = warm_start.searches(seed=0)[WARM]
    assert len(rows[WARM]) == 30
    assert rows[WARM][-1] == pytest.approx(warm_start.made.judged([history])[0].hypervolume((0.0, 30.0)))


def test_the_best_known_front_is_of_all_searches_or_of_a_long_one(warm_start):
    of_all = warm_start.best_known(2).hypervolume((0.0, 30.0))
    single = [history.hypervolume((0.0, 30.0)) for seed in range(2) for history in warm_start.searches(seed).values()]
    assert of_all >= max(single)
    assert warm_start.best_known(2, budget=300).hypervolume((0.0, 30.0)) >= of_all


def test_controls_are_other_searches_from_scratch(toy):
    given = WarmStart(problem={}, **HARDWARE, controls=["random"])
    searches = given.searches(seed=1)
    assert list(searches) == [SCRATCH, WARM, WARM_MACS, NO_SEARCH, "random"]
    assert searches["random"].genotypes.tolist() == toy.search("new", "random", 30, 1, population=5).genotypes.tolist()


def test_a_search_catches_up_with_the_early_lead():
    curves = {SCRATCH: [[0.0, 2, 9], [0, 2, 12]], WARM: [[5.0, 6, 10], [5, 6, 10]], "random": [[0.0, 2, 2], [0, 2, 6]]}
    runs = {name: Curves(np.array(curve)) for name, curve in curves.items()}
    assert caught_up(runs, SCRATCH, 2).tolist() == [75, 150]
    assert caught_up(runs, "random", 2).tolist() == [-100, 0]
    assert caught_up(runs, SCRATCH, 1).tolist() == [80, 140]


def test_one_setting_is_no_other_one(toy):
    with pytest.raises(ValueError, match="both 'new'"):
        WarmStart(problem={}, **{**HARDWARE, "source": "new"})


def test_what_is_never_reached_is_not_counted_as_none():
    never, soon = np.zeros(4), np.array([0.0, 5, 5, 5])
    curves = {SCRATCH: np.array([0.0, 0, 0, 4]), WARM: soon, WARM_MACS: never, NO_SEARCH: soon}
    table = evaluations_saved({name: Curves(np.tile(curve, (3, 1))) for name, curve in curves.items()}, budget=4)
    assert table.loc[WARM, "times fewer"] == "reached in 3 of 3, median ratio 2"
    assert table.loc[WARM, "with the finished search"] == "reached in 3 of 3, median ratio 0.667"
    assert table.loc[WARM_MACS, "evaluations"] == "reached in 0 of 3, all above 4"
    assert table.loc[NO_SEARCH, "evaluations"] == "none"
