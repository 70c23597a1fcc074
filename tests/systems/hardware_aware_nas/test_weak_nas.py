"""What WeakNAS has, and when others have it, on the shipped table and on rows made by hand."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.systems.hardware_aware_nas.weak_nas import (
    FRONT,
    NETWORK,
    best_networks,
    evaluations_needed,
    search_benchmark,
    searches,
    try_out,
)

JOB = {"problem": "digits-mbv3-table", "data_folder": "", "search": "LINAS", "algorithm": "random", "budget": 4, "seed": 0}
WINDOW = {"at_least": 1.63, "at_most": 1.87}


@pytest.mark.filterwarnings("ignore:no measured sub-network")
def test_searches_have_their_problems_budgets_and_windows():
    how = {"n_seeds": 2, "data_folder": ""}
    asked = searches(["a", "b"], "LINAS", "linas", {"a": 5, "b": 6, "c": 7}, {}, {"a": [1.0, 2.0], "b": [3.0, 4.0]}, **how)
    assert [(job["problem"], job["budget"], job["seed"]) for job in asked] == [
        ("a", 5, 0),
        ("a", 5, 1),
        ("b", 6, 0),
        ("b", 6, 1),
    ]
    assert asked[2]["within"] == {"at_least": 3.0, "at_most": 4.0}
    assert searches(["a"], "LINAS", "linas", {"a": 5}, {}, **how)[0]["within"] == {}


def test_a_search_is_judged_whatever_its_bounds_are():
    rows = search_benchmark(**JOB, within=WINDOW, settings={})
    columns = ["evaluations", "hypervolume", "accuracy_top1", "mmacs", "genotype", "accuracy_test"]
    assert list(rows) == columns and len(rows) == 4 and len(rows.genotype[0]) > 1
    assert (rows.hypervolume.diff().dropna() >= 0).all() and rows.hypervolume.iloc[-1] > 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"settings": {"predictr": "ridge"}, "algorithm": "linas"}, "LINAS.*predictr.*predictor"),
        ({"algorithm": "ga"}, "ga.*mmacs"),
        ({"within": {"at_least": 190.0, "at_most": 200.0}}, "digits-mbv3-table.*none between 190.0 and 200.0"),
        ({"within": {"at_least": 1.9, "at_most": 1.6}}, "at least 1.9 and at most 1.6"),
    ],
)
def test_a_wrong_search_is_told_before_any_begins(wrong, words):
    job = {**JOB, "within": {}, "settings": {}} | wrong
    with pytest.raises(ValueError, match=words):
        try_out([job])


def made(search, seed, accuracies, mmacs):
    n = len(accuracies)
    columns = {"problem": "p", "search": search, "seed": seed, "evaluations": range(1, n + 1), "accuracy_top1": accuracies}
    return pd.DataFrame(columns | {"mmacs": mmacs, "hypervolume": np.maximum.accumulate(accuracies)})


ROWS = pd.concat(
    [
        made("LINAS", 0, [60.0, 80.0, 80.0], [5.0, 5.0, 3.0]),
        made(FRONT, 0, [50.0, 70.0, 90.0], [1.0, 1.0, 1.0]),
        made(NETWORK, 0, [80.0, 80.0, 85.0], [4.0, 3.0, 9.0]),
        made("LINAS, one", 0, [1.0, 2.0], [1.0, 1.0]),
    ],
    ignore_index=True,
)
LIMIT = pd.Series(5.0, ROWS.index)


def test_the_best_network_is_the_most_accurate_that_is_small_enough_and_of_equals_the_smallest():
    best = best_networks(ROWS, LIMIT).droplevel(["problem", "seed"])
    assert best.loc[NETWORK, ["accuracy_top1", "mmacs"]].tolist() == [80.0, 3.0]
    assert best.loc["LINAS", "evaluations"] == 3
    assert best_networks(ROWS, LIMIT * 0)["accuracy_top1"].isna().all()


def test_counts_are_to_what_weaknas_has_after_the_level():
    needed = evaluations_needed(ROWS, LIMIT, 2).set_index(["question", "search"])
    assert (needed.level == 2).all() and ("front", "LINAS, one") not in needed.index
    assert needed.loc["front"].evaluations.to_dict() == {"LINAS": 2, FRONT: 2}
    assert needed.loc["network"].evaluations.to_dict() == {"LINAS": 3, FRONT: 3, NETWORK: 2, "LINAS, one": np.inf}
    assert needed.loc[("network", "LINAS, one"), "budget"] == 2
    with pytest.raises(ValueError, match="no level after 4"):
        evaluations_needed(ROWS, LIMIT, 4)
