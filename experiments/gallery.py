"""Figures of long, or else laptop or paper runs: small copies in git, ``experiments/figures/<notebook>/<name>.png``."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image
from profiles import notebook_names
from record import is_finished

from nastoolkit.support.files import atomically

FOLDER = Path("experiments", "figures")
SCREENSHOTS = Path("runs", "browser")
N_COLOURS = 64
BEST_FIRST = ("long", "laptop", "paper")  # a long run decides what a laptop run does not, and few can run the paper's scale


def update_figures(root: Path) -> list[str]:
    """Copy the figures of each notebook's best run with few colours; figures of notebooks that were not run here stay.

    Returns:
        The files made, relative to ``root``.
    """
    made = []
    for name in notebook_names(root):
        figures = next(filter(None, (_figures(root, name, profile) for profile in BEST_FIRST)), [])
        if figures:
            shutil.rmtree(root / FOLDER / name, ignore_errors=True)
            (root / FOLDER / name).mkdir(parents=True)
        for figure in figures:
            path = FOLDER / name / figure.name
            _copy_small(figure, root / path)
            made.append(path.as_posix())
    return made


def update_screenshots(root: Path) -> list[str]:
    """Copy the last screenshots of ``make browser-test`` that the documentation shows, with few colours.

    Returns:
        The files made, relative to ``root``.
    """
    shown = [root / SCREENSHOTS / path.name for path in sorted((root / "docs" / "screenshots").glob("*.png"))]
    for screenshot in filter(Path.exists, shown):
        _copy_small(screenshot, root / "docs" / "screenshots" / screenshot.name, 4 * N_COLOURS)  # it has small marks
    return [f"docs/screenshots/{screenshot.name}" for screenshot in shown if screenshot.exists()]


def _copy_small(figure: Path, target: Path, n_colours: int = N_COLOURS) -> None:
    with Image.open(figure) as image, atomically(target) as new:
        image.convert("RGB").quantize(n_colours).save(new, "PNG", optimize=True)


def _figures(root: Path, name: str, profile: str) -> list[Path]:
    folder = root.joinpath("runs", name, profile)
    return sorted(folder.glob("*.png")) if is_finished(folder) else []


def known_figures(root: Path) -> dict[str, list[str]]:
    """Paths of each notebook's figures, relative to ``experiments/``."""
    figures: dict[str, list[str]] = {}
    for path in sorted((root / FOLDER).rglob("*.png")):
        name = path.parent.relative_to(root / FOLDER).as_posix()
        figures.setdefault(name, []).append(path.relative_to(root / "experiments").as_posix())
    return figures
