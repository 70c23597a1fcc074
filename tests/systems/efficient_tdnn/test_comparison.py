import numpy as np
import pandas as pd
import pytest

from nastoolkit.systems.efficient_tdnn import comparison
from nastoolkit.systems.efficient_tdnn.comparison import AUTHORS

SPEECH, LIMITS = "efficient-tdnn-v100", [10.0, 15.0]


@pytest.fixture(scope="module")
def folder(data_folder):
    return str(data_folder)


@pytest.fixture(scope="module")
def found(folder):
    theirs = comparison.searches_within_limits(SPEECH, 0, LIMITS, population=10, generations=6, data_folder=folder)
    ours = comparison.front_search(SPEECH, "random", 200, 0, LIMITS, {}, folder)
    return pd.concat([theirs.assign(search=AUTHORS), ours.assign(search="random")], ignore_index=True).assign(seed=0)


def test_searches_take_turns_and_count_each_network_once(found):
    theirs = found[found.search == AUTHORS]
    assert theirs.evaluations.max() < theirs.with_repeats.iloc[0] == 2 * 10 * 6
    assert theirs.hypervolume.dropna().is_monotonic_increasing and theirs.limit.dropna().tolist() == LIMITS
    errors = theirs.error.dropna().to_numpy()
    assert errors[1] < errors[0] < 5.1


def test_other_benchmarks_will_do():
    limits = [1.0, 2.0]
    rows = comparison.searches_within_limits("digits-mbv3-table", 0, limits, population=6, generations=3)
    assert rows.with_repeats.iloc[0] == 36 and rows.error.dropna().min() < -50  # accuracies, with a minus
    front = comparison.whole_front(comparison.front_of_part("digits-mbv3-table", {}))
    table = comparison.problem_of("digits-mbv3-table")
    assert len(front) == len(np.unique(table.front.costs, axis=0))


def test_a_limit_is_not_kept_by_what_is_at_it():
    values = np.array([[2.0, 10.0], [3.0, 9.0]])
    assert comparison.least_error(values, 10.0) == 3.0 and comparison.least_error(values, 10.1) == 2.0
    assert comparison.least_error(values, 9.0) == np.inf


def test_evaluations_to_a_hypervolume_are_censored(found):
    ends = comparison.final_hypervolumes(found, "random")
    assert comparison.evaluations_to(found, "random", ends).high[0] <= 200
    never = comparison.evaluations_to(found, "random", ends + 1)
    assert not never.known[0] and never.low[0] == 200
    table = comparison.needed(found, {"end": ends})
    assert table.loc["random", "end"].startswith("reached in 1 of 1")


def test_the_front_of_a_part_is_that_of_all_its_networks(folder):
    problem = comparison.problem_of(SPEECH, folder)
    rows = comparison.front_of_part(SPEECH, {"depth": 2, "layer1.width": 128}, folder)
    sampled = problem.space.restrict({"depth": [2], "layer1.width": [128]}).sample(500, np.random.default_rng(0))
    values = problem.history(sampled).values
    assert rows.n_networks.iloc[0] == 15**2 * 3 * 5
    for error, latency in values:
        assert ((rows.error <= error + 1e-9) & (rows.cost <= latency + 1e-9)).any()


def test_the_whole_front_has_no_point_of_a_part_that_another_one_beats():
    parts = pd.DataFrame({"error": [2.0, 1.0, 1.5, 2.5], "cost": [1.0, 3.0, 3.5, 1.0]})
    assert comparison.whole_front(parts).to_numpy().tolist() == [[2.0, 1.0], [1.0, 3.0]]


def test_a_gain_is_the_mean_of_the_limits_that_both_keep():
    rows = [(0, 8.0, "a", np.inf), (0, 9.0, "a", 2.0), (0, 10.0, "a", 1.0), (0, 8.0, "b", 3.0), (0, 9.0, "b", 2.5)]
    found = pd.DataFrame([*rows, (0, 10.0, "b", 2.5)], columns=["seed", "limit", "search", "error"])
    assert comparison.gains(found, "a", "b").tolist() == [1.0]


def test_what_is_missing_falls_to_what_a_search_lacks_in_the_end(found):
    lacks = comparison.missing(found, best=100.0, n=5)
    ours = lacks[lacks.search == "random"]
    end = comparison.final_hypervolumes(found, "random")[0]
    assert ours.evaluations.tolist() == sorted(ours.evaluations) and ours.missing.iloc[-1] == pytest.approx(100 - end)


def test_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="nastoolkit fetch efficienttdnn"):
        comparison.front_of_part(SPEECH, {"depth": 2}, str(tmp_path))
