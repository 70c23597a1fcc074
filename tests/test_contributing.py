"""The examples of CONTRIBUTING.md work as files, pass the linter and the type checker, and are as short as promised."""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLES = re.findall(r"^## (.+?)\n.*?```(?:python|yaml)\n(.+?)```", TEXT, flags=re.MULTILINE | re.DOTALL)
MODULES = re.findall(r"`nastoolkit/[a-z]+/([a-z]+\.py)`.*?```python\n(.+?)```", TEXT, flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds the examples under the names that the text gives them."""
    for name, code in MODULES:
        (tmp_path / name).write_text(code)
    return tmp_path


def example(folder: Path, name: str) -> Any:
    return runpy.run_path(str(folder / f"{name.lower().removesuffix('family')}.py"))[name]


@pytest.mark.parametrize(("title", "code"), EXAMPLES)
def test_each_is_20_lines_or_less(title: str, code: str) -> None:
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


def test_there_are_three_modules() -> None:
    assert [name for name, _ in MODULES] == ["tiny.py", "local.py", "sparsity.py"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["ruff check --config", "ruff format --check --config", "mypy --config-file"])
def test_they_pass_the_checks_of_the_project(folder: Path, command: str) -> None:
    files = [str(path) for path in sorted(folder.iterdir())]
    checker = [sys.executable, "-m", *command.split(), "pyproject.toml", *files]
    checked = subprocess.run(checker, cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_family_builds_and_shares_weights(folder: Path) -> None:
    family = example(folder, "TinyFamily")()
    supernet = Supernet(family)
    for options in ({"depth": 1, "kernel": 3}, {"depth": 2, "kernel": 5}):
        genotype = family.space.encode(options)
        network = supernet.extract(genotype)
        assert sum(p.numel() for p in network.parameters()) == family.params(genotype)
        x = family.example_inputs(genotype, n=2)
        torch.testing.assert_close(supernet(x, genotype), network(x))


@pytest.mark.parametrize("direction", ["min", "max"])
def test_the_algorithm_searches(folder: Path, monkeypatch: pytest.MonkeyPatch, direction: str) -> None:
    monkeypatch.setitem(ALGORITHMS, "local", example(folder, "Local"))
    space = SearchSpace([Choice(f"c{i}", range(9)) for i in range(4)])
    objectives = [Objective("sum", direction)]
    found = optimize(space, lambda g: g.sum(1), objectives, "local", budget=200, population=10, progress=False)
    assert (found.values.min() == 0) if direction == "min" else (found.values.max() == 32)


def test_the_algorithm_uses_a_space_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALGORITHMS, "local", example(folder, "Local"))
    space = example(folder, "TinyFamily")().space
    history = optimize(space, lambda g: g.sum(1), [Objective("sum", "max")], "local", budget=9, population=2, progress=False)
    assert len(np.unique(history.genotypes, axis=0)) == space.size


def test_the_measurement_measures(folder: Path) -> None:
    family = example(folder, "TinyFamily")()
    sparsity = example(folder, "Sparsity")(Supernet(family), threshold=np.inf)
    assert sparsity(family.space.largest[None]).tolist() == [[100.0]]
    assert sparsity.settings["weights"] == sparsity.supernet.fingerprint
