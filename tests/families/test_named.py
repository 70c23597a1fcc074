import copy
import os

import pytest

from nastoolkit import families
from nastoolkit.families import FAMILIES, family_named

MINE = """
from nastoolkit.blocks import Classifier, Conv, GlobalPool
from nastoolkit.families import Family, Slot
from nastoolkit.space import Choice, SearchSpace


class Mine(Family):
    def __init__(self):
        conv = Slot("stem", ("kernel",), lambda kernel: Conv(1, 16, kernel, 2, 32, "relu"))
        rest = Slot("pool", (), lambda: GlobalPool(16, 16)), Slot("classifier", (), lambda: Classifier(16, 10))
        super().__init__("mine", SearchSpace([Choice("kernel", (3, 5))]), (conv, *rest))

    def __reduce__(self):
        return Mine, ()
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "my_net.py").write_text(MINE)
    return tmp_path / "my_net.py"


def test_a_family_of_a_file_is_as_good_as_a_registered_one(file):
    family = family_named(f"{file}:Mine")
    assert family.space.size == 2 and family.params(family.space.largest) == 25 * 16 + 32 + 170
    assert copy.deepcopy(family).fingerprint == family.fingerprint
    assert family_named("digits-mbv3").fingerprint == FAMILIES["digits-mbv3"]().fingerprint


def test_a_file_is_run_once_and_again_when_it_has_changed(file):
    assert type(family_named(f"{file}:Mine")) is type(family_named(f"{file}:Mine"))
    file.write_text(MINE.replace("(3, 5)", "(3, 5, 7)"))
    os.utime(file, (0, 0))
    assert family_named(f"{file}:Mine").space.size == 3


def test_an_installed_package_can_add_families(file, monkeypatch):
    class Point:
        load = staticmethod(lambda: type(family_named(f"{file}:Mine")))

    monkeypatch.setattr(families, "entry_points", lambda group, name: [Point] * (group == families.GROUP and name == "theirs"))
    assert family_named("theirs").name == "mine"
    with pytest.raises(ValueError, match="unknown family 'ours'"):
        family_named("ours")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("digits-mbv", "unknown family 'digits-mbv', did you mean 'digits-mbv3'.*or a class in a file: my_net.py:MyFamily"),
        ("{file}:Other", "my_net.py has no family 'Other'; it has: Family, Mine"),
        ("{file}x:Mine", "there is no Python file .*my_net.pyx for family 'Mine'"),
        ("{file}/..:Mine", "there is no Python file"),
    ],
)
def test_what_is_no_family_is_told(file, name, told):
    with pytest.raises(ValueError, match=told):
        family_named(name.format(file=file))
