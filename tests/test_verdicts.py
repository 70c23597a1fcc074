import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nastoolkit
from nastoolkit.claims import VERDICTS, Verdict, claim, verdict
from nastoolkit.statistics import INTERVALS, counted
from nastoolkit.verdicts import RULE, WORDS

SPREAD = np.linspace(-1, 1, 20)  # 20 seeds, whose mean has an interval of +- 0.291
THERE = {"agrees", "stronger", "weaker but there"}
NEVER = np.inf
EFFECTS = st.lists(st.integers(-40, 40).map(lambda number: number / 8), min_size=5, max_size=12)
LEAST = st.sampled_from([0.125, 0.5, 1.0, 2.0])
FACTORS = st.sampled_from([1.0, 1.5, 4.0])  # of the paper's value, above the least effect


def word(*arguments, **settings):
    return str(verdict(*arguments, **settings))


@pytest.mark.parametrize(
    ("differences", "at_least", "settings", "expected"),
    [
        (SPREAD + 2, 1, {}, "agrees"),
        (SPREAD + 2, 1, {"paper_value": 2.2}, "agrees"),
        (SPREAD + 2, 1, {"paper_value": 1.5}, "stronger"),
        (SPREAD + 2, 1, {"paper_value": 2.5}, "weaker but there"),
        (SPREAD + 2, 2.1, {"paper_value": 2.2}, "weaker but there"),  # though it contains the paper's
        (SPREAD + 0.4, 1, {"paper_value": 1.5}, "weaker but there"),  # though it excludes the least effect
        (SPREAD + 0.2, 1, {"paper_value": 1.5}, "no effect"),
        (SPREAD - 2, 1, {}, "no effect"),
        (SPREAD + 0.2, 0.3, {"paper_value": 0.3}, "inconclusive"),
        (SPREAD + 0.2, 0.2, {"paper_value": 0.28}, "not tested at this scale"),  # the interval is 0.58 wide
        (SPREAD + 0.2, 0.2, {}, "inconclusive"),
        ([2.0, 2.1, 1.9, 2.0], 1, {}, "not tested at this scale"),
        ([758.27058], 1, {"paper_value": "758.2706"}, "reproduced exactly"),
        ([758.27064], 1, {"paper_value": "758.2706"}, "reproduced exactly"),
        ([758.27066], 1, {"paper_value": "758.2706"}, "not tested at this scale"),
        ([758.2706, 722.0328], 1, {"paper_value": ["758.2706", "722.0328"]}, "reproduced exactly"),
        ([758.2706, 722.0328], 1, {"paper_value": ["758.2706", "722.0324"]}, "not tested at this scale"),
        (SPREAD + 2, 1, {"paper_value": [2.5, 2.9]}, "agrees"),  # two runs, which scatter as ours do
        (SPREAD + 2, 1, {"paper_value": np.array([2.5, 2.9])}, "agrees"),
        (SPREAD + 2, 1, {"paper_value": [4.5, 4.6]}, "weaker but there"),
    ],
)
def test_every_word_has_its_case(differences, at_least, settings, expected):
    assert word(differences, at_least, **settings) == expected


def test_the_cases_have_every_word():
    (marks,) = test_every_word_has_its_case.pytestmark
    assert {case[-1] for case in marks.args[1]} == set(WORDS)


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (0.5, "agrees"),
        (np.full(20, 0.5), "agrees"),
        (1.9, "no effect"),  # less is left than is worth having
        (SPREAD + 2, "no effect"),
        (SPREAD + 1.99, "agrees"),  # less, and in every pair
        (SPREAD[::-1] * 6 + 1.9, "inconclusive"),
        (7.0, "no effect"),
    ],
)
def test_a_claim_is_not_reproduced_if_the_control_does_as_well(control, expected):
    found = verdict(SPREAD + 2, 1, control)
    assert str(found) == expected and found.control == pytest.approx(np.mean(control))
    assert expected in THERE or "control" in found.reasons.split(": ")[1]


def test_no_effect_is_made_of_rounding():
    noise = 0.1 + 0.2 - 0.3
    assert noise > 0 and word([noise] * 6, 1) == "no effect"
    assert word([0.1 + 0.2] * 6, 0.1) == "agrees" and word([0.1 + 0.2] * 6, 0.1, 0.3) == "no effect"


def test_exact_digits_do_not_excuse_a_control_that_does_as_well():
    assert word([2.0], 1, 1.0, "2.0") == "reproduced exactly"
    assert word([2.0], 1, 2.5, "2.0") == "not tested at this scale"


def test_a_verdict_says_what_it_rests_on():
    found = verdict(SPREAD + 2, 1, 0.25, 2.2)
    assert (found.n, found.kind, found.least_effect, found.control) == (20, "t", 1, 0.25)
    assert found.effect == pytest.approx(2) and found.interval == pytest.approx((1.7085, 2.2915), abs=1e-4)
    expected = "2 [1.709, 2.291] (t, n = 20), least effect 1, paper 2.2, control 0.25: "
    assert found.reasons == expected + "the interval lies above no effect and contains the paper's value."
    assert verdict(SPREAD + 2, 1).control is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.word = "agrees"


@pytest.mark.parametrize("kind", INTERVALS)
def test_the_kind_of_interval_may_be_chosen(kind):
    found = verdict(SPREAD + 2, 1, kind=kind)
    assert found.kind == kind and str(found) == "agrees" and f"({kind}, n = 20)" in found.reasons


def ratios(theirs, ours, budget=200):
    return counted(theirs, 1000) / counted(ours, budget)


OURS = [20, 25, 30, 40, 50, 60, 60, 80, 100, 120]


@pytest.mark.parametrize(
    ("ours", "at_least", "settings", "expected"),
    [
        (OURS, 2, {}, "agrees"),
        (OURS, 2, {"paper_value": 8}, "agrees"),
        (OURS, 1.5, {"paper_value": 2}, "stronger"),
        (OURS, 2, {"paper_value": 30}, "weaker but there"),
        (OURS, 2, {"control": 1.1}, "agrees"),
        (OURS, 2, {"control": ratios([500] * 10, OURS)}, "no effect"),
        (OURS, 2, {"control": ratios([500] * 10, [200] * 10)}, "agrees"),
        (OURS[:5], 2, {}, "inconclusive"),  # five have no interval of their median
        ([*OURS[:9], NEVER], 2, {}, "agrees"),
        ([*OURS[:6], *[NEVER] * 4], 2, {}, "inconclusive"),
        (OURS[:5], 2, {"paper_value": 8}, "not tested at this scale"),
        ([NEVER] * 10, 4, {}, "inconclusive"),  # it is below 500 / 200, so it may be weaker, or none
    ],
)
def test_censored_ratios_are_judged_by_their_median(ours, at_least, settings, expected):
    found = verdict(ratios([500] * len(ours), ours), at_least, **settings)
    assert (str(found), found.kind) == (expected, "median")
    assert str(ratios([500] * len(ours), ours)) in found.reasons


def test_a_verdict_that_hangs_on_the_unknown_is_inconclusive():
    assert word(ratios([500] * 10, [NEVER] * 10, 600), 2) == "no effect"  # below 500 / 600 for sure
    low = ratios([500] * 10, [50] * 5 + [NEVER] * 5, 100)
    found = verdict(low, 7)
    assert (str(found), found.n) == ("inconclusive", 10) and math.isnan(found.effect)
    high = counted([NEVER] * 12, 100) / counted([50] * 12, 100)  # anything above 2
    found = verdict(high, 1.5, paper_value=2.5)
    assert str(found) == "inconclusive" and "at worst 'weaker but there', at best 'stronger'" in found.reasons
    assert str(verdict(high, 1.5)) == "agrees"  # whatever it is


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SPREAD, 0), "the least effect worth having must be above 0, got 0"),
        ((SPREAD, -1.0), "the least effect worth having must be above 0"),
        ((SPREAD, np.nan), "the least effect worth having must be above 0"),
        ((ratios([500], [50]), 1), "the least effect worth having must be above 1, got 1"),
        ((SPREAD, 2, None, 1.0), "the least effect worth having, 2, is more than the paper's, 1.0"),
        ((SPREAD, 2, None, np.nan), "is more than the paper's, nan"),
        (([1.0, np.nan], 1), "an interval of kind t needs numbers"),
        (([], 1), "an interval of kind t needs numbers"),
        (([1.0, np.inf], 1), "an interval of kind t needs numbers"),
        ((SPREAD, 1, SPREAD[:3]), "a control needs one effect, or one for each of the 20 seeds; got 3"),
        ((counted([3, 4], 9), 2), "needs differences or ratios, got counts: divide theirs by ours"),
        ((SPREAD, 1, ratios([500], [50])), "needs differences or ratios"),
        ((SPREAD, 1, None, None, "sd"), "unknown kind of interval 'sd'; known: t"),
    ],
)
def test_what_no_rule_fits_is_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        verdict(*arguments)


@given(EFFECTS, LEAST, FACTORS, st.one_of(st.none(), st.integers(-8, 24).map(lambda number: number / 8)), st.integers(-9, 9))
def test_a_unit_changes_no_verdict(effects, least, factor, control, power):
    scale = 2.0**power
    found = verdict(effects, least, control, factor * least)
    scaled_control = None if control is None else scale * control
    scaled = verdict(scale * np.array(effects), scale * least, scaled_control, scale * factor * least)
    assert scaled.word == found.word
    assert [scaled.effect, *scaled.interval] == pytest.approx([scale * found.effect, *np.multiply(scale, found.interval)])


@given(EFFECTS, LEAST, FACTORS)
def test_the_words_are_what_they_say(effects, least, factor):
    found = verdict(effects, least, paper_value=factor * least)
    low, high, paper = *found.interval, factor * least
    low = low if abs(low) > 1e-9 * least else 0
    meanings = {
        "agrees": 0 < low <= paper <= high and found.effect >= least,
        "stronger": low > paper and found.effect >= least,
        "weaker but there": low > 0 and (high < paper or found.effect < least),
        "no effect": low <= 0 and high < least,
        "not tested at this scale": low <= 0 and high >= least and high - low > 2 * paper,
        "inconclusive": low <= 0 and high >= least and high - low <= 2 * paper,
    }
    assert [name for name, holds in meanings.items() if holds] == [found.word]


@given(EFFECTS, LEAST, FACTORS)
def test_an_effect_the_other_way_is_none(effects, least, factor):
    found, turned = verdict(effects, least, paper_value=factor * least), verdict(-np.array(effects), least)
    assert turned.interval == pytest.approx((-found.interval[1], -found.interval[0]))
    assert found.word not in THERE or turned.word == "no effect"


@given(EFFECTS, LEAST, st.integers(-16, 16).map(lambda number: number / 8))
def test_a_control_never_makes_a_verdict_better(effects, least, control):
    alone, beside = word(effects, least), word(effects, least, control)
    assert beside == alone or (alone in THERE and beside in {"no effect", "inconclusive"})
    if control >= np.mean(effects):
        assert beside not in THERE


@given(EFFECTS, LEAST, st.randoms())
def test_the_order_of_seeds_does_not_matter(effects, least, random):
    shuffled = random.sample(effects, len(effects))
    assert word(shuffled, least, kind="median") == word(effects, least, kind="median")


@given(st.lists(st.one_of(st.integers(1, 50), st.just(NEVER)), min_size=6, max_size=12), st.data())
def test_a_verdict_on_ratios_holds_however_the_unknown_are_filled_in(ours, data):
    found = word(ratios([60] * len(ours), ours, 50), 1.25)
    filled = [data.draw(st.integers(51, 10**5)) if count == NEVER else count for count in ours]
    if found != "inconclusive":
        assert word(ratios([60] * len(ours), filled, 10**5), 1.25) == found


def test_the_rule_is_found_where_claims_are(tmp_path):
    assert nastoolkit.verdict is verdict and isinstance(verdict(SPREAD, 1), Verdict)
    assert set(WORDS) <= set(VERDICTS) and len(set(VERDICTS)) == len(VERDICTS)
    found = verdict(SPREAD + 2, 1, 0.25, 2.2)
    what = {"paper": "1", "item": "Fig 1", "statement": "more", "paper_value": 2.2}
    kept = claim(tmp_path / "claims.json", **what, ours=found.effect, interval=found.interval, verdict=found)
    assert kept["verdict"] == "agrees" and kept["interval"] == list(found.interval)
    facts = {"n": 20, "n_known": 20, "kind": "t", "least_effect": 1, "control": 0.25, "is_ratio": False}
    facts |= {"reasons": found.reasons, "rule": RULE}
    assert {name: kept[name] for name in facts} == facts
    assert json.loads((tmp_path / "claims.json").read_text()) == [kept]
    censored = claim(tmp_path / "claims.json", **what, verdict=verdict(ratios([500] * 10, [*OURS[:9], NEVER]), 2))
    assert (censored["n"], censored["n_known"], censored["is_ratio"]) == (10, 9, True)
