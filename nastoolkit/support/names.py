"""Unknown names: what messages say about them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that suggests the most similar known name; empty if there is no similar one."""
    meant = get_close_matches(name, list(known), n=1)
    return f", did you mean {meant[0]!r}?" if meant else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """A sentence about a name that is not in a registry: the name that may be meant, and all known ones."""
    names = list(known)
    return f"unknown {kind} {name!r}{did_you_mean(str(name), names)}; known: {', '.join(names)}"
