"""The lessons as slides, in ``runs/slides/``: a page for each, with the outputs of its best run.

A cell's ``slide_type`` says what becomes of it: ``slide`` begins a new slide to the right, ``subslide`` one below, and
``skip`` is left out: parameters, imports, solutions, references.

The pages are made for reveal.js, which they fetch from https://unpkg.com. If ``runs/slides/reveal.js`` has a copy, they use
that, and a lecture needs no network: ``npm pack reveal.js@4.6.0`` in ``runs/slides``, unpack the file, and rename its folder
``package`` to ``reveal.js``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import run
from nbconvert.exporters import SlidesExporter
from pages import add_outputs
from profiles import PROFILES

from nastoolkit.support.files import atomically
from nastoolkit.teaching.students import UNFOLD, lessons, read

ROOT = run.ROOT
FOLDER = "runs/slides"
REVEAL = "reveal.js"
CDN = "https://unpkg.com/reveal.js@4.6.0"


def without_outputs(root: Path) -> list[str]:
    """Names of the lessons of which no run is kept with the code that they have now."""
    found = lessons(root / "notebooks" / "learn").values()
    return [f"learn/{path.stem}" for path in found if not add_outputs(read(path), root / "runs" / "learn" / path.stem)]


def write_slides(root: Path) -> list[str]:
    """Write the slides of all lessons; returns a line for each page, with the run that its outputs are from."""
    folder = root / FOLDER
    prefix = REVEAL if (folder / REVEAL).is_dir() else CDN
    template = {"template_name": "nastoolkit", "extra_template_basedirs": [str(ROOT / "experiments" / "slides")]}
    exporter, lines = SlidesExporter(reveal_url_prefix=prefix, **template), []
    for path in lessons(root / "notebooks" / "learn").values():
        lesson = read(path)
        profile = add_outputs(lesson, root / "runs" / "learn" / path.stem)
        for cell in lesson.cells:
            cell.source = UNFOLD.sub("", cell.source)
            cell.metadata.setdefault("slideshow", {"slide_type": "skip"})  # the cell that Papermill adds
        page, _ = exporter.from_notebook_node(lesson, {"metadata": {"name": path.stem}})
        with atomically(folder / f"{path.stem}.html") as file:
            file.write_text(page)
        lines.append(f"{FOLDER}/{path.stem}.html: {f'outputs of its {profile} run' if profile else 'no outputs'}")
    return [*lines, f"a lecture needs {'no network' if prefix == REVEAL else 'the network, for reveal.js'}"]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code, which is that of the runs."""
    parser = argparse.ArgumentParser(prog="lecture.py", description=__doc__)
    parser.add_argument(
        "--profile", default="laptop", choices=PROFILES, help="of lessons that have to be run; default: laptop"
    )
    parser.add_argument("--jobs", default="1", help="lessons that run side by side; default: 1")
    asked = parser.parse_args(argv)
    names = without_outputs(ROOT)
    code = run.main([*names, "--profile", asked.profile, "--jobs", asked.jobs]) if names else 0
    print("\n".join(write_slides(ROOT)))
    return code


if __name__ == "__main__":
    sys.exit(main())
