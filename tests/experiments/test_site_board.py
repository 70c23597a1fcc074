import site_board
from board_words import STANDINGS

CLAIM = {"notebook": "a/b", "profile": "laptop", "item": "Fig 1", "statement": "It | works", "paper_value": 10.0, "n": 5}
CLAIM |= {"paper": "2202.12954", "ours": 1.44, "interval": [0.0, 2.74], "verdict": "agrees", "machine": "CPU, 2 cores"}
OTHER = CLAIM | {"paper": "2005.05859", "notebook": "c/d", "verdict": "inconclusive", "reasons": "agrees with both"}
OWN = CLAIM | {"paper": "nastoolkit"}
FIGURES = {"a/b": ["figures/a/b/f.png", "figures/a/b/g.png"], "c/d": ["figures/c/d/h.png"], "quickstart": ["figures/q.png"]}
TITLES = {"a/b": "Fast <networks>", "c/d": "Small ones"}


def test_each_paper_has_a_page_with_its_figures_and_its_claims_alone():
    made = site_board.pages([CLAIM, OTHER, OWN], FIGURES, TITLES)
    assert made.keys() == {"claims.md", "figures.md", "papers/2202.12954.md", "papers/2005.05859.md"}
    page = made["papers/2202.12954.md"]
    assert page.startswith("# A Hardware-Aware System") and "[Fast <networks>](../a/b.ipynb)" in page
    assert "[![Fast &lt;networks>: f](../../../experiments/figures/a/b/f.png)](../a/b.ipynb)" in page and "g.png" in page
    assert "| Fig 1: It \\| works | 10 | 1.44 [0, 2.74] | 5 |" in page and "[laptop](../a/b.ipynb" in page
    assert "Small ones" not in page and "h.png" not in page


def test_the_index_leads_to_the_papers_and_counts_no_claims_of_our_own():
    index = site_board.pages([CLAIM, OTHER, OWN], FIGURES, TITLES)["claims.md"]
    assert "2 claims of 2 papers" in index and "](_notebooks/papers/2005.05859.md) | 1 <span" in index


def test_a_paper_with_other_runs_has_them_on_its_page():
    again = CLAIM | {"history": [CLAIM | {"ours": 1.5, "date": "2026-01-01"}]}
    assert "## Other runs" in site_board.pages([again], {}, {})["papers/2202.12954.md"]
    assert "## Other runs" not in site_board.pages([CLAIM], {}, {})["papers/2202.12954.md"]


def test_a_verdict_is_coloured_where_it_is_one():
    row = "| a claim that *agrees* | 1 | inconclusive: agrees with both | [laptop](x.ipynb) |"
    shown = site_board.coloured(row)
    assert shown.count('<span class="verdict holds">agrees</span>') == 1
    assert '| <span class="verdict open">inconclusive</span>: agrees with both |' in shown
    assert site_board.coloured("It agrees, **agrees** *much*.") == "It agrees, **agrees** *much*."
    assert site_board.coloured(shown) == shown
    for word in STANDINGS:
        assert (
            site_board.coloured(f"*{word}*") == f'<span class="verdict {site_board.KINDS.get(word, "partly")}">{word}</span>'
        )


def test_the_gallery_has_one_figure_of_each_system():
    assert site_board.gallery(FIGURES, TITLES).count("[![") == 2
    assert site_board.thumbnails(["nowhere"], FIGURES, TITLES, "", "") == []
