import subprocess
import sys

import pytest

import nastoolkit

QUIET = """
import random, sys
before = random.getstate()
import nastoolkit
assert random.getstate() == before
sys.exit("torch" in sys.modules)
"""

EVERY_MODULE = """
import importlib, pkgutil
import numpy as np, torch
import nastoolkit

def state():
    return np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), torch.get_num_threads()

np.random.seed(1)
torch.manual_seed(1)
before = state()
for module in pkgutil.walk_packages(nastoolkit.__path__, "nastoolkit."):
    importlib.import_module(module.name)
assert state() == before
"""


@pytest.mark.parametrize("name", nastoolkit.__all__)
def test_public_names_are_there(name):
    assert getattr(nastoolkit, name) is not None and name in dir(nastoolkit)


def test_public_names_come_from_where_they_live():
    assert nastoolkit.optimize.__module__ == "nastoolkit.studies.optimize"
    assert nastoolkit.load_supernet.__module__ == "nastoolkit.supernets.loading"
    assert sorted(nastoolkit.__all__) == nastoolkit.__all__ and len(set(nastoolkit.__all__)) == len(nastoolkit.__all__)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="no attribute 'Hypernet'; it has .*'Supernet'"):
        _ = nastoolkit.Hypernet
    assert not hasattr(nastoolkit, "superb")


@pytest.mark.parametrize("code", [QUIET, EVERY_MODULE], ids=["the package", "every module"])
def test_importing_says_and_seeds_nothing(code):
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
