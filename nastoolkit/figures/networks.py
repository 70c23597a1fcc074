"""Sub-networks: their blocks, and the cost of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from nastoolkit.blocks import BlockSpec, describe_block
from nastoolkit.families import Plan
from nastoolkit.figures.saving import COLOURS

OTHERS = "other blocks"  # those outside stages


def draw_network(axes: Axes, plan: Plan, cost: Callable[[BlockSpec], float], label: str) -> pd.DataFrame:
    """A sub-network from top to bottom: a bar for each block, as long as its cost, with the block's settings."""
    frame = pd.DataFrame(
        [{"block": name, label: cost(spec), "settings": describe_block(spec)} for name, spec in plan],
    )
    rows = np.arange(len(frame))
    axes.barh(rows, frame[label], color=COLOURS[0])
    axes.set_yticks(rows, frame.block)
    for row, length, text in zip(rows, frame[label], frame.settings, strict=True):
        axes.annotate(text, (length, row), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set(xlabel=label, xlim=(0, 1.9 * frame[label].max()))
    axes.invert_yaxis()
    return frame


def plot_breakdown(axes: Axes, plans: Mapping[str, Plan], cost: Callable[[BlockSpec], float], label: str) -> pd.DataFrame:
    """Each block's part in the cost of sub-networks: bars are sub-networks, their pieces blocks, and colours stages."""
    rows = [
        {"network": network, "stage": name.partition(".")[0] if "." in name else OTHERS, "block": name, label: cost(spec)}
        for network, plan in plans.items()
        for name, spec in plan
    ]
    frame = pd.DataFrame(rows)
    stages = [stage for stage in dict.fromkeys(frame.stage) if stage != OTHERS]
    colours = {**dict(zip(stages, cycle(COLOURS), strict=False)), OTHERS: "0.6"}
    for row, blocks in enumerate(frame[frame.network == network] for network in plans):
        ends = blocks[label].cumsum()
        style: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.6, "height": 0.7}
        axes.barh(row, blocks[label], left=ends - blocks[label], color=blocks.stage.map(colours), **style)
        axes.text(ends.iloc[-1], row, f" {ends.iloc[-1]:.3g}", va="center", fontsize=7)
    axes.set(xlabel=label, yticks=range(len(plans)), yticklabels=list(plans), xlim=(0, 1.12 * max(axes.get_xlim())))
    axes.invert_yaxis()
    handles = [Patch(color=colour, label=stage) for stage, colour in colours.items()]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3, fontsize=7, handlelength=1)
    return frame
