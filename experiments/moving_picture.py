"""Make the moving picture of the site's home page, ``docs/pictures/search.gif``: LINAS on the digits' table, round by round.

``.venv/bin/python experiments/moving_picture.py`` takes about a minute. Its last frame stays for three seconds.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from nastoolkit import BENCHMARKS, History, optimize
from nastoolkit.figures import COLOURS, draw_front, new_figure
from nastoolkit.support.files import atomically

FILE = Path(__file__).parents[1] / "docs" / "pictures" / "search.gif"
BUDGET, ROUND = 100, 10  # measurements of the search, and between two frames
N_COLOURS = 32
FRAME_MS, LAST_MS = 700, 3000


def main() -> None:
    """Search, draw a frame after each round, and write the picture."""
    problem = BENCHMARKS["digits-mbv3-table"]()
    history = optimize(problem.space, problem.evaluate, problem.objectives, "linas", budget=BUDGET, seed=0, progress=False)
    frames = [frame(history, n) for n in range(ROUND, BUDGET + 1, ROUND)]
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    FILE.parent.mkdir(exist_ok=True)
    with atomically(FILE) as new:
        frames[0].save(new, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    print(f"{FILE}: {FILE.stat().st_size / 1e3:.0f} kB")


def frame(history: History, n: int) -> Image.Image:
    """The first ``n`` measurements: the last round's dark, earlier ones pale, and their front."""
    figure, (axis,) = new_figure()
    for part, alpha in ((history.values[: n - ROUND], 0.25), (history.values[n - ROUND : n], 1.0)):
        axis.scatter(part[:, 1], part[:, 0], s=12, color=COLOURS[0], alpha=alpha, linewidths=0)
    draw_front(axis, history[:n], color=COLOURS[1], linewidth=1.5)
    low, high = history.values.min(axis=0), history.values.max(axis=0)
    margin = 0.05 * (high - low)
    limits = {"xlim": (low[1] - margin[1], high[1] + margin[1]), "ylim": (low[0] - margin[0], high[0] + margin[0])}
    axis.set(xlabel=history.objectives[1].label, ylabel=history.objectives[0].label, **limits)
    axis.set_title(f"{n} of {BUDGET} networks measured", fontsize="medium")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    plt.close(figure)
    return Image.fromarray(np.ascontiguousarray(pixels)).quantize(N_COLOURS)


if __name__ == "__main__":
    main()
