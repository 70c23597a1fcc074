"""``nastoolkit papers``: papers that the code follows."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import Any

import nastoolkit
from nastoolkit.cli.options import AsJson
from nastoolkit.cli.terminal import show
from nastoolkit.systems import SYSTEMS


def papers(as_json: AsJson = False) -> None:
    """List the papers that are reproduced here, and all papers that the code follows."""
    found: dict[str, dict[str, Any]] = {}
    for module in pkgutil.walk_packages(nastoolkit.__path__, "nastoolkit."):
        text = importlib.import_module(module.name).__doc__ or ""
        for key, reference in re.findall(r"^\[(\w+)\] (.+?)(?=\n\[|\n\n|\Z)", text, flags=re.MULTILINE | re.DOTALL):
            entry = found.setdefault(key, {"key": key, "reference": _plain(reference), "modules": []})
            entry["modules"].append(module.name)
    systems = [
        {"name": card.name, "paper": f"arXiv {card.paper}", "claim": card.claim, "notebooks": list(card.notebooks)}
        for card in SYSTEMS.values()
    ]
    show({"systems": systems, "papers": [found[key] for key in sorted(found)]}, as_json)


def _plain(text: str) -> str:
    """A reference on one line, without markup."""
    return " ".join(re.sub(r"(?::\w+)?:?`+~?([^`]+)`+", r"\1", text).split())
