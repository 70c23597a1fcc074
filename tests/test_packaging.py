"""pyproject.toml, constraints.txt, environment.yml and .pre-commit-config.yaml say the same about what gets installed."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import nastoolkit

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [Requirement(text) for group in [PROJECT["dependencies"], *EXTRAS.values()] for text in group]
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
PINNED = {canonicalize_name(pin.name): next(iter(pin.specifier)) for pin in PINS}


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_every_direct_dependency_is_pinned_to_a_version_it_allows(requirement):
    assert requirement.specifier.contains(PINNED[canonicalize_name(requirement.name)].version)


def test_pins_are_exact_and_work_on_any_machine():
    for pin in PINS:
        (specifier,) = pin.specifier
        assert specifier.operator == "==" and not specifier.version.endswith("*"), pin
        assert Version(specifier.version).local is None and pin.url is None, pin
    assert len(PINS) == len(PINNED)


def test_nothing_needs_torchvision():
    # With a CPU build of torch from another index than its own, it cannot be imported.
    assert not {"torchvision", "timm"} & (PINNED.keys() | {canonicalize_name(r.name) for r in REQUIREMENTS})


def test_conda_installs_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, *_, pip = environment["dependencies"]
    assert pip == {"pip": ["-c constraints.txt", "-e .[notebooks]"]}
    assert {"notebooks", "lab", "dev"} <= EXTRAS.keys()  # its comment names them
    assert Version(python.removeprefix("python=")) == Version(PROJECT["requires-python"].removeprefix(">="))


def test_pre_commit_runs_the_pinned_tools():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    tools = {Requirement(text) for hook in repository["hooks"] for text in hook["additional_dependencies"]}
    assert {canonicalize_name(tool.name) for tool in tools} == {"ruff", "nbstripout"}
    for tool in tools:
        assert tool.specifier == Requirement(f"x=={PINNED[canonicalize_name(tool.name)].version}").specifier


def test_the_version_is_the_same_wherever_it_is_told():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"] == nastoolkit.__version__


@pytest.fixture
def setup_py(monkeypatch):
    spec = importlib.util.spec_from_file_location("setup_of_nastoolkit", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(ROOT)
    return module


def test_the_description_has_whole_links_where_the_repository_is_known(setup_py, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "Some-one/nastoolkit")
    told = setup_py.about()
    text, version = told["long_description"], PROJECT["version"]
    assert f"https://raw.githubusercontent.com/Some-one/nastoolkit/v{version}/experiments/headlines.png" in text
    assert f"](https://github.com/Some-one/nastoolkit/blob/v{version}/experiments/CLAIMS.md)" in text
    assert not re.search(r"\]\((?!https?://)[^)\s]", text) and "https://pymoo.org)" in text
    assert told["project_urls"]["Documentation"] == "https://some-one.github.io/nastoolkit/"
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert setup_py.about()["long_description"] == (ROOT / "README.md").read_text()


def test_classifiers_name_the_pythons_that_are_tried():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    tried = {PROJECT["requires-python"].removeprefix(">="), *jobs["other-pythons"]["strategy"]["matrix"]["python"]}
    named = {
        line.split(" :: ")[2] for line in PROJECT["classifiers"] if line.startswith("Programming Language :: Python :: 3.")
    }
    assert named == tried
