import json

import numpy as np
import pytest

from nastoolkit.claims import EVIDENCE, VERDICTS, claim

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
