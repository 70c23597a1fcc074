"""Evaluations that LINAS saves, on rows made by hand, a few measured sub-networks and the shipped table."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.systems.hardware_aware_nas.savings import (
    LEVELS,
    LITERAL,
    evaluations_needed,
    level_shares,
    paper_ratio,
    search_published,
)


def made(search, volumes):
    frame = pd.DataFrame({"problem": "p", "search": search, "seed": 0, "hypervolume": volumes})
    costs = {"costs": [[-80.0 - volume, 1.0] for volume in volumes], "reference_costs": [[-80.0, 2.0]] * len(volumes)}
    return frame.assign(evaluations=range(1, len(frame) + 1), **costs)


ROWS = pd.concat([made("linas", [1.0, 4.0]), made("nsga2", [1.0, 2.0, 3.0]), made("random", [0.0, 5.0])], ignore_index=True)


def test_levels_are_those_of_the_same_seed():
    first, second = LEVELS
    needed = evaluations_needed(ROWS).set_index(["level", "search"])
    assert needed.loc[first].evaluations.to_dict() == {"linas": np.inf, "nsga2": np.inf, "random": 2}
    assert needed.loc[second].evaluations.to_dict() == {"linas": 2, "nsga2": 3, "random": 2}


def test_levels_are_shares_of_all_that_was_measured():
    assert level_shares(ROWS).tolist() == pytest.approx([1.0, 0.6])


def test_the_papers_ratios_are_by_kind():
    first, second = LEVELS
    assert paper_ratio("digits-mbv3", first) == 2.6 and paper_ratio("number-words-transformer", second) == 1.29
    assert paper_ratio("nas-bench-201", first) is None


def test_a_published_problem_is_searched_with_its_own_reference():
    rows = search_published("digits-mbv3-table", "", "random", 3, 0, {"population": 3})
    assert list(rows.evaluations) == [1, 2, 3] and rows.reference_costs.tolist() == [[-80.0, 3.0]] * 3
    assert rows.test_hypervolume.nunique() == 1 and rows.test_hypervolume[0] not in (0, rows.hypervolume.max())


def test_linas_as_printed_is_another_search_than_ours():
    printed, ours = (search_published("digits-mbv3-table", "", name, 9, 0, {"population": 3}) for name in (LITERAL, "linas"))
    assert len(printed) == len(ours) == 9
    assert not printed.hypervolume.equals(ours.hypervolume)
