"""What every system says of itself: README, documentation and ``nastoolkit papers`` are fed from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Card:
    """A system in a few words.

    Attributes:
        name: Its module, and its folder of notebooks and of experiments.
        title: The paper's title.
        paper: Its number at arXiv.
        claim: What the paper claims, in one sentence.
        methods: Names in the module: what only this paper has.
        notebooks: Names of its notebooks in its folder.
        taught_in: The lesson or how-to page that explains its idea.
        needs: What its notebooks need at the published scale.
    """

    name: str
    title: str
    paper: str
    claim: str
    methods: tuple[str, ...]
    notebooks: tuple[str, ...]
    taught_in: str
    needs: str
