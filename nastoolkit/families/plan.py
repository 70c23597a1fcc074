"""Plans: what a genotype means, block by block."""

from __future__ import annotations

import pandas as pd

from nastoolkit.blocks import BlockSpec, describe_block
from nastoolkit.support import tables as html


class Plan(tuple[tuple[str, BlockSpec], ...]):
    """Named block specs from input to output: a tuple that notebooks show as a table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        rows = [(name, describe_block(spec), spec.macs / 1e6, f"{spec.params:,}") for name, spec in self]
        frame = pd.DataFrame(rows, columns=["block", "settings", "MMACs", "params"])
        total = f"{frame.MMACs.sum():.4g} MMACs, {sum(spec.params for _, spec in self):,} params"
        return html.table(f"{len(self)} blocks, {total}", frame)
