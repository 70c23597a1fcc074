"""Messages about unknown names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the known name that is most similar to this one; empty if none is similar."""
    meant = get_close_matches(name, list(known), n=1)
    return f", did you mean {meant[0]!r}?" if meant else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """A message about a name that is not in a registry: the one that may be meant, and all known names."""
    names = list(known)
    return f"unknown {kind} {name!r}{did_you_mean(str(name), names)}; known: {', '.join(names)}"
