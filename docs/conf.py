"""Sphinx configuration. Nothing is executed here: a notebook shows the outputs of its last laptop run, if there was one."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx

project = "nastoolkit"
author = "nastoolkit developers"
copyright = f"2026, {author}"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "furo"
nb_execution_mode = "off"
autosummary_generate = True
autodoc_default_options = {
    "members": True,
    "ignore-module-all": True,  # each object once, where it is defined
    "exclude-members": "set_fit_request, set_predict_request, set_score_request",  # scikit-learn puts them into its subclasses
}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_preserve_defaults = True


def collect_notebooks() -> None:
    """Copy each notebook below ``docs/``, as Sphinx wants it: the executed copy rather than the source."""
    docs = Path(__file__).parent
    target = docs / "_notebooks"
    shutil.rmtree(target, ignore_errors=True)
    sources = docs.parent / "notebooks"
    for source in sources.rglob("*.ipynb"):
        if ".ipynb_checkpoints" in source.parts:
            continue
        path = source.relative_to(sources)
        executed = docs.parent / "runs" / path.with_suffix("") / "laptop" / "notebook.ipynb"
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(executed if executed.exists() else source, copy)


def keep_property_summary(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Stop napoleon from taking what stands before a colon in a property's first line for its type: a comment goes first."""
    if what == "property":
        lines[:0] = ["..", ""]


def setup(app: Sphinx) -> None:
    """Connect :func:`keep_property_summary` ahead of napoleon, whose priority is 500."""
    app.connect("autodoc-process-docstring", keep_property_summary, priority=400)


collect_notebooks()
