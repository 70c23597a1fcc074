"""Rules for a notebook's parameters, declared in their comments and checked before a kernel starts and inside it.

``n_seeds: int = 5  # seeds of every search [from 2]``; several rules are separated by commas:

- ``from``, ``above``, ``to`` or ``below`` and a number bound every number of the parameter, also in lists and values of dicts;
- ``key of`` or ``keys of`` a registry: a value, the items of a list or the keys of a dict are keys of that registry; another
  parameter will do as one;
- ``values of`` a registry: the values of a dict are keys of that registry;
- ``as many as`` another parameter: both have as many items;
- ``not empty``: there is an item.
"""

from __future__ import annotations

import ast
import io
import operator
import re
import tokenize
from collections.abc import Collection, Iterator, Mapping
from itertools import count, takewhile
from typing import Any

from nastoolkit.support.names import did_you_mean

BOUNDS = {"from": operator.ge, "above": operator.gt, "to": operator.le, "below": operator.lt}
WORDS = {"from": "at least", "above": "above", "to": "at most", "below": "below"}
KNOWN = "from N, above N, to N, below N, key of NAMES, keys of NAMES, values of NAMES, as many as PARAMETER, not empty"
_BRACKETS = re.compile(r"\[([^\[\]]+)\]\s*$")


INJECTED = "# Parameters"  # the first line of the cell that Papermill adds


def check_injected(cells: Collection[str]) -> None:
    """Refuse parameters that Papermill injected but no cell declares: it only warns of them, and the defaults would run.

    Args:
        cells: Code of the cells that ran, in order.

    Raises:
        ValueError: Parameters do not exist; the message lists those that do.
    """
    declared: list[str] = []
    for cell in cells:
        nodes = _statements(cell)
        declared += [ast.unparse(node.target) for node in nodes if isinstance(node, ast.AnnAssign)]
        if cell.startswith(INJECTED):
            given = [ast.unparse(target) for node in nodes if isinstance(node, ast.Assign) for target in node.targets]
            if unknown := [name for name in given if name not in declared]:
                meant = did_you_mean(unknown[0], declared)
                raise ValueError(f"there is no parameter {', '.join(unknown)}{meant}; there are: {', '.join(declared)}")


def _statements(cell: str) -> list[ast.stmt]:
    """The statements of a cell; none if it contains something that only IPython understands."""
    try:
        return ast.parse(cell).body
    except SyntaxError:
        return []


def declared_rules(cell: str) -> dict[str, str]:
    """The rules in a cell that declares parameters: the text in brackets at the end of a parameter's comment.

    A comment stands behind a parameter, or in indented lines below it, or begins behind it and goes on below.
    """
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(cell).readline) if token.type == tokenize.COMMENT]
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens}
    goes_on = {token.start[0] for token in tokens if token.start[1] and token.line.lstrip().startswith("#")}
    found: dict[str, re.Match[str] | None] = {}
    for node in ast.parse(cell).body:
        if isinstance(node, ast.AnnAssign):
            last = node.end_lineno or 0
            below = takewhile(goes_on.__contains__, count(last + 1))
            found[ast.unparse(node.target)] = _BRACKETS.search(" ".join(comments.get(line, "") for line in (last, *below)))
    return {name: brackets[1] for name, brackets in found.items() if brackets}


def check_parameters(
    values: Mapping[str, Any], rules: Mapping[str, str], registries: Mapping[str, Collection[str]] | None = None
) -> None:
    """Check parameters against their rules.

    Args:
        values: Value of each parameter.
        rules: Rules of some parameters, as described in this module.
        registries: Registries' keys, by the names that rules use for registries.

    Raises:
        ValueError: Values do not fit, one line each; or a rule is not valid.
    """
    if unknown := [name for name in rules if name not in values]:
        raise ValueError(f"there are rules for {', '.join(unknown)}; the parameters are {', '.join(values)}")
    parts = [(name, part.strip()) for name, rule in rules.items() for part in rule.split(",")]
    found = [(name, _fault(values[name], part, values, registries or {})) for name, part in parts]
    if faults := [f"{name}: {fault}" for name, fault in found if fault]:
        raise ValueError("\n".join(faults))


def _fault(value: Any, rule: str, values: Mapping[str, Any], registries: Mapping[str, Collection[str]]) -> str:
    """What is wrong with a value; empty if it fits the rule."""
    match rule.split():
        case [word, bound] if word in BOUNDS:
            fits = all(BOUNDS[word](number, float(bound)) for number in _numbers(value))
            return "" if fits else f"must be {WORDS[word]} {bound}, got {value!r}"
        case ["key" | "keys" | "values" as side, "of", name] if name in {**values, **registries}:
            return _fault_of_names(value.values() if side == "values" else value, {**values, **registries}[name])
        case ["as", "many", "as", other] if other in values:
            fits = len(value) == len(values[other])
            return "" if fits else f"needs one for each of {other}, {values[other]!r}; got {value!r}"
        case ["not", "empty"]:
            return "" if value else "needs at least one"
    names = ", ".join([*registries, *values])
    raise ValueError(f"unknown rule {rule!r}; known: {KNOWN}, where names are among {names}")


def _fault_of_names(names: Any, known: Collection[Any]) -> str:
    several = isinstance(names, Collection) and not isinstance(names, str)
    unknown = [name for name in (names if several else [names]) if name not in known]
    meant = did_you_mean(str(unknown[0]), map(str, known)) if unknown else ""
    return f"there is no {', '.join(map(repr, unknown))}{meant}; known: {', '.join(map(str, known))}" if unknown else ""


def _numbers(value: Any) -> Iterator[float]:
    """All numbers of a value; for anything else NaN, which fits no bound."""
    if isinstance(value, Mapping):
        yield from _numbers(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)
    else:
        yield value if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
