"""The figures of laptop runs, small copies that stay in git: ``experiments/figures/<notebook>/<figure>.png``."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image
from profiles import notebook_names

FOLDER = Path("experiments", "figures")
N_COLOURS = 64


def update_figures(root: Path) -> list[str]:
    """Copy the figures of all laptop runs, with few colours; those of notebooks that were not run here stay.

    Returns:
        The files made, relative to ``root``.
    """
    made = []
    for name in notebook_names(root):
        figures = sorted(root.joinpath("runs", name, "laptop").glob("*.png"))
        if figures:
            shutil.rmtree(root / FOLDER / name, ignore_errors=True)
            (root / FOLDER / name).mkdir(parents=True)
        for figure in figures:
            path = FOLDER / name / figure.name
            with Image.open(figure) as image:
                image.convert("RGB").quantize(N_COLOURS).save(root / path, optimize=True)
            made.append(path.as_posix())
    return made


def known_figures(root: Path) -> dict[str, list[str]]:
    """Paths of each notebook's figures, relative to ``experiments/``."""
    figures: dict[str, list[str]] = {}
    for path in sorted((root / FOLDER).rglob("*.png")):
        name = path.parent.relative_to(root / FOLDER).as_posix()
        figures.setdefault(name, []).append(path.relative_to(root / "experiments").as_posix())
    return figures
