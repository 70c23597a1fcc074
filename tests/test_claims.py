import json

import numpy as np
import pytest

from nastoolkit.claims import EVIDENCE, VERDICTS, Finding, claim, claim_each, verdict

FIRST = {
    "paper": "2202.12954",
    "item": "Figure 10",
    "statement": "LINAS needs fewer evaluations",
    "paper_value": 7.9,
    "ours": 3.1,
    "interval": [2.0, 4.2],
    "verdict": "direction only",
}


def stored(path):
    return json.loads(path.read_text())


def test_claims_are_added_in_order(tmp_path):
    path = tmp_path / "new" / "claims.json"
    assert claim(path, **FIRST) == FIRST
    others = [{**FIRST, key: "another"} for key in ("paper", "item", "statement")]
    for other in others:
        claim(path, **other)
    assert stored(path) == [FIRST, *others]


def test_the_same_claim_is_replaced(tmp_path):
    path = tmp_path / "claims.json"
    other = {**FIRST, "item": "Figure 9"}
    rerun = {**FIRST, "ours": 0.4, "interval": None, "paper_value": None, "verdict": "not reproduced"}
    for entry in (FIRST, other, rerun):
        claim(path, **entry)
    assert stored(path) == [other, rerun]


def test_a_note_is_kept_if_there_is_one(tmp_path):
    assert claim(tmp_path / "claims.json", **FIRST, note="") == FIRST
    assert claim(tmp_path / "claims.json", **FIRST, note="one run of one seed")["note"] == "one run of one seed"


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_the_kind_of_evidence_is_kept_if_it_is_said(tmp_path, evidence):
    assert claim(tmp_path / "claims.json", **FIRST, evidence=evidence) == FIRST | {"evidence": evidence}
    assert claim(tmp_path / "claims.json", **FIRST) == FIRST


def test_an_unknown_kind_of_evidence_lists_the_known_ones_and_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="unknown kind of evidence 'digits'; known: .*'public data', 'miniature'"):
        claim(tmp_path / "claims.json", **FIRST, evidence="digits")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_is_taken(tmp_path, verdict):
    claim(tmp_path / "claims.json", **FIRST | {"verdict": verdict})
    assert stored(tmp_path / "claims.json")[0]["verdict"] == verdict


def test_an_unknown_verdict_lists_the_known_ones_and_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="unknown verdict 'proven'; known: .*'reproduced', 'direction only'"):
        claim(tmp_path / "claims.json", **FIRST | {"verdict": "proven"})
    assert not list(tmp_path.iterdir())


def test_what_is_not_finite_is_kept_as_null(tmp_path):
    record = claim(tmp_path / "claims.json", **FIRST | {"ours": float("inf"), "interval": [np.float64("nan"), 2.0]})
    assert (record["ours"], record["interval"]) == (None, [None, 2.0])
    assert json.loads((tmp_path / "claims.json").read_text(), parse_constant=pytest.fail) == [record]


def test_each_statement_is_judged_and_recorded(tmp_path):
    file, effects = tmp_path / "claims.json", [1.0, 1.1, 0.9, 1.0, 1.05]
    tests = {
        "(a) It helps": Finding(effects, 0.5, control=0.1, paper_value=1.0),
        "It hurts": Finding(-np.array(effects), 0.5, note="odd"),
    }
    table = claim_each(file, tests, paper="2202.12954", item="Figure 10", evidence="miniature", about="digits")
    assert table.verdict.tolist() == ["agrees", "no effect"] and table.paper_value.tolist()[0] == 1.0
    first, second = stored(file)
    assert (first["item"], first["statement"], first["evidence"]) == ("Figure 10 (a)", "(a) It helps: digits", "miniature")
    assert (second["item"], second["statement"], second["note"]) == ("Figure 10", "It hurts: digits", "odd")
    assert first == claim(
        file,
        **{key: first[key] for key in ("paper", "item", "statement", "paper_value", "evidence")},
        verdict=verdict(effects, 0.5, control=0.1, paper_value=1.0),
    )


def test_nothing_is_judged_where_a_run_cannot_decide(tmp_path):
    how = {"paper": "nastoolkit", "item": "Page", "evidence": "miniature", "is_enough": False}
    table = claim_each(tmp_path / "claims.json", {"It helps": Finding([1.0], 0.5)}, **how)
    assert table.verdict.tolist() == ["not tested at this scale"] and table.ours.tolist() == [None]
