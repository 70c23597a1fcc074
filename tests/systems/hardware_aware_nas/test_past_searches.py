from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from nastoolkit.benchmarks.race import Curves
from nastoolkit.systems.hardware_aware_nas import past_searches
from nastoolkit.systems.hardware_aware_nas.past_searches import (
    LONG,
    LOT,
    POPDB,
    WARM,
    WHOLE,
    PastSearch,
    against_paper,
    by_lot,
    clustered,
    gains,
    hypervolumes,
    over_seeds,
    reduction,
    trials,
)

NUMBERS = {"past_budget": 100, "budget": 10, "long_budget": 40, "population": 5, "threshold": 0.2}
NUMBERS |= {"min_cluster_size": 4, "min_samples": 1}
HARDWARE = {"past_algorithm": "nsga2", "algorithm": "spea2", "predictor": "ridge", "reference_point": (0.0, 30.0)}
OPTIONS = {"kernel0": [3, 5], "kernel1": [7]}


@pytest.fixture
def study(toy, tmp_path):
    toy.folder = str(tmp_path)
    return PastSearch(problem={}, platforms=["old", "new"], n_past=0, **NUMBERS, **HARDWARE)


def test_a_past_search_goes_by_predictions_if_few_were_measured(study):
    by_values = study.past(0)
    predicted = PastSearch(**{**asdict(study), "n_past": 30}).past(0)
    assert len(by_values) == len(predicted) == 100
    truth = study.made.accuracy(predicted.genotypes)[:, 0]
    assert (predicted.values[:, 0] != truth).any() and np.corrcoef(predicted.values[:, 0], truth)[0, 1] > 0.9


def test_a_job_tells_where_the_past_search_crowds(study, monkeypatch):
    labels = np.array([0] * 3 + [-1] * 96 + [1])
    monkeypatch.setattr(past_searches, "clusters", lambda past, *sizes, by: labels if by == "objectives" else None)
    (row,) = clustered(asdict(study), seed=0)
    assert row["labels"] == labels.tolist() and set(row["options"]) == set(study.made.space.names)
    used = study.made.space.restrict(row["options"]).allowed
    genes = study.past(0).genotypes[labels >= 0]
    assert [set(kept) for kept in used] == [set(column) for column in genes.T.tolist()]
    found = reduction(study.made.space, pd.DataFrame([{"seed": 0, **row}])).set_index("how")
    smaller = study.made.space.restrict(row["options"])
    assert found.loc[POPDB, "left"] == smaller.size
    assert found.loc[POPDB, "orders"] == pytest.approx(np.log10(3**6 / smaller.size))
    assert found.loc[POPDB, "kernel"] == sum(len(options) < 3 for options in row["options"].values())


def test_the_searches_on_the_other_platform(study):
    found = study.searches(OPTIONS, past_seed=1, seed=2)
    assert list(found) == [WHOLE, POPDB, LOT, WARM, WHOLE + LONG, POPDB + LONG]
    smaller = study.made.space.restrict(OPTIONS)
    assert found[POPDB].space.allowed == found[POPDB + LONG].space.allowed == smaller.allowed
    assert [len(options) for options in found[LOT].space.allowed] == [2, 1, 3, 3, 3, 3]
    assert found[WARM].genotypes[:5].tolist() == study.past(1).best(5).genotypes.tolist()
    assert len(found[POPDB]) == 10 and len(found[POPDB + LONG]) == 40
    rows = hypervolumes(asdict(study), OPTIONS, past_seed=1, seed=2)
    assert {row["search"]: len(row["hypervolume"]) for row in rows} == {name: len(one) for name, one in found.items()}
    short = PastSearch(**{**asdict(study), "long_budget": 0})
    assert list(short.searches(OPTIONS, past_seed=1, seed=2)) == [WHOLE, POPDB, LOT, WARM]


def test_trials_take_the_past_searches_in_turn():
    pasts = pd.DataFrame({"seed": [0, 1], "options": [{"a": [1]}, {"a": [2]}]})
    found = trials({"b": 3}, pasts, 3)
    assert [(one["past_seed"], one["seed"], one["options"]["a"]) for one in found] == [(0, 0, [1]), (1, 1, [2]), (0, 2, [1])]
    assert all(one["study"] == {"b": 3} for one in found)


def test_what_the_paper_counts():
    reduced = pd.DataFrame({"orders": [5.0, 6.0], "kernel": [12, 13], "width": [8, 9], "depth": [1, 0]})
    found = {name: (ours.tolist(), paper) for name, (ours, paper) in against_paper(reduced).items()}
    assert found == {
        ("Section 5.3", "the space shrinks (orders of magnitude)"): ([5, 6], 4),
        ("Fig 4", "kernel choices lose options (how many of 20)"): ([12, 13], 16),
        ("Fig 4", "width choices lose options (how many of 20)"): ([8, 9], 5),
        ("Fig 4", "depth choices keep all options (how many of 5)"): ([4, 5], 5),
    }


def test_a_lot_is_drawn_from_what_a_restricted_space_allows(toy):
    part = toy.space.restrict({"kernel0": [3, 7]})
    drawn = [by_lot(part, part.restrict({"kernel0": [3]}), seed).allowed[0] for seed in range(20)]
    assert set(drawn) == {(0,), (2,)}


def test_gains_are_in_percent_of_the_whole_space_of_the_same_seed():
    whole, better = np.array([[1.0, 1, 2, 4], [1, 3, 4, 5]]), np.array([[2.0, 2, 2, 4], [1, 3, 4, 10]])
    gained = gains({WHOLE: Curves(whole), POPDB: Curves(better)})
    assert gained.early.tolist() == [25, 0] and gained.end.tolist() == [0, 100]
    means = over_seeds(gained)
    assert means["mean"].tolist() == [12.5, 50] and (means.low < means["mean"]).all()


def test_clusters_need_as_many_past_evaluations(study):
    with pytest.raises(ValueError, match="clusters of 200 need as many past evaluations, got 100"):
        PastSearch(**{**asdict(study), "min_cluster_size": 200})
    with pytest.raises(ValueError, match="two are needed"):
        PastSearch(**{**asdict(study), "platforms": ["old"]})
