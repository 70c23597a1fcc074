"""What the networks on the front have in common: for each choice, how many of them take which option."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from nastoolkit.choices import Choice
from nastoolkit.explorer.model import Model
from nastoolkit.history import History

LEAST = 3  # networks on the front; with fewer, everything is shared


def shares_html(model: Model) -> str:
    """A row for each choice that the front has, unless all networks agree; bars are the front's shares, ticks the others'."""
    study = model.study
    front, others = study[study.on_front], study[~study.on_front & ~study.failed]
    if len(front) < LEAST:
        return f'<p class="explorer-legend">Fewer than {LEAST} networks are on the front: search first.</p>'
    alive, on_front = model.space.alive(study.genotypes), model.space.alive(front.genotypes)
    options = [np.unique(study.genotypes[alive[:, gene], gene]) for gene in range(model.space.n_genes)]
    free = [gene for gene, taken in enumerate(options) if len(taken) > 1 and on_front[:, gene].any()]
    rows = "".join(_row(model.space.choices[gene], gene, front, others) for gene in free)
    return (
        f'<p class="explorer-legend">{_unanimous(front, free)} The bar is the share on the front, the tick that of the '
        f'{len(others)} others shown; a choice counts where it matters.</p><div class="explorer-shares">{rows}</div>'
    )


def _unanimous(front: History, free: Sequence[int]) -> str:
    """A sentence on the choices in which all networks of the front agree, where all have them."""
    choices, alive = front.space.choices, front.space.alive(front.genotypes)
    agreed = [gene for gene in free if alive[:, gene].all() and not np.ptp(front.genotypes[:, gene])]
    named = [f"{choices[gene].name} {choices[gene].options[front.genotypes[0, gene]]}" for gene in agreed]
    if not named:
        return f"No choice is the same in all {len(front)} networks of the front."
    return f"All {len(front)} networks of the front have <b>{escape(', '.join(named))}</b>."


def _row(choice: Choice, gene: int, front: History, others: History) -> str:
    n_alive = int(front.space.alive(front.genotypes)[:, gene].sum())
    pairs = zip(choice.options, front.option_shares()[choice.name], others.option_shares()[choice.name], strict=True)
    cells = "".join(_cell(str(option), *np.nan_to_num([share, usual])) for option, share, usual in pairs)
    return f'<div data-choice="{escape(choice.name)}"><b>{escape(choice.name)}</b><small>of {n_alive}</small>{cells}</div>'


def _cell(option: str, share: float, usual: float) -> str:
    tick = f'<u style="left:{100 * usual:.0f}%"></u>'
    about = f"{share:.0%} on the front, {usual:.0%} of the others"
    return f'<span title="{about}"><em>{escape(option)}</em><i style="width:{100 * share:.0f}%"></i>{tick}</span>'
