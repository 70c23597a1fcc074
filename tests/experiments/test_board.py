"""The scoreboard's history and pages, on small claims, and what it says of the papers."""

import board_page
import numpy as np
import pytest
import run
from board_history import with_history
from board_papers import PAPERS, Headline, Paper
from board_plot import AGAINST_LEAST, AGAINST_PAPER, draw_headlines, headlines, points
from board_reasons import REASONS
from board_rows import history_table, wide_table
from board_words import counted, standing, verdict_text
from PIL import Image
from profiles import UsageError
from scoreboard import COLUMNS, PLACE, read_claims

from nastoolkit.claims import EVIDENCE, MINIATURE, OWN_PROBLEM, PUBLIC_DATA
from nastoolkit.systems import SYSTEMS
from nastoolkit.verdicts import RULE, WORDS

CLAIM = {
    "notebook": "system/fig",
    "profile": "laptop",
    "paper": "1111.22222",
    "item": "Fig 1",
    "statement": "A search saves evaluations",
    "paper_value": 4.0,
    "ours": 3.0,
    "interval": [2.0, 8.0],
    "verdict": "agrees",
    "date": "2026-01-02",
    "commit": "abc",
    "seconds": 61.4,
    "machine": 'a "fast" CPU',
    "rule": RULE,
    "n": 20,
    "n_known": 20,
    "kind": "median",
    "least_effect": 1.5,
    "control": 1.2,
    "is_ratio": True,
    "reasons": "3 [2, 8] (median, n = 20), least effect 1.5: the interval contains the paper's value.",
}
PAPER = Paper("A Paper", "It saves evaluations (Fig 1).", (Headline("Fig 1", ("saves", "evaluations"), "Fig 1: it saves"),))


@pytest.fixture
def paper(monkeypatch):
    monkeypatch.setitem(PAPERS, "1111.22222", PAPER)


def page(*claims, name="CLAIMS.md", figures=None):
    return board_page.pages(claims, figures or {})[name]


def shown(*changes):
    """Number of what is shown of runs on one day after the other, and those in its history."""
    runs = [CLAIM | {"date": f"2026-01-{day:02}", "ours": float(day)} | change for day, change in enumerate(changes, 1)]
    (claim,) = with_history(runs)
    return claim["ours"], [old["ours"] for old in claim.get("history", [])]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{"n": 20}, {"n": 30}, {"n": 10}], (2, [1, 3])),
        ([{"interval": [1, 3]}, {"interval": [1, 2]}, {"interval": [1, None]}, {"interval": None}], (2, [1, 3, 4])),
        ([{}, {}], (2, [1])),
        ([{"n": 30, "outdated": "wrong"}, {"n": 10}], (2, [1])),
        ([{"n": 10}, {"n": 30, "outdated": "wrong"}], (1, [2])),
        ([{"n": 10}, {"n": 30, "rule": RULE - 1}, {"n": 40, "rule": None}], (1, [2, 3])),
        ([{"n": 30, "rule": None}, {"n": 10, "rule": None}], (2, [1])),
        ([{"n": 30, "outdated": "wrong"}, {"n": 10, "outdated": "wrong"}], (1, [2])),
        ([{"n": 30, "outdated": "wrong"}, {"rule": None}], (2, [1])),
    ],
)
def test_the_strongest_run_is_shown(changes, expected):
    assert shown(*changes) == expected


def test_a_run_that_is_found_again_is_one_run_and_outdated_it_stays():
    runs = [CLAIM, CLAIM | {"date": "2026-01-03", "n": 10}]
    (claim,) = with_history(runs)
    assert with_history([claim]) == with_history([claim, *runs]) == [claim]
    stronger = CLAIM | {"date": "2026-01-04", "n": 30}
    (promoted,) = with_history([claim | {"outdated": "wrong"}, *runs, stronger | {"commit": "def"}])
    history = [(old["n"], old.get("outdated")) for old in promoted["history"]]
    assert promoted["n"] == 30 and history == [(20, "wrong"), (10, None)]


def test_when_a_run_becomes_outdated_another_one_takes_its_place_with_all_that_is_known_of_it():
    first, second = CLAIM | {"n": 30}, CLAIM | {"date": "2026-01-03"}
    (claim,) = with_history([first, second])
    assert claim["n"] == 30
    (claim,) = with_history([claim | {"outdated": "wrong"}])
    assert {key: value for key, value in claim.items() if key != "history"} == second


def test_claims_of_other_words_or_notebooks_are_others():
    others = [CLAIM | {key: "another"} for key in ("notebook", "paper", "item", "statement")]
    assert with_history([CLAIM, *others]) == [CLAIM, *others]


@pytest.mark.parametrize(
    ("word", "evidence", "expected"),
    [
        ("agrees", OWN_PROBLEM, "agrees"),
        ("agrees", None, "agrees"),
        ("no effect", PUBLIC_DATA, "no effect"),
        ("agrees", MINIATURE, "also seen in miniature"),
        ("stronger", MINIATURE, "also seen in miniature"),
        ("weaker but there", MINIATURE, "also seen in miniature"),
        ("no effect", MINIATURE, "not seen in miniature"),
        ("inconclusive", MINIATURE, "inconclusive"),
    ],
)
def test_a_miniature_shows_whether_the_effect_is_seen_too(word, evidence, expected):
    claim = CLAIM | {"verdict": word} | ({"evidence": evidence} if evidence else {})
    assert standing(claim) == expected and counted([claim]) == f"1 *{expected}*"
    assert word in verdict_text(claim) and expected in verdict_text(claim)
    assert standing(claim | {"outdated": "wrong"}) == "outdated"


def test_every_word_is_counted():
    assert counted([CLAIM | {"verdict": word} for word in WORDS]).count("1 *") == len(WORDS)


def test_a_row_has_all_that_is_known_of_a_claim():
    claim = CLAIM | {"history": [{"date": "2026-01-01"}], "note": "one run"}
    row = wide_table([claim], {"system/fig": ["figures/system/fig/a.png"]}).splitlines()[-1]
    cells = ["A search saves evaluations", "4", "3 [2, 8] (median)", "20", "2 times", "1.2", "agrees (one run)"]
    links = '[laptop](../notebooks/system/fig.ipynb "61 s, a fast CPU"), [figures](FIGURES.md#systemfig)'
    made = "[1 more](#other-runs), abc 2026-01-02"
    assert row == f"| 1111.22222, Fig 1: {' | '.join(cells)} | {links}, {made} |"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_ratio": False}, "3"),
        ({"interval": [2.0, None]}, "unlimited"),
        ({"interval": [0.0, 2.0]}, "unlimited"),
        ({"interval": None}, ""),
    ],
)
def test_the_smallest_effect_that_could_have_been_seen(changes, expected):
    assert wide_table([CLAIM | changes], {}).splitlines()[-1].split(" | ")[4] == expected


def test_what_is_not_decided_says_why_and_what_never_got_there_is_counted():
    claim = CLAIM | {"verdict": "inconclusive", "n_known": 12, "ours": None}
    assert f"| inconclusive: {CLAIM['reasons']} |" in page(claim) and "| 12 of 20 got there |" in page(claim)
    assert CLAIM["reasons"] not in page(CLAIM)


def test_tables_are_apart_by_closeness_to_the_paper_and_own_claims_on_their_own_page():
    kinds = [*reversed(EVIDENCE), None]
    claims = [CLAIM | {"statement": f"on {kind}"} | ({"evidence": kind} if kind else {}) for kind in kinds]
    text = page(*claims, CLAIM | {"paper": "nastoolkit", "statement": "mine"})
    places = [text.index(f"## {heading}\n") for heading in board_page.CLOSENESS.values()]
    assert places == sorted(places) and "mine" not in text
    rows = [text.index(f": on {kind} |") for kind in board_page.CLOSENESS]
    assert rows == sorted(rows) and all(place < row for place, row in zip(places, rows, strict=True))
    assert "mine" in page(*claims, CLAIM | {"paper": "nastoolkit", "statement": "mine"}, name="OWN_CLAIMS.md")


@pytest.mark.usefixtures("paper")
def test_a_card_says_what_the_paper_claims_and_what_we_find():
    text = page(CLAIM, CLAIM | {"statement": "B", "verdict": "no effect"})
    assert "### A Paper\n\n[arXiv 1111.22222](https://arxiv.org/abs/1111.22222)" in text
    assert "**It claims:** It saves evaluations (Fig 1)." in text
    assert "**We find:** Fig 1: it saves: 3 [2, 8]; paper 4, *agrees*." in text
    assert "**Verdicts** (2): 1 *agrees*, 1 *no effect*." in text and text.index("![A forest plot") < text.index("### A Paper")


@pytest.mark.usefixtures("paper")
def test_what_is_outdated_is_no_finding():
    outdated = CLAIM | {"outdated": "wrong"}
    text = page(outdated)
    assert "**We find:** headline claims that are outdated and say nothing: 1 of 1." in text and "*agrees*." not in text
    assert "| agrees (outdated: wrong) |" in text and "1 claim of 1 paper: 1 *outdated*. Those that are" in text
    assert points([outdated])[0]["verdict"] == "outdated" and points([CLAIM])[0]["verdict"] == "agrees"
    differing = outdated | {"verdict": "no effect"}
    assert "Nowhere yet" in page(differing, name="DISAGREEMENTS.md")


def test_disagreements_have_their_reasons_the_closest_to_the_paper_first():
    words = {"no effect": MINIATURE, "weaker but there": OWN_PROBLEM, "stronger": PUBLIC_DATA, "agrees": OWN_PROBLEM}
    claims = [CLAIM | {"statement": word, "verdict": word, "evidence": kind} for word, kind in words.items()]
    seen_too, ours = {"verdict": "weaker but there", "evidence": MINIATURE}, {"paper": "nastoolkit", "verdict": "no effect"}
    others = [CLAIM | seen_too, CLAIM | ours]
    text = page(*claims, *others, name="DISAGREEMENTS.md")
    shown = ["weaker but there. *Weaker but there*: 3", "stronger. *Stronger*: 3", "no effect. *Not seen in miniature*: 3"]
    places = [text.index(f"**1111.22222, Fig 1:** {one}") for one in shown]
    assert places == sorted(places) and text.count("**Why:**") == 3
    assert text.count(f"{CLAIM['reasons']} **Why:** not known yet.") == 3
    told = page(CLAIM | {"verdict": "no effect", "note": "another clock"}, name="DISAGREEMENTS.md")
    assert "**Why:** another clock." in told


def test_where_we_disagree_the_page_says_why_and_of_nothing_else():
    kept = [claim for claim in read_claims(run.ROOT / "experiments" / "claims.json") if claim["paper"] in PAPERS]
    differing = {(claim["paper"], claim["item"]) for claim in kept if standing(claim) in board_page.DIFFERENT}
    assert REASONS.keys() <= differing
    text = (run.ROOT / "experiments" / "DISAGREEMENTS.md").read_text()
    assert text.count("**Why:**") > 40 and "not known yet" not in text


def test_all_runs_of_a_claim_are_in_its_history():
    weaker = {"date": "2026-01-03", "n": 10, "n_known": 10, "verdict": "inconclusive", "reasons": "few"}
    (claim,) = with_history([CLAIM, CLAIM | weaker])
    text = page(claim)
    assert "## Other runs" in text and history_table([claim]) in text and "## Other runs" not in page(CLAIM)
    weak, strong = (row.split(" | ")[1:] for row in history_table([claim]).splitlines()[2:])
    assert weak == ["2026-01-03", "abc", "laptop", "10", "3 [2, 8] (median)", "inconclusive: few |"]
    assert strong == ["2026-01-02", "abc", "laptop", "20", "3 [2, 8] (median)", "agrees |"]


def test_texts_of_claims_are_no_html_and_break_no_table():
    texts = {"statement": "a | b\n\n# <script>", "note": "<img src=x>", "outdated": "x < y & z"}
    claim = CLAIM | texts | {"commit": "<b>", "machine": '"><i>', "history": [CLAIM]}
    others = [claim | {"paper": "nastoolkit"}, claim | {"outdated": "", "verdict": "no effect"}]
    for name in ("CLAIMS.md", "OWN_CLAIMS.md", "DISAGREEMENTS.md"):
        text = page(claim, *others, name=name)
        assert not any(tag in text for tag in ("<script", "<img", "<b>", "<i>", "\n# &lt;"))
    (row,) = (line for line in page(claim | {"history": []}).splitlines() if line.startswith("| 1111"))
    assert "a \\| b # &lt;script> |" in row and "(outdated: x &lt; y &amp; z) (&lt;img src=x>) |" in row


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (AGAINST_PAPER, 0.75, 0.5, 2.0)),
        ({"paper_value": ["3.0", 5.0]}, (AGAINST_PAPER, 0.75, 0.5, 2.0)),
        ({"paper_value": None}, (AGAINST_LEAST, 2.0, 4 / 3, 16 / 3)),
        ({"ours": None, "interval": [2.0, None]}, (AGAINST_PAPER, None, 0.5, None)),
        ({"interval": None}, (AGAINST_PAPER, 0.75, 0.75, 0.75)),
    ],
)
def test_headlines_are_relative_to_the_paper_or_to_the_least_effect(changes, expected):
    (point,) = points([CLAIM | changes])
    assert tuple(point[key] for key in ("across", "value", "low", "high")) == pytest.approx(expected)


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize("changes", [{"paper_value": None, "least_effect": None}, {"paper_value": "far"}, {"item": "Fig 2"}])
def test_what_has_no_scale_or_is_no_headline_is_not_drawn(tmp_path, changes):
    claim = CLAIM | {"least_effect": None} | changes
    assert not points([claim]) and not draw_headlines([claim], tmp_path) and "![A forest plot" not in page(claim)


@pytest.mark.usefixtures("paper")
def test_the_plot_of_the_headlines_is_a_small_picture(tmp_path):
    claims = [CLAIM, CLAIM | {"notebook": "other", "paper_value": None, "verdict": "no effect", "interval": [None, None]}]
    assert draw_headlines(claims, tmp_path) == ["experiments/headlines.png"]
    with Image.open(tmp_path / "experiments/headlines.png") as image:
        colours = {rgb for _, rgb in image.convert("RGB").getcolors(1 << 20)}
        assert image.width > 600 and np.ptp(np.array(list(colours)), axis=0).min() > 100


def test_the_papers_of_the_board_have_cards_whose_headlines_are_claims():
    claims = read_claims(run.ROOT / "experiments/claims.json", (*PLACE, *COLUMNS))
    assert {claim["paper"] for claim in claims} <= {*PAPERS, "nastoolkit"}
    for name, paper in PAPERS.items():
        assert len(headlines(claims, name)) == len(paper.headlines), f"a headline of {name} is no claim, or more than one"
    assert all(PAPERS[card.paper].title == card.title for card in SYSTEMS.values())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"evidence": "digits"}, "unknown evidence 'digits'"),
        ({"interval": [1.0, float("nan")]}, "interval is not a list of two numbers"),
        ({"interval": [1.0]}, "interval is not a list of two numbers"),
        ({"n": "many"}, "n is not a number"),
        ({"history": {}}, "history is not a list of runs"),
        ({"history": [{"date": "2026-01-01"}]}, "a claim has no profile"),
    ],
)
def test_a_claim_that_could_not_be_shown_is_an_error(tmp_path, changes, complaint):
    import json

    (tmp_path / "claims.json").write_text(json.dumps([CLAIM | changes]))
    with pytest.raises(UsageError, match=complaint):
        read_claims(tmp_path / "claims.json", (*PLACE, *COLUMNS))
