import subprocess

import nbformat
import pytest
from badges import address_here, install_cell, with_badges, without_badges, write_badges
from sources import substance

TITLE = "# Title\n\nText with [a link](x.md)."


def test_badges_stand_under_the_title_and_can_be_taken_off_and_changed():
    once = with_badges(TITLE, "me/nastoolkit", "a/b")
    title, _, badges, *_ = once.split("\n")
    assert title == "# Title" and once.endswith("\n\nText with [a link](x.md).")
    assert "(https://mybinder.org/v2/gh/me/nastoolkit/HEAD?labpath=notebooks/a/b.ipynb)" in badges
    assert "(https://colab.research.google.com/github/me/nastoolkit/blob/HEAD/notebooks/a/b.ipynb)" in badges
    assert without_badges(once) == TITLE == without_badges(TITLE)
    assert with_badges(with_badges(TITLE, "you/fork", "a/b"), "me/nastoolkit", "a/b") == once
    assert without_badges(with_badges("# Title", "me/nastoolkit", "a/b")) == "# Title"


def test_only_the_first_text_of_a_notebook_changes(tmp_path):
    (tmp_path / "notebooks/a").mkdir(parents=True)
    cells = [
        nbformat.v4.new_markdown_cell(TITLE),
        nbformat.v4.new_code_cell("n: int = 1  # [from 1]"),
        nbformat.v4.new_markdown_cell("End."),
    ]
    path = tmp_path / "notebooks/a/b.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    before = list(substance("a/b", tmp_path))
    for repository in ("you/fork", "me/nastoolkit"):
        assert write_badges(tmp_path, repository) == 1
    first, install, *rest = nbformat.read(path, as_version=4).cells
    assert "mybinder" in first.source and [cell.source for cell in rest] == [cell.source for cell in cells[1:]]
    assert "git+https://github.com/me/nastoolkit" in install.source and "fork" not in first.source + install.source
    assert list(substance("a/b", tmp_path)) == before


def test_the_install_cell_does_nothing_where_the_package_is(monkeypatch):
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("something was run"))
    exec(install_cell("nothing").source, {})


@pytest.mark.parametrize("repository", ["nastoolkit", "https://github.com/me/nastoolkit", ""])
def test_a_repository_without_an_owner_is_told(tmp_path, repository):
    with pytest.raises(ValueError, match="^a repository must be OWNER/NAME, got"):
        write_badges(tmp_path, repository)


@pytest.mark.parametrize("address", ["https://github.com/me/nastoolkit.git", "git@github.com:me/nastoolkit", ""])
def test_the_address_is_that_of_the_workflow_or_of_the_clone(address, tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    if address:
        subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", address], check=True)
        assert address_here(tmp_path) == "me/nastoolkit"
    else:
        with pytest.raises(ValueError, match="does not come from GitHub; name the repository"):
            address_here(tmp_path)
    monkeypatch.setenv("GITHUB_REPOSITORY", "you/fork")
    assert address_here(tmp_path) == "you/fork"
