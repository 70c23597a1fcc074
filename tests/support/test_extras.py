import importlib
import pickle
import re
import sys
import tomllib
from pathlib import Path

import pytest

from nastoolkit.support.extras import EXTRAS, MissingLibraryError, needed

ROOT = Path(__file__).resolve().parents[2]


def test_every_library_is_in_its_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for module, extra in EXTRAS.items():
        assert module in [re.split(r"[<>=;\[]", requirement)[0] for requirement in extras[extra]]


@pytest.mark.parametrize("module", EXTRAS)
def test_a_library_that_is_not_there_is_named_with_the_command(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    wanted = rf"^this plot needs {module}; install it with: pip install 'nastoolkit\[{EXTRAS[module]}\]'$"
    for kind in (MissingLibraryError, ImportError, ValueError):
        with pytest.raises(kind, match=wanted):
            needed(module, "this plot")


@pytest.mark.parametrize("code", ["import no_such_library", "raise OSError('libc.so is too old')", "1 / 0"])
def test_a_library_that_is_there_and_broken_is_not_to_be_installed(monkeypatch, tmp_path, code):
    (tmp_path / "optuna.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "optuna", raising=False)
    with pytest.raises(MissingLibraryError, match="^this needs optuna, which is installed but cannot be imported: ") as caught:
        needed("optuna", "this")
    assert "pip" not in str(caught.value) and str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_explorer_says_what_it_needs(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("nastoolkit.explorer")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(MissingLibraryError, match="the explorer needs anywidget"):
        importlib.import_module("nastoolkit.explorer")
