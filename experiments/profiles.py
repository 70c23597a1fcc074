"""A notebook's parameters, the values that a profile gives them, and whether these values fit.

A notebook declares its parameters in one cell tagged ``parameters``, a line each: ``name: type = value  # help, unit``.
The file ``experiments/<path>.yaml`` gives ``notebooks/<path>.ipynb`` its values per profile. Papermill only warns of an
unknown parameter and silently loses some declarations; here each is an error.
"""

from __future__ import annotations

import ast
import contextlib
import logging
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
import yaml

from nastoolkit.support.names import did_you_mean

PROFILES = ("smoke", "laptop", "long", "paper")
OPTIONAL = ("long",)  # not every notebook has it
DEEPEST = 10  # levels of YAML
INT, FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
PLAIN_TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}


class UsageError(ValueError):
    """Something that the caller can correct: an unknown name, a wrong type, a missing file."""


def notebook_names(root: Path) -> list[str]:
    """Names of all notebooks: the paths below ``notebooks/`` without their suffix, sorted."""
    folder = root / "notebooks"
    paths = [path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in paths)


def notebook_name(argument: str, root: Path) -> str:
    """The name of the notebook that the argument means: a path to its file, its name, or a part of it that is in no other
    name.

    Raises:
        UsageError: There is no such notebook, or more than one.
    """
    known = notebook_names(root)
    paths = [Path(argument).absolute(), root / argument, root / "notebooks" / f"{argument}.ipynb"]
    meant = [name for name in known if root / "notebooks" / f"{name}.ipynb" in paths]
    meant = meant or [name for name in known if argument and argument in name]
    if len(meant) > 1:
        raise UsageError(f"{argument!r} is a part of several notebooks' names: {', '.join(meant)}")
    if not meant:
        meant_name = did_you_mean(argument, [name.rpartition("/")[2] for name in known])
        raise UsageError(f"no notebook {argument!r}{meant_name}; there are: {', '.join(known) or 'none'}")
    return meant[0]


def declared_parameters(notebook: Path) -> dict[str, ast.expr | None]:
    """The annotation of every parameter of a notebook, by name.

    Raises:
        UsageError: There is no such notebook, not exactly one parameters cell, or a declaration that Papermill would lose.
    """
    try:
        cell = _parameters_cell(notebook)
        statements, seen = ast.parse(cell).body, _seen_by_papermill(notebook)
    except UsageError:
        raise
    except Exception as error:  # of nbformat, of Papermill or of Python's own parser
        raise UsageError(f"{notebook.name} is not a notebook with readable parameters: {error!r}") from error
    annotations: dict[str, ast.expr | None] = {}
    for statement in statements:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            annotations[statement.target.id] = statement.annotation
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            annotations[statement.targets[0].id] = None
    lost = [name for name in annotations if name not in seen]
    if lost:
        raise UsageError(
            f"{notebook.name}: Papermill loses the parameters {', '.join(lost)}: it cannot read annotations with `|` or `.` "
            "(int | None, typing.List, tuple[int, ...]), nor a line with a second `=`, in its comment for example"
        )
    return annotations


def _parameters_cell(notebook: Path) -> str:
    """The source of the one cell that declares a notebook's parameters."""
    cells = nbformat.read(notebook, as_version=4).cells
    sources = [str(cell.source) for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(sources) != 1:
        raise UsageError(f"{notebook.name}: {len(sources)} cells are tagged `parameters`; it needs exactly one")
    return sources[0]


def check_values(name: str, values: Mapping[str, Any], root: Path) -> None:
    """Check a notebook's values, and the defaults of its other parameters, against the rules in its parameters' comments.

    Raises:
        UsageError: Values do not fit; the message has a line for each.
    """
    from nastoolkit.notebook import check  # which imports PyTorch: only the process that plans needs it

    cell = _parameters_cell(root / "notebooks" / f"{name}.ipynb")
    defaults = {
        ast.unparse(node.target): ast.literal_eval(node.value)
        for node in ast.parse(cell).body
        if isinstance(node, ast.AnnAssign) and node.value is not None
    }
    try:
        check([cell], defaults | dict(values))
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None


def _seen_by_papermill(notebook: Path) -> Mapping[str, Any]:
    with _quiet("papermill.translators"):
        return papermill.inspect_notebook(str(notebook))


@contextlib.contextmanager
def _quiet(logger: str) -> Iterator[None]:
    log = logging.getLogger(logger)
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = False


class DecimalLoader(yaml.SafeLoader):
    """YAML whose numbers are what they look like: 010 is ten, not octal, and 1:30 is a text, not a number in base 60."""


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(str(loader.construct_scalar(node)))


DecimalLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (INT, FLOAT)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
DecimalLoader.add_implicit_resolver(INT, re.compile(r"^[-+]?[0-9]+(_[0-9]+)*$"), list("-+0123456789"))
DecimalLoader.add_implicit_resolver(
    FLOAT, re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.inf$|^\.nan$"), list("-+.0123456789")
)
DecimalLoader.add_constructor(INT, _decimal)


def _read_yaml(text: str, where: str) -> Any:
    try:
        _refuse_bomb(text, where)
        return DecimalLoader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{where} is not YAML{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a control character; a date that is none
        raise UsageError(f"{where} is not YAML: {' '.join(str(error).split())}") from None


def _refuse_bomb(text: str, where: str) -> None:
    """Refuse what makes a few lines of YAML huge: aliases and nesting."""
    depth = 0
    for event in yaml.parse(text):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            raise UsageError(f"{where} has an alias (*name), or more than {DEEPEST} levels: neither is taken here")


def notebooks_with(profile: str, root: Path) -> list[str]:
    """Names of all notebooks that have a profile, or need one.

    Raises:
        UsageError: As in :func:`read_profiles`.
    """
    names = notebook_names(root)
    return [name for name in names if profile not in OPTIONAL or profile in read_profiles(name, root)]


def read_profiles(name: str, root: Path) -> dict[Any, Any]:
    """What ``experiments/<name>.yaml`` holds, by profile, unchecked.

    Raises:
        UsageError: There is no such file, or it is not a YAML mapping ``profiles: {name: {parameter: value}}``.
    """
    path = root / "experiments" / f"{name}.yaml"
    if not path.is_file():
        raise UsageError(f"no experiments/{name}.yaml, which holds the profiles of notebooks/{name}.ipynb")
    content = _read_yaml(path.read_text(errors="replace"), f"experiments/{name}.yaml")
    if not isinstance(content, dict) or set(content) != {"profiles"} or not isinstance(content["profiles"], dict):
        raise UsageError(f"experiments/{name}.yaml: needs one key, `profiles`, with a mapping of parameters for each profile")
    return content["profiles"]


def profile_values(name: str, profile: str, root: Path) -> dict[str, Any]:
    """The values that a profile gives a notebook's parameters, unchecked.

    Raises:
        UsageError: There is no such profile, or it is not a mapping; and as in :func:`read_profiles`.
    """
    profiles = read_profiles(name, root)
    if profile not in profiles:
        raise UsageError(f"experiments/{name}.yaml: no profile {profile!r}; it has: {', '.join(map(str, profiles))}")
    values = profiles[profile] or {}
    if not isinstance(values, dict):
        raise UsageError(f"experiments/{name}.yaml: profile {profile!r} is not a mapping of parameters to values")
    return values


def fitting_values(name: str, values: Mapping[str, Any], settings: Mapping[str, str], root: Path) -> dict[str, Any]:
    """A notebook's parameter values: a profile's ``values``, then ``settings``, texts from the command line.

    Raises:
        UsageError: A parameter is unknown, a text is not YAML, or a value does not fit its parameter's annotation.
    """
    annotations = declared_parameters(root / "notebooks" / f"{name}.ipynb")
    unknown = [key for key in [*values, *settings] if key not in annotations]
    if unknown:
        meant = did_you_mean(str(unknown[0]), annotations)
        raise UsageError(f"{name}: unknown parameters {', '.join(map(str, unknown))}{meant}; it has: {', '.join(annotations)}")
    fitting = {key: _fit(name, key, value, annotations[key]) for key, value in values.items()}
    for key, text in settings.items():
        annotation = annotations[key]
        is_text = annotation is not None and ast.unparse(annotation) == "str"
        fitting[key] = _fit(name, key, text if is_text else _read_yaml(text, f"--set {key}={text}"), annotation)
    return fitting


def _fit(notebook: str, parameter: str, value: Any, annotation: ast.expr | None) -> Any:
    try:
        return value if annotation is None else fit(value, annotation)
    except TypeError:
        wanted = ast.unparse(annotation) if annotation else ""
        raise UsageError(f"{notebook}: {parameter} is of type {wanted}, which {value!r} is not") from None


def fit(value: Any, annotation: ast.expr) -> Any:
    """The value; an int, or a text like ``1e-3`` (a string in YAML), becomes a float if a float is wanted.

    Raises:
        TypeError: It does not fit the annotation, or the annotation is not one of :data:`PLAIN_TYPES`, with or without items.
    """
    match annotation:
        case ast.Name(id="float") if not isinstance(value, bool):
            return _float(value)
        case ast.Name(id=name) if name in PLAIN_TYPES and type(value) is PLAIN_TYPES[name]:
            return value
        case ast.Subscript(value=ast.Name(id="list"), slice=item) if isinstance(value, list):
            return [fit(element, item) for element in value]
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, item])) if isinstance(value, dict):
            return {fit(k, key): fit(v, item) for k, v in value.items()}
    raise TypeError


def _float(value: Any) -> float:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise TypeError from None
    if math.isnan(number):
        raise TypeError
    return number
