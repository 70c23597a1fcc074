"""The examples of the documentation run, from top to bottom of a page."""

import re
import runpy
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    page: re.findall(r"^```python\n(.+?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for page in ROOT.glob("docs/how_to_*.md")
}
README = re.findall(r"^```python\n(.+?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def run(blocks, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "page.py").write_text("\n".join(blocks))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*failed")
        return runpy.run_path("page.py")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page(page, tmp_path, monkeypatch):
    names = run(PAGES[page], tmp_path, monkeypatch)
    assert 0 < names["history"].failed.sum() < len(names["history"])


def test_any_function_in_ten_lines(tmp_path, monkeypatch):
    (block,) = (block for block in README if "def evaluate" in block)
    assert len(run([block], tmp_path, monkeypatch)["history"]) == 100
    assert len([line for line in block.splitlines() if line.strip() and "import" not in line]) <= 10
