import sys
from types import SimpleNamespace

import pytest
import torch
from profiles import UsageError, check_values

from nastoolkit.notebook import available, set_up

CELL = """
family_name: str = "digits-mbv3"  # family of networks [key of FAMILIES]
n_seeds: int = 5  # seeds of every search [from 2]
"""


@pytest.fixture
def namespace(monkeypatch):
    """What a kernel's namespace has after the parameters cell, and a cell that is no Python."""
    main = SimpleNamespace(In=["", CELL, "%matplotlib inline [1"], family_name="digits-mbv3", n_seeds=5)
    monkeypatch.setitem(sys.modules, "__main__", main)
    return main


def test_what_fits_gets_its_folder(namespace, tmp_path):
    n_threads = torch.get_num_threads()
    try:
        assert set_up(str(tmp_path / "a" / "b")).is_dir()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(n_threads)


def test_what_does_not_fit_ends_the_first_cell(namespace, tmp_path):
    namespace.n_seeds, namespace.family_name = 1, "digits-mbv4"
    with pytest.raises(ValueError, match="family_name: there is no 'digits-mbv4'.*\nn_seeds: must be at least 2, got 1"):
        set_up(str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()


def test_a_misspelt_parameter_ends_the_first_cell(namespace, tmp_path):
    namespace.In.append("# Parameters\nn_seed = 2\n")
    with pytest.raises(ValueError, match="there is no parameter n_seed, did you mean 'n_seeds'"):
        set_up(str(tmp_path / "a"))


def test_run_py_holds_values_and_defaults_against_the_same_rules(tmp_path):
    from nbformat.v4 import new_code_cell, new_notebook, writes

    folder = tmp_path / "notebooks"
    folder.mkdir()
    cell = new_code_cell(CELL + "budgets: list[int] = [1]  # as many as seeds [as many as seeds]\nseeds: list[int] = [0]\n")
    cell.metadata["tags"] = ["parameters"]
    (folder / "good.ipynb").write_text(writes(new_notebook(cells=[cell])))
    check_values("good", {"n_seeds": 2}, tmp_path)
    with pytest.raises(UsageError, match="good: n_seeds: must be at least 2, got 1"):
        check_values("good", {"n_seeds": 1}, tmp_path)
    with pytest.raises(UsageError, match="budgets: needs one for each of seeds, .0, 1.; got .1."):
        check_values("good", {"seeds": [0, 1]}, tmp_path)


def test_what_lacks_its_data_is_named_and_left_out(capsys):
    def missing():
        raise FileNotFoundError("fetch it")

    def damaged():
        raise ValueError("damaged")

    assert available({"table": lambda: 1, "phone": missing}) == {"table": 1}
    assert "phone is left out" in (told := capsys.readouterr().out) and "fetch it" in told
    with pytest.raises(ValueError, match="damaged"):
        available({"phone": damaged})
