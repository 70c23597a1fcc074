import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from nastoolkit import cli
from nastoolkit.cli import explore, notebooks


def test_all_notebooks_are_copied_and_nothing_is_overwritten(tmp_path):
    ran = CliRunner().invoke(cli.app, ["notebooks", str(tmp_path / "mine"), "--json"])
    assert ran.exit_code == 0, ran.output
    copied = {path.relative_to(tmp_path / "mine") for path in (tmp_path / "mine").rglob("*.ipynb")}
    assert json.loads(ran.stdout)["notebooks"] == len(copied) > 30
    again = CliRunner().invoke(cli.app, ["notebooks", str(tmp_path / "mine")])
    assert again.exit_code == 2 and "nothing of yours is overwritten" in " ".join(again.output.replace("│", " ").split())


@pytest.fixture
def started(monkeypatch):
    """Commands that would have been started, with their environment."""
    calls = []
    monkeypatch.setattr(explore, "needed", lambda *_: None)
    monkeypatch.setattr(subprocess, "call", lambda command, env: calls.append((command, env)) or 0)
    return calls


def test_the_explorer_is_started_on_a_copy_for_this_machine_only(started, tmp_path):
    ran = CliRunner().invoke(cli.app, ["explore", "--folder", str(tmp_path / "new"), "--port", "9000", "--no-browser"])
    assert ran.exit_code == 0, ran.output
    ((command, environment),) = started
    assert command[:4] == [sys.executable, "-m", "voila", str(tmp_path / "new" / "explorer.ipynb")]
    assert {"--Voila.ip=127.0.0.1", "--port=9000", "--no-browser"} <= set(command)
    copied, original = tmp_path / "new" / "explorer.ipynb", notebooks.carried("notebooks") / "explorer.ipynb"
    assert copied.read_bytes() == original.read_bytes()
    assert (notebooks.carried("experiments/app") / "voila/templates/offline/conf.json").exists()
    assert environment["JUPYTER_PATH"] == str(notebooks.carried("experiments/app"))
