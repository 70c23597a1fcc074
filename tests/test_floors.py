"""The package's floors: an import points down, never up and never in a circle; below the torch line nothing imports torch."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "nastoolkit"

# Lowest first. Modules of one line may import each other; a name stands for a module or a whole sub-package.
NUMPY_FLOORS = [
    ["support", "space", "choices", "canonical", "twins", "features"],
    ["objectives", "pareto", "transforms", "statistics", "answers"],
    ["verdicts"],
    ["claims"],
    ["history", "predictors"],
    ["search", "ensembles"],
    ["studies"],
]
TORCH_FLOORS = [
    ["blocks", "counted", "randomness", "taps", "threads"],
    ["families"],
    ["checkpoints", "published"],
    ["supernets"],
    ["tasks"],
    ["training"],
    ["latency", "measurements"],
    ["benchmarks"],
    ["systems"],
    ["figures", "export"],
    ["cli", "explorer", "notebook", "teaching"],
]
FLOOR = {name: floor for floor, names in enumerate(NUMPY_FLOORS + TORCH_FLOORS) for name in names}
TORCH_LINE = len(NUMPY_FLOORS)
FOLDERS = sorted({path.parent for path in PACKAGE.rglob("*.py")} - {PACKAGE})
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def unit_of(module: str) -> str:
    """The name in the table that a dotted module of the package belongs to."""
    return module.split(".")[1]


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> list[str]:
    """Absolute names of all that a file imports, also inside functions: ``from a import b`` gives ``a.b``."""
    return imported(path, path.read_text())


@cache
def imported(path: Path, code: str) -> list[str]:
    package = dotted(path).split(".") if path.name == "__init__.py" else dotted(path).split(".")[:-1]
    found = list[str]()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found += [f"{origin}.{alias.name}" for alias in node.names]
    return found


def circles(folder: Path) -> list[str]:
    """The modules of a folder that import their own package, and a circle of those that import each other."""
    files = {dotted(file): file for file in folder.glob("*.py") if not file.name.startswith("__")}
    package = dotted(folder / "__init__.py")
    parts = {*files, *(f"{package}.{inner.parent.name}" for inner in folder.glob("*/__init__.py"))}
    needs = {module: {part for part in files for name in imports(file) if under(name, part)} for module, file in files.items()}
    own = [
        module
        for module, file in files.items()
        if any(under(name, package) and not any(under(name, part) for part in parts) for name in imports(file))
    ]
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return [*own, " -> ".join(error.args[1])]
    return own


def under(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def faults(path: Path) -> list[str]:
    """What one file of the package does against the floors."""
    unit = unit_of(dotted(path))
    if unit not in FLOOR:
        return [f"{dotted(path)} stands on no floor: give it one in tests/test_floors.py"]
    found = []
    for name in imports(path):
        if name.split(".")[0] == "torch" and FLOOR[unit] < TORCH_LINE:
            found.append(f"{dotted(path)} imports torch below the torch line")
        if name.startswith("nastoolkit.") and FLOOR.get(unit_of(name), -1) > FLOOR[unit]:
            found.append(f"{dotted(path)} imports {name}, which is above it")
    return found


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_no_arrow_points_up(path):
    assert not faults(path)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_arrow_goes_in_a_circle_inside_a_folder(folder):
    assert not circles(folder)


def test_every_name_on_a_floor_is_a_part_of_the_package():
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"__init__"} == set(FLOOR)


def test_importing_the_package_imports_none_of_its_modules():
    root = PACKAGE / "__init__.py"
    assert not [name for name in imports(root) if name.startswith("nastoolkit.")]


def test_the_numpy_part_runs_without_torch():
    names = [f"nastoolkit.{name}" for floor in NUMPY_FLOORS for name in floor]
    code = "import importlib, sys\n"
    code += "for name in sys.argv[1:]:\n  importlib.import_module(name)\n  assert 'torch' not in sys.modules, name"
    ended = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("file", "code", "fault"),
    [
        ("pareto.py", "def f():\n    from nastoolkit.studies import optimize", "imports nastoolkit.studies.optimize"),
        ("search/linas.py", "from ..supernets import Supernet", "imports nastoolkit.supernets.Supernet"),
        ("search/linas.py", "from nastoolkit import supernets", "imports nastoolkit.supernets"),
        ("space.py", "from torch import nn", "imports torch"),
        ("novelty.py", "", "stands on no floor"),
        ("search/linas.py", "from . import base\nfrom ..pareto import front\nimport numpy", None),
        ("families/base.py", "import torch\nfrom nastoolkit.blocks import Conv", None),
    ],
)
def test_the_check_sees_what_it_should(tmp_path, monkeypatch, file, code, fault):
    package = tmp_path / "nastoolkit"
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", package)
    path = package / file
    path.parent.mkdir(parents=True)
    path.write_text(code)
    assert (fault in "".join(faults(path))) if fault else not faults(path)


def test_circles_are_seen(tmp_path, monkeypatch):
    folder = tmp_path / "nastoolkit" / "search"
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", folder.parent)
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("from nastoolkit.search.b import B")
    (folder / "b.py").write_text("def f():\n    from nastoolkit.search import a")
    assert "nastoolkit.search.a -> " in circles(folder)[0]
    (folder / "b.py").write_text("from nastoolkit.search import optimize")
    assert circles(folder) == ["nastoolkit.search.b"]
    (folder / "b.py").write_text("")
    assert not circles(folder)
