"""What every system has: its methods, notebooks with profiles, verdicts on the scoreboard, and a page that teaches it."""

import json
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from nastoolkit.systems import SYSTEMS

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = json.loads((ROOT / "experiments" / "claims.json").read_text())
PROFILES = {"smoke", "laptop", "paper"}


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_card_names_what_there_is(name):
    card, module = SYSTEMS[name], import_module(f"nastoolkit.systems.{name}")
    assert card.name == name and all(callable(getattr(module, method)) for method in card.methods)
    assert card.paper in module.__doc__


@pytest.mark.parametrize("name", SYSTEMS)
def test_its_notebooks_are_those_of_its_folder_and_have_all_profiles(name):
    assert {path.stem for path in (ROOT / "notebooks" / name).glob("*.ipynb")} == set(SYSTEMS[name].notebooks)
    for notebook in SYSTEMS[name].notebooks:
        settings = yaml.safe_load((ROOT / "experiments" / name / f"{notebook}.yaml").read_text())
        assert set(settings["profiles"]) >= PROFILES, notebook


@pytest.mark.parametrize("name", SYSTEMS)
def test_its_notebooks_have_verdicts_on_the_scoreboard(name):
    judged = {claim["notebook"] for claim in CLAIMS}
    assert judged >= {f"{name}/{notebook}" for notebook in SYSTEMS[name].notebooks}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_page_that_teaches_it_names_it(name):
    card = SYSTEMS[name]
    text = (ROOT / card.taught_in).read_text()
    assert card.paper in text or card.title in text or f"{name}/" in text


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_readme_names_it(name):
    assert f"notebooks/{name}/" in (ROOT / "README.md").read_text()


def test_every_folder_of_notebooks_is_a_system_or_for_all():
    folders = {path.name for path in (ROOT / "notebooks").iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders - {"learn", "sharing", "supernets"} == set(SYSTEMS)
