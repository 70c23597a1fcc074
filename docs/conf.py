"""Sphinx configuration. No notebook is executed here: it shows the outputs of its last run, if there was one."""

import shutil
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.autosummary import autosummary_toc

DOCS = Path(__file__).parent
NOTEBOOKS = DOCS / "_notebooks"
sys.path.insert(0, str(DOCS.parent / "experiments"))

from nastoolkit.explorer.playground import write_playground  # noqa: E402
from pages import write_pages  # noqa: E402

project = "nastoolkit"
author = "nastoolkit developers"
copyright = f"2026, {author}"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_notebooks/*.md"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = "nastoolkit"
html_static_path = ["_static"]
html_extra_path = ["_play"]
html_css_files = ["site.css"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_output_stderr = "remove"  # progress bars
nb_ipywidgets_js = {}  # they are on other servers, and the site works offline
autosummary_generate = True
autodoc_default_options = {
    "members": True,
    "ignore-module-all": True,  # each object once, where it is defined
    # what scikit-learn puts into its subclasses
    "exclude-members": "set_fit_request, set_inverse_transform_request, set_partial_fit_request, set_predict_request, "
    "set_score_request, set_transform_request",
}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_preserve_defaults = True


def keep_property_summary(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Stop napoleon from taking what stands before a colon in a property's first line for its type: a comment goes first."""
    if what == "property":
        lines[:0] = ["..", ""]


def load_pictures_late(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Let browsers load a picture when it comes into view: the page of all figures has more than a hundred."""
    for picture in doctree.findall(nodes.image):
        picture["loading"] = "lazy"


def keep_modules_out_of_the_sidebar(app: Sphinx, doctree: nodes.document) -> None:
    """Leave links to modules in tables alone: a sidebar with all of them on every page takes most of a build's time."""
    for tree in list(doctree.findall(autosummary_toc)):
        tree.parent.remove(tree)
    if app.env.docname.startswith("_api/"):
        app.env.metadata[app.env.docname]["orphan"] = True


def setup(app: Sphinx) -> None:
    """Connect what stands above, ahead of napoleon and of the collection of the sidebar's pages, whose priority is 500."""
    app.connect("autodoc-process-docstring", keep_property_summary, priority=400)
    app.connect("doctree-read", keep_modules_out_of_the_sidebar, priority=400)
    app.connect("doctree-resolved", load_pictures_late)


for generated in (NOTEBOOKS, DOCS / "_api", DOCS / "_play"):  # what is no more has no page
    shutil.rmtree(generated, ignore_errors=True)
write_pages(DOCS.parent, NOTEBOOKS)
write_playground(DOCS / "_play" / "playground.html")
