"""Predicted latencies, on a tiny family whose clock is made up."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.families import FAMILIES
from nastoolkit.latency import LookupTable, table_conditions
from nastoolkit.predictors import kendall_tau, mape, splits
from nastoolkit.systems.hardware_aware_nas.latencies import (
    COST,
    LAYERS,
    MACS,
    TABLE,
    TimedFamily,
    TwoClocks,
    equal_cost_scores,
    errors_saved,
    hat_networks,
    hat_scores,
    latencies_of,
    latency_scores,
    mean_taus,
    paper_taus,
    ranking_verdict,
    told_scores,
)


@pytest.fixture
def timed(tiny, monkeypatch, tmp_path):
    """A tiny family whose latencies are its MACs by both clocks, and a number of blocks by its tables."""

    def by_macs(self, genotypes):
        macs = self.family.macs(genotypes) / 1e4
        return np.column_stack([macs, macs + 0.5, np.full(len(macs), 0.25)])

    def made_up(family, n_contexts, **conditions):
        costs = dict.fromkeys(family.specs_within(family.space), 0.1)
        table = LookupTable.from_costs(family, costs, table_conditions(**conditions, n_contexts=n_contexts))
        table.reference_ms = 1.0
        return table

    monkeypatch.setattr(LookupTable, "measure", made_up)
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    monkeypatch.setattr(TwoClocks, "__call__", by_macs)
    return TimedFamily(family_name="tiny", hardware="torch 1 1", seconds=0.001, folder=str(tmp_path))


def test_one_clock_has_the_even_rounds_and_the_other_the_odd_ones(tiny, monkeypatch):
    rounds = [np.array(runs, float) for runs in ([1, 2], [10, 20], [3], [30])]
    monkeypatch.setattr(TwoClocks, "rounds", lambda self, genotypes: ([rounds, rounds[1:] + rounds[:1]], 5.0))
    found = TwoClocks(tiny)(np.array([tiny.space.smallest, tiny.space.largest]))
    assert found[:, :2].tolist() == [[2, 20], [20, 2]] and found[0, 2] == found[1, 2] >= 0


def test_measurements_and_tables_are_kept(timed, monkeypatch):
    history, table = timed.measured(6, 0), timed.table(1)
    assert table.conditions[COST] >= 0 and latencies_of(history).shape == (6,)
    argument = timed.as_argument(6, 0)

    def never(*_, **__):
        raise AssertionError("it is measured again")

    monkeypatch.setattr(TwoClocks, "__call__", never)
    monkeypatch.setattr(LookupTable, "measure", never)
    again = TimedFamily(**argument)
    np.testing.assert_array_equal(again.measured(6, 0).values, history.values)
    assert again.table(1).conditions[COST] == table.conditions[COST] and again.as_argument(6, 0) == argument


def test_a_table_is_held_against_what_its_seconds_buy(timed, monkeypatch):
    argument = timed.as_argument(6, 0)
    table = timed.table(1)
    table.conditions[COST] = 0.75  # as much as three sub-networks
    monkeypatch.setattr(TimedFamily, "table", lambda self, n_contexts: table)
    found = equal_cost_scores(argument, 6, 1, 2, ["ridge"], trial=1, seed=0)
    assert list(found.predictor) == ["ridge", TABLE] and set(found.n_train) == {3} and set(found.trial) == {1}
    assert set(found.cost_s) == {0.75} and set(found.hardware) == {"torch 1 1"}
    expected = latency_scores(argument, 6, [3], 2, ["ridge"], trial=1, seed=0)
    assert found.mape_percent[0] == expected.mape_percent[0]


def test_what_costs_no_measurement_is_scored_on_the_same_unseen_ones(timed):
    values, told = np.arange(1.0, 11.0), np.arange(10.0, 0.0, -1.0)
    (scores,) = told_scores(values, told, 4, 1, seed=5).to_dict("records")
    test, _ = splits(10, 4, 2, seed=5)[1]
    assert scores == {"trial": 1, "kendall_tau": -1.0, "mape_percent": mape(values[test], told[test])}
    found = latency_scores(timed.as_argument(6, 0), 6, [2, 3], 2, ["ridge"], trial=1, seed=0)
    assert list(found.n_train[found.predictor == MACS]) == [3]
    assert list(mean_taus(found, MACS)) == [1.0]  # its latencies are MACs


def test_equal_numbers_are_ranked_by_lot():
    values = np.arange(1.0, 101.0)
    few = np.repeat([1.0, 2.0], 50)  # half of all pairs are equal, which tau-b does not count
    taus = [told_scores(values, few, 100, trial, seed=0).kendall_tau[0] for trial in range(20)]
    assert kendall_tau(values, few) > 0.7 and np.mean(taus) == pytest.approx(50 / 99, abs=0.05)


def test_the_transformers_of_others(data_folder):
    scores = hat_scores("wmt14ende_cpu_xeon", str(data_folder), [20, 40], 30, ["ridge"], trial=0, seed=0)
    assert set(scores.family) == {"wmt14ende"} and set(scores.hardware) == {"cpu_xeon"}
    assert list(scores.n_train) == [20, 40, 40] and list(scores.predictor) == ["ridge", "ridge", LAYERS]
    assert mean_taus(scores, "ridge").tolist() == [scores.kendall_tau[1]]
    with pytest.raises(ValueError, match="2,100 Transformers .* has 2,000"):
        hat_networks("wmt14ende_cpu_xeon", str(data_folder), 2100)


def test_a_low_tau_says_nothing_where_the_clock_allows_no_higher_one():
    taus = {"ridge": [0.9, 0.91, 0.92, 0.9, 0.91, 0.92], MACS: [0.8] * 6}
    rows = [(trial, name, 10, tau) for name, values in taus.items() for trial, tau in enumerate(values)]
    scores = pd.DataFrame(rows, columns=["trial", "predictor", "n_train", "kendall_tau"])
    words = [ranking_verdict(scores, MACS, [0.98, 0.98], ceiling).word for ceiling in (1.0, 0.97)]
    assert words == ["weaker but there", "inconclusive"] and ranking_verdict(scores, MACS, []).word == "agrees"


def test_the_papers_numbers_are_those_of_the_kind():
    assert paper_taus("digits-mbv3", on_gpu=False) == [0.9821, 0.9826]
    assert paper_taus("digits-resnet50", on_gpu=True) == [0.8675, 0.8637] and paper_taus("bert", on_gpu=True) == []


def test_the_best_predictor_is_chosen_by_its_mean():
    errors = {"ridge": [3.0, 1.0], "svr": [2.0, 4.0], TABLE: [1.0, 1.5]}
    rows = [("f", "h", t, name, values[t]) for name, values in errors.items() for t in (0, 1)]
    scores = pd.DataFrame(rows, columns=["family", "hardware", "trial", "predictor", "mape_percent"])
    assert errors_saved(scores).tolist() == [2.0, -0.5]
