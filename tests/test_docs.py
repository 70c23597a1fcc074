"""The documentation's examples run, its recipes pass the tests that they promise, and the site needs no other server."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from gallery import known_figures, update_figures
from pages import add_outputs, board_for_docs, contents, notebook_page, write_pages
from PIL import Image
from profiles import notebook_names
from record import write_record

import nastoolkit
from nastoolkit import cli

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PYTHON_BLOCK = re.compile(r"^```python\n(.+?)^```", re.MULTILINE | re.DOTALL)
HOW_TO = sorted(DOCS.glob("how_to_*.md"))
SEARCH, ALGORITHM = DOCS / "how_to_search.md", DOCS / "how_to_algorithm.md"
RECIPE = re.compile(
    r"\*\*File\*\* `(?P<file>nastoolkit/\S+\.py)`.*?^```python\n(?P<code>.+?)^```"
    r".*?\*\*Line\*\*, in `(?P<registry>[A-Z]+)` of `(?P<package>nastoolkit/\S+)/__init__\.py`.*?^```.*?\n"
    r"(?P<import>from .+?)\n+ +(?P<line>\"\S+\": \w+),\n```"
    r".*?pytest (?P<test>tests/contracts/\S+\.py) -k (?P<name>\S+)\n```",
    re.MULTILINE | re.DOTALL,
)
RECIPES = {page.stem: match.groupdict() for page in HOW_TO for match in RECIPE.finditer(page.read_text())}
ELSEWHERE = re.compile(
    r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)\s*=\s*["']?(?:https?:)?//[^>]*>"""
    r"""|(?:@import|url\()\s*["']?(?:https?:)?//[^)\s]*""",
    re.IGNORECASE,
)


def blocks(path):
    return PYTHON_BLOCK.findall(path.read_text())


def run(code, folder):
    """Run a page in a process of its own, as workers import what they run from its file."""
    (folder / "page.py").write_text("\n".join(code))
    command = [sys.executable, "-W", "ignore:.*failed", "page.py"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in HOW_TO if blocks(page) and page not in (SEARCH, ALGORITHM)],
    ids=lambda page: page.stem,
)
def test_the_examples_of_a_page_run_from_top_to_bottom(page, tmp_path):
    run([block for block in blocks(page) if "dask" not in block or find_spec("distributed")], tmp_path)


def test_the_page_about_search_runs_and_counts_failures(tmp_path):
    failed, n = re.findall(r"(\d+) of (\d+) failed", run(blocks(SEARCH), tmp_path))[0]
    assert 0 < int(failed) < int(n)


@pytest.mark.slow
def test_the_algorithm_of_the_page_wins_over_seeds(tmp_path):
    told = run(blocks(ALGORITHM), tmp_path)
    low = float(re.search(r"\[(-?[\d.]+), ", told)[1])
    assert low > 0, told


def test_any_function_in_ten_lines(tmp_path):
    (block,) = (block for block in blocks(SEARCH) if "def evaluate" in block)
    assert run([block, "print(len(history), 'evaluations')"], tmp_path).endswith("100 evaluations\n")
    assert len([line for line in block.splitlines() if line.strip() and "import" not in line]) <= 10


PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
SHELL = [
    " ".join(line.partition(" #")[0].split())
    for page in PAGES
    for block in re.findall(r"^```sh\n(.+?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for line in re.sub(r"\\\n", " ", block).replace("; ", "\n").splitlines()
]


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("nastoolkit ")])
def test_commands_have_the_options_that_the_pages_give_them(line):
    _, command, *arguments = line.split()
    options = {option for parameter in cli.command(command).params for option in parameter.opts} | {"--help"}
    assert options.issuperset(argument for argument in arguments if argument.startswith("--"))


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("make ")])
def test_make_has_the_targets_that_the_pages_name(line):
    target = line.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_there_is_a_recipe_for_each_thing_to_add():
    assert {recipe["registry"] for recipe in RECIPES.values()} == {"ALGORITHMS", "FAMILIES", "TASKS"}


@pytest.fixture
def clone(tmp_path):
    """A copy of the package and its contract tests, to add to."""
    for name in ("nastoolkit", "tests/contracts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name in ("experiments", "tests/browser"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", RECIPES)
def test_one_file_and_one_line_pass_the_contract_test(page, clone):
    recipe = RECIPES[page]
    (clone / recipe["file"]).write_text(recipe["code"])
    name, thing = recipe["line"].split(": ")
    with (clone / recipe["package"] / "__init__.py").open("a") as registry:
        registry.write(f"\n{recipe['import']}\n\n{recipe['registry']}[{name}] = {thing}\n")
    command = [sys.executable, "-m", "pytest", "-q", recipe["test"], "-k", recipe["name"]]
    ran = subprocess.run(command, cwd=clone, env=os.environ | {"PYTHONPATH": str(clone)}, capture_output=True, text=True)
    n_passed = re.search(r"(\d+) passed", ran.stdout)
    assert ran.returncode == 0 and n_passed and int(n_passed[1]) >= 5, ran.stdout[-3000:]


@pytest.mark.parametrize("page", PAGES[:-1], ids=lambda page: page.stem)  # CONTRIBUTING.md is no page of the site
def test_code_fits_its_column(page):
    for code in re.findall(r"^```\w+\n(.+?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        assert max(map(len, code.splitlines())) <= 88, code


def test_links_of_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            generated = target.startswith(("http", "_notebooks/", "_api/"))
            assert generated or (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_notebook_and_every_page_is_in_the_table_of_contents():
    index = (DOCS / "index.md").read_text()
    assert "```{include} _notebooks/contents.md" in index
    index += contents(notebook_names(ROOT), "_notebooks")
    entries = [line for tree in re.findall(r"```{toctree}\n(.+?)```", index, re.DOTALL) for line in tree.splitlines()]
    notebooks = [f"_notebooks/{name}" for name in notebook_names(ROOT)]
    for name in [*notebooks, *(page.stem for page in DOCS.glob("*.md") if page.stem != "index")]:
        assert name in entries or f"{name.rpartition('/')[0]}/*" in entries, name


def notebook(*outputs, injected=False, **changes):
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\nText."),
        nbformat.v4.new_code_cell("n: int = 3", metadata={"tags": ["parameters"]}, execution_count=1),
        *[nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["injected-parameters"]}, execution_count=2)] * injected,
        nbformat.v4.new_code_cell(changes.get("code", "n"), outputs=list(outputs), execution_count=changes.get("count", 3)),
    ]
    return nbformat.v4.new_notebook(cells=cells)


PRINTED = nbformat.v4.new_output("stream", text="3\n")
WIDGET = nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Box()"})
CLAIM = {"notebook": "a/b", "profile": "laptop", "item": "Fig 1", "statement": "It | works", "paper_value": 10.0}
CLAIM |= {"paper": "2202.12954", "ours": 1.44, "interval": [0.0, 2.74], "verdict": "not reproduced", "machine": "CPU, 2 cores"}


@pytest.fixture
def root(tmp_path):
    def save(path, content):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(content, tmp_path / path) if path.endswith("ipynb") else (tmp_path / path).write_text(content)

    save("notebooks/a/b.ipynb", notebook(count=None))
    save("experiments/claims.json", json.dumps([CLAIM]))
    return tmp_path, save


def page_of(root, figures=("figures/a/b/f.png",)):
    return notebook_page(root, "a/b", [CLAIM], list(figures))


def test_a_page_has_the_outputs_of_the_best_run(root):
    root, save = root
    save("runs/a/b/smoke/notebook.ipynb", notebook(injected=True))
    save("runs/a/b/laptop/notebook.ipynb", notebook(PRINTED, WIDGET))
    page = page_of(root)
    assert page.cells[-1].outputs == [PRINTED] and len(page.cells) == 3
    assert page.cells[0].source.startswith(
        "# Title\n\n*The outputs below are those of a run with the `laptop` parameters.*\n\nText."
    )


def test_a_smoke_run_is_called_what_it_is_and_stands_beside_stored_results(root):
    root, save = root
    save("runs/a/b/smoke/notebook.ipynb", notebook(PRINTED, injected=True))
    title, stored, parameters, injected, last = page_of(root).cells
    assert "decide nothing" in title.source and injected.source == "n = 1" and last.outputs == [PRINTED]
    assert "| Fig 1: It \\| works | 1.44 [0, 2.74]; paper 10 | not reproduced |" in stored.source
    assert "![f](../../../experiments/figures/a/b/f.png)" in stored.source and "CPU, 2 cores" in stored.source


ERROR = nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])


@pytest.mark.parametrize("run", [notebook(PRINTED, code="n + 1"), notebook(PRINTED, count=None), notebook(ERROR)])
def test_outputs_of_other_code_or_of_a_run_without_an_end_are_not_shown(root, run):
    root, save = root
    save("runs/a/b/laptop/notebook.ipynb", run)
    assert add_outputs(notebook(count=None), root / "runs/a/b") is None
    page = page_of(root)
    assert "was not run where" in page.cells[0].source and "**Stored results**" in page.cells[1].source
    assert not page.cells[-1].outputs


def test_a_page_tells_what_its_run_took_and_where_it_can_be_changed_online(root, monkeypatch):
    root, save = root
    save("runs/a/b/laptop/notebook.ipynb", notebook(PRINTED))
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    write_record(root / "runs/a/b/laptop", "made of this", 61.4, 812.0)
    write_record(root / "runs/a/b/laptop", "made of this", 2.0)  # a replay
    (title, *_) = page_of(root).cells
    assert "It took 61 s and 812 MB of memory.*" in title.source and "olab" not in title.source
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/nastoolkit")
    (title, *_) = page_of(root).cells
    assert "(https://mybinder.org/v2/gh/someone/nastoolkit/HEAD?labpath=notebooks/a/b.ipynb)" in title.source
    assert "(https://colab.research.google.com/github/someone/nastoolkit/blob/HEAD/notebooks/a/b.ipynb)" in title.source


def test_every_public_name_is_in_the_reference():
    page = (DOCS / "reference.md").read_text()
    for name in nastoolkit.__all__:
        home = getattr(getattr(nastoolkit, name), "__module__", None)
        assert (f"`~{home}.{name}`" if home else f"`{name}`") in page, name


def test_a_page_without_any_result_is_the_notebook(root):
    assert len(notebook_page(root[0], "a/b", [], []).cells) == 3


def test_figures_of_a_paper_run_are_kept_where_there_is_no_laptop_run(root):
    root, _ = root
    for profile in ("paper", "laptop"):
        (root / "runs/a/b" / profile).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(root / f"runs/a/b/{profile}/{profile}.png")
        write_record(root / "runs/a/b" / profile, "made of this", 1.0)
        assert update_figures(root) == [f"experiments/figures/a/b/{profile}.png"]
    assert known_figures(root) == {"a/b": ["figures/a/b/laptop.png"]}


def test_pages_and_scoreboard_are_written(root):
    root, _ = root
    write_pages(root, root / "docs/_notebooks")
    pages = {path.name: path.read_text() for path in (root / "docs/_notebooks").glob("*.md")}
    assert pages["scoreboard.md"].startswith('1 claim of 1 paper: 1 <span class="verdict fails">not reproduced</span>.')
    assert "](_notebooks/papers/2202.12954.md)" in pages["claims.md"] and "](own_claims.md)" in pages["claims.md"]
    assert {"own_claims.md", "disagreements.md", "figures.md", "gallery.md"} <= set(pages)
    paper = (root / "docs/_notebooks/papers/2202.12954.md").read_text()
    assert "| Fig 1: It \\| works | 10 | 1.44 [0, 2.74] |" in paper and "## [Title](../a/b.ipynb)" in paper
    assert nbformat.read(root / "docs/_notebooks/a/b.ipynb", as_version=4).cells[0].source.startswith("# Title")


def test_a_new_system_is_in_the_contents_by_itself():
    entries = contents(["quickstart", "a/x", "a/y", "learn/01", "hardware_aware_nas/fig"], "folder")
    assert entries.endswith("\n\nfolder/hardware_aware_nas/*\nfolder/a/*\n```\n")


def test_links_of_the_scoreboard_start_from_the_documentation():
    links = (
        "![plot](headlines.png) [n](../notebooks/a/b.ipynb) [own](OWN_CLAIMS.md#a) [arXiv](https://arxiv.org) [more](#runs)"
    )
    there = "![plot](../experiments/headlines.png) [n](_notebooks/a/b.ipynb) [own](own_claims.md#a)"
    assert board_for_docs(links, "_notebooks") == f"{there} [arXiv](https://arxiv.org) [more](#runs)"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<script async src="https://cdn.example/x.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example/a.css" />', True),
        ("@import url(https://fonts.example/a.css)", True),
        ('<a href="https://arxiv.org/abs/1908.09791">', False),
        ('<script src="_static/x.js"></script>', False),
    ],
)
def test_what_comes_from_elsewhere_is_found(text, found):
    assert bool(ELSEWHERE.search(text)) == found


@pytest.mark.skipif(not (DOCS / "_build/html/index.html").exists(), reason="the site is not built: make docs")
def test_the_built_site_loads_nothing_from_elsewhere_and_its_links_lead_somewhere():
    site = DOCS / "_build/html"
    for page in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = page.read_text()
        assert not (loaded := ELSEWHERE.findall(text)), f"{page.name}: {loaded[:3]}"
        for target in re.findall(r'\b(?:src|href)="([^"#?:]+)[#?"]', text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
