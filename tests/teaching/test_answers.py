import math

import numpy as np
import pytest

from nastoolkit.teaching import answers
from nastoolkit.teaching.answers import Expected, check, hashes, is_right, plain


@pytest.fixture
def known(monkeypatch):
    """Three exercises: a number within 0.1, another whose answer depends on the data, and a text."""
    entries = {
        "01.1": Expected(hashes("01.1", 2.36, 0.1)[:1], 0.1),
        "01.2": Expected([hashes("01.2", value, 0.1)[0] for value in (1.0, 9.0)], 0.1),
        "01.3": Expected(hashes("01.3", "warm start", None)),
    }
    monkeypatch.setattr(answers, "known_answers", lambda: entries)


@pytest.mark.parametrize("answer", [2.36, 2.26, 2.46, np.float64(2.4), np.array(2.4), np.array([2.4])])
def test_an_answer_within_the_tolerance_is_right(known, answer, capsys):
    check("01.1", answer)
    assert capsys.readouterr().out.endswith(" is right\n")


@pytest.mark.parametrize("answer", [2.16, 2.56, 0, -2.36, 1e300, math.nan, math.inf, -math.inf])
def test_one_that_is_two_tolerances_away_is_not(known, answer, capsys):
    check("01.1", answer)
    assert capsys.readouterr().out == f"01.1: {float(answer)!r} is not right yet\n"


def test_no_answer_within_the_tolerance_is_refused_wherever_the_true_one_lies(rng=np.random.default_rng(0)):  # noqa: B008
    for true in rng.normal(0, 10, 300):
        (kept, *_), near = hashes("x", true, 0.1), true + rng.uniform(-0.0999, 0.0999)
        assert kept in hashes("x", near, 0.1) and kept not in hashes("x", true + 0.2, 0.1)


def test_where_answers_depend_on_the_data_each_is_right(known):
    assert is_right("01.2", 1.0) and is_right("01.2", 9.0) and not is_right("01.2", 5.0)


@pytest.mark.parametrize(("answer", "right"), [("Warm start", True), ("warm-start.", True), ("PopDB", False), ("", False)])
def test_texts_may_be_written_in_several_ways(known, answer, right):
    assert is_right("01.3", answer) == right


def test_the_same_answer_has_another_hash_in_each_exercise():
    assert hashes("01.1", 2.0, 0.1) != hashes("01.2", 2.0, 0.1)


@pytest.mark.parametrize(
    ("name", "answer", "error", "words"),
    [
        ("01.1", ..., TypeError, "in place of the dots"),
        ("01.1", "2.4", TypeError, "the answer to 01.1 is a number, not '2.4'"),
        ("01.3", 2.4, TypeError, "the answer to 01.3 is a text, in quotation marks"),
        ("01.1", [1.0, 2.0], TypeError, "one number or one text, not list"),
        ("01.1", True, TypeError, "not bool"),
        ("01.9", 1.0, ValueError, "unknown exercise '01.9'"),
    ],
)
def test_what_is_no_answer_is_told_in_one_sentence(known, name, answer, error, words):
    with pytest.raises(error, match=words):
        check(name, answer)


def test_plain_numbers_and_texts():
    assert [plain(value) for value in (3, np.int64(3), np.str_("a"), np.array([0.5]))] == [3.0, 3.0, "a", 0.5]
