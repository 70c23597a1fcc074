import re

import pytest

from nastoolkit.studies.parameters import check_injected, check_parameters, declared_rules

VALUES = {
    "families": ["mbv3", "resnet"],
    "tasks": ["digits", "words"],
    "trained_on": {"mbv3": "digits"},
    "algorithm": "linas",
    "n_seeds": 5,
    "share": 0.5,
    "budgets": {"linas": [100, 200], "random": 400},
    "sizes": [5, 10],
    "n_train": 10,
    "note": "",
}
REGISTRIES = {"FAMILIES": {"mbv3": 1, "resnet": 2}, "TASKS": ("digits", "words"), "ALGORITHMS": {"linas": 1, "random": 2}}
RULES = {
    "families": "keys of FAMILIES, not empty",
    "tasks": "keys of TASKS, as many as families",
    "trained_on": "keys of FAMILIES, values of TASKS",
    "algorithm": "key of budgets",
    "n_seeds": "from 5",
    "n_train": "key of sizes",
    "share": "above 0, to 0.5",
    "budgets": "keys of ALGORITHMS, from 100, below 401",
}


def test_what_fits_its_rules_is_taken():
    check_parameters(VALUES, RULES, REGISTRIES)
    check_parameters({"n": 1}, {})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"families": []}, "families: needs at least one\ntasks: needs one for each of families, []; got ['digits', 'words']"),
        ({"families": ["mbv3", "vit"]}, "families: there is no 'vit'; known: mbv3, resnet"),
        ({"tasks": ["digits"]}, "tasks: needs one for each of families, ['mbv3', 'resnet']; got ['digits']"),
        (
            {"trained_on": {"vit": "sums"}},
            "trained_on: there is no 'vit'; known: mbv3, resnet\ntrained_on: there is no 'sums'; known: digits, words",
        ),
        ({"algorithm": "lina"}, "algorithm: there is no 'lina', did you mean 'linas'?; known: linas, random"),
        ({"budgets": {"random": 400}}, "algorithm: there is no 'linas'; known: random"),
        ({"n_train": 6}, "n_train: there is no 6; known: 5, 10"),
        ({"n_seeds": 4}, "n_seeds: must be at least 5, got 4"),
        ({"n_seeds": True}, "n_seeds: must be at least 5, got True"),
        ({"n_seeds": "5"}, "n_seeds: must be at least 5, got '5'"),
        ({"n_seeds": float("nan")}, "n_seeds: must be at least 5, got nan"),
        ({"share": 0.0}, "share: must be above 0, got 0.0"),
        ({"share": 0.6}, "share: must be at most 0.5, got 0.6"),
        ({"budgets": {"linas": [100, 99]}}, "budgets: must be at least 100, got {'linas': [100, 99]}"),
        ({"budgets": {"linas": 401}}, "budgets: must be below 401, got {'linas': 401}"),
        ({"n_seeds": 1, "share": 1.0}, "n_seeds: must be at least 5, got 1\nshare: must be at most 0.5, got 1.0"),
    ],
)
def test_everything_that_does_not_fit_is_told_at_once(changed, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_parameters(VALUES | changed, RULES, REGISTRIES)


@pytest.mark.parametrize("rule", ["", "at least 2", "keys of TASK", "as many as family", "from", "from 2,", "non empty"])
def test_a_rule_that_is_none_is_told(rule):
    with pytest.raises(
        ValueError, match=re.escape("known: from N, above N") + ".* among FAMILIES, TASKS, .*, families, tasks"
    ):
        check_parameters(VALUES, {"n_seeds": rule}, REGISTRIES)


def test_a_rule_for_no_parameter_is_told():
    with pytest.raises(ValueError, match="there are rules for n_seed; the parameters are families, .*, n_seeds"):
        check_parameters(VALUES, {"n_seed": "from 1"})


def test_rules_stand_in_brackets_at_the_end_of_a_comment():
    cell = """
n_seeds: int = 5  # seeds of every search [from 2]
names: list[str] = ["a"]  # names [a part], as they are [keys of FAMILIES, not empty]
free: dict[str, int] = {}  # of a type in brackets: dict[str, int], and so on
long: list[int] = [
    1,  # not this [one]
]  # numbers [above 0]
other = 1  # declared without a type [from 1]
"""
    assert declared_rules(cell) == {"n_seeds": "from 2", "names": "keys of FAMILIES, not empty", "long": "above 0"}


def test_a_comment_goes_on_in_indented_lines_below():
    cell = """
n_seeds: int = 5  # seeds of every search,
                  # and of trainings [from 2]
free: int = 1  # no rule
budgets: dict[str, int] = {"nsga2": 100}
    # evaluations [keys of ALGORITHMS,
    # from 10]
last: int = 1
# a remark on what follows [from 3]
"""
    assert declared_rules(cell) == {"n_seeds": "from 2", "budgets": "keys of ALGORITHMS, from 10"}


DECLARED = "n_seeds: int = 5  # seeds [from 2]\nbudget: int = 60"


@pytest.mark.parametrize(
    "injected", ["# Parameters\nbudget = 3\n", "# Parameters\n", "bugdet = 3", "# Parameters\n%bugdet = 3"]
)
def test_what_papermill_injects_may_be_what_is_declared(injected):
    check_injected(["", "%matplotlib inline", DECLARED, injected, "x = 1"])


def test_a_misspelt_parameter_of_papermill_is_told():
    told = "there is no parameter bugdet, n_sedes, did you mean 'budget'?; there are: n_seeds, budget"
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        check_injected(["", DECLARED, "# Parameters\nn_seeds = 2\nbugdet = 3\nn_sedes = [1]\n", "out = 1"])
