"""How rows of jobs become accuracies of picks and correlations."""

import pandas as pd
import pytest

from nastoolkit.systems.darts_pt.scoring import ALPHA, LARGEST, PERTURBATION, RANDOM, agreements, growth, marginals, scored

TRUTH = pd.Series({"00": 10.0, "01": 30.0, "10": 20.0, "11": 60.0})
TRUTHS = {"S4": TRUTH}
OPERATIONS = pd.DataFrame({"edge": ["a", "a", "b", "b"], "option": [0.0, 1.0, 0.0, 1.0]})


def test_picks_have_their_true_accuracies_beside_those_that_need_no_supernet():
    found = pd.DataFrame({"space": "S4", "seed": 3, "arm": ["PT", None], "cell": ["01", None]})
    rows = scored(found, TRUTHS).set_index("arm")
    assert rows.accuracy.to_dict() == {"PT": 30, RANDOM: 30, LARGEST: 60}
    assert rows["first option"].to_dict() == {"PT": 1, RANDOM: 1, LARGEST: 0}


def test_the_truth_of_an_operation_is_the_mean_of_all_cells_that_have_it():
    assert marginals(OPERATIONS, TRUTH).tolist() == [20, 40, 15, 45]


def test_agreements_are_of_alphas_and_of_drops_and_none_where_nothing_is_ranked():
    found = OPERATIONS.assign(space="S4", seed=0, share=0.5, drop=[2.0, 3.0, 1.0, 4.0], discretised=[3.0, 2.0, 4.0, 1.0])
    rows = agreements(found, TRUTHS).set_index("arm")
    assert rows.loc[PERTURBATION, ["discretised", "truth"]].tolist() == pytest.approx([-1, 1])
    assert rows.loc[ALPHA, ["discretised", "truth"]].tolist() == [0, 0]


def test_growth_is_the_correlation_on_the_way():
    found = pd.DataFrame(
        {"space": "S2", "seed": [0, 0, 0, 1, 1, 1], "gap": [1.0, 2, 3, 3, 2, 1], "accuracy": [10.0, 20, 40] * 2}
    )
    assert growth(found)["S2"].round(6).to_dict() == {0: 1, 1: -1}
