"""The page's state as a part of its address, so that a network can be kept and sent as a link."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode

import numpy as np

from nastoolkit.explorer.model import Model
from nastoolkit.explorer.pictures import Address

TRAITS = ("hardware", "quality", "cost")


def state_of(model: Model) -> str:
    """The current network and objectives, as ``family=...&network=0.2.1&hardware=...``."""
    genes = ".".join(map(str, np.asarray(model.genotype).tolist()))
    return urlencode(
        {
            "family": model.family.name,
            "network": genes,
            **{name: getattr(model, name) for name in TRAITS if getattr(model, name)},
        }
    )


def restore(model: Model, state: str) -> str:
    """Show what :func:`state_of` wrote; the empty text, or what could not be done. Another machine may lack the hardware.

    What was written for another family changes nothing.
    """
    told = {name: values[-1] for name, values in parse_qs(state).items()}
    if told.get("family", model.family.name) != model.family.name:
        return ""
    known = {"hardware": model.tables, "quality": model.qualities}
    for name, options in known.items():
        if told.get(name) in options:
            model.set_trait(name, told[name])
    if told.get("cost") in model.costs:
        model.cost = told["cost"]
    genes = told.get("network", "").split(".")
    if len(genes) != model.space.n_genes or not all(gene.isdecimal() and len(gene) < 4 for gene in genes):
        return f" The link names no network of {model.family.name}."
    model.show(np.array([int(gene) for gene in genes]))
    return ""


class Permalink(Address):
    """The link to the current network; a visit by a link shows its network.

    Args:
        model: Model that the address follows, and that follows the address.
    """

    def __init__(self, model: Model) -> None:
        super().__init__(state=state_of(model))
        self.add_class("explorer-link")
        self._of = model
        model.observe(lambda _: self._write(), ["genotype", *TRAITS])
        self.on_msg(lambda _, content, __: self._read(content))

    def _write(self) -> None:
        self.state, self.problem = state_of(self._of), ""

    def _read(self, content: dict[str, Any]) -> None:
        self.problem = restore(self._of, str(content.get("state", "")))
