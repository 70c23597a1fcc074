"""HTML of the current sub-network: its blocks, each with its latency, MACs and parameters, and the totals."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import groupby

import numpy as np

from nastoolkit.blocks import CHANNELS, BlockSpec, describe_block
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.totals_view import LABELS, shown

HALF, HEIGHT = 50, 36  # of a block's drawing: half its width, and its height


@dataclass(frozen=True)
class Block:
    """One place of the network.

    Attributes:
        name: Name of the slot.
        spec: Block there; None if the place is empty.
        costs: Costs of the block: ``latency_ms`` (with a lookup table), ``macs`` and ``params``.
    """

    name: str
    spec: BlockSpec | None
    costs: dict[str, float]


def blocks_of(model: Model, genotype: np.ndarray | None = None) -> list[Block]:
    """Every place of a sub-network, by default the current one, including empty ones, from input to output."""
    plan = dict(model.plan if genotype is None else model.family.plan(genotype))
    return [_block(slot.name, plan.get(slot.name), model) for slot in model.family.slots]


def _block(name: str, spec: BlockSpec | None, model: Model) -> Block:
    if spec is None:
        return Block(name, None, {})
    latency = {"latency_ms": model.table.timings[spec].median_ms} if model.table else {}
    return Block(name, spec, {**latency, "macs": float(spec.macs), "params": float(spec.params)})


def network_html(model: Model) -> str:
    """The blocks as cards, stage by stage; a bar shows each cost as a share of the most expensive block's."""
    blocks = blocks_of(model)
    names = next(list(block.costs) for block in blocks if block.costs)
    most = {name: max(block.costs.get(name, 0.0) for block in blocks) or 1.0 for name in names}
    widest = max(width for block in blocks for width in widths_of(block.spec))
    stages = [(stage, [*group]) for stage, group in groupby(blocks, key=lambda block: block.name.rpartition(".")[0])]
    sections = [
        f"<section><h4>{escape(stage or ('output' if before else 'input'))}</h4>"
        f"{''.join(_card(block, most, widest) for block in group)}</section>"
        for before, (stage, group) in enumerate(stages)
    ]
    legend = " ".join(f'<span class="explorer-bar {name}"></span>{LABELS[name]}' for name in names)
    return f'<div class="explorer-blocks">{"".join(sections)}</div><p class="explorer-legend">{legend}</p>'


def _card(block: Block, most: dict[str, float], widest: float) -> str:
    name = f'<div class="explorer-card-name">{escape(block.name.rpartition(".")[2])}</div>'
    if block.spec is None:
        return f'<div class="explorer-card empty" data-block="{escape(block.name)}">{name}<small>left out</small></div>'
    kind, _, widths = describe_block(block.spec).partition(", ")
    bars = "".join(_bar(cost, value, value / most[cost]) for cost, value in block.costs.items())
    about = f'title="{escape(block.name)}: {escape(describe_block(block.spec))}" data-kernel="{_kernel(block.spec)}"'
    text = f"<small>{escape(kind.replace('x', '×') if _kernel(block.spec) else kind)}<br>{escape(widths)}</small>"
    shape = _shape(block.spec, widest)
    return f'<div class="explorer-card" data-block="{escape(block.name)}" {about}>{name}{shape}{text}{bars}</div>'


def _bar(cost: str, value: float, share: float) -> str:
    bar = f'<span class="explorer-bar {cost}" style="width:{100 * share:.1f}%"></span>'
    return f'<div class="explorer-card-cost">{bar}<span>{shown(cost, value)}</span></div>'


def _kernel(spec: BlockSpec) -> str:
    return str(getattr(spec, "kernel", ""))


def widths_of(spec: BlockSpec | None) -> list[float]:
    """Numbers of channels or features into, inside and out of a block; empty without a block."""
    return [float(getattr(spec, name)) for name in CHANNELS if hasattr(spec, name)]


def _shape(spec: BlockSpec, widest: float) -> str:
    """The block's outline; its height shows the number of channels on a square-root scale."""
    widths = widths_of(spec) or [1.0]
    widths = widths * 2 if len(widths) == 1 else widths
    heights = (HEIGHT / 2 - 1) * np.sqrt(np.array(widths) / widest)
    across = np.linspace(0, 2 * HALF, len(widths))
    outline = [*zip(across, HEIGHT / 2 - heights, strict=True), *zip(across[::-1], HEIGHT / 2 + heights[::-1], strict=True)]
    points = " ".join(f"{x:.0f},{y:.1f}" for x, y in outline)
    return f'<svg viewBox="0 0 {2 * HALF} {HEIGHT}" preserveAspectRatio="none"><polygon points="{points}"/></svg>'
