"""``nastoolkit papers``: what the code follows."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import Any

import nastoolkit
from nastoolkit.cli.options import AsJson
from nastoolkit.cli.terminal import show


def papers(as_json: AsJson = False) -> None:
    """List the papers that the code follows, and the modules that follow them."""
    found: dict[str, dict[str, Any]] = {}
    for module in pkgutil.walk_packages(nastoolkit.__path__, "nastoolkit."):
        text = importlib.import_module(module.name).__doc__ or ""
        for key, reference in re.findall(r"^\[(\w+)\] (.+?)(?=\n\[|\n\n|\Z)", text, flags=re.MULTILINE | re.DOTALL):
            entry = found.setdefault(key, {"key": key, "reference": " ".join(reference.split()), "modules": []})
            entry["modules"].append(module.name)
    show({"papers": [found[key] for key in sorted(found)]}, as_json)
