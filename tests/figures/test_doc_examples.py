"""Every plot has an example in docs/plots.md, and every example draws something."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from nastoolkit import figures

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "plots.md").read_text()
BLOCKS = re.findall(r"^```\{code-cell\}\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)
PLOTS = [name for name in figures.__all__ if name.startswith(("plot_", "draw_"))]


@pytest.mark.slow
def test_every_example_draws_what_it_returns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        plt.close("all")
        exec(compile(block, "docs/plots.md", "exec"), names)
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
            assert all(axes.has_data() for axes in plt.figure(number).axes), block
        assert plt.get_fignums() and len(names["points"]), block


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_has_an_example(name):
    assert any(re.search(rf"\b{name}\(", block) for block in BLOCKS)
