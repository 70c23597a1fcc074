import pytest
from typer.testing import CliRunner

from nastoolkit.checkpoints import read_checkpoint
from nastoolkit.supernet import load_supernet
from nastoolkit.training.__main__ import app


def train(*options):
    return CliRunner().invoke(app, [*map(str, options)])


def test_it_shrinks_in_stages_and_the_supernet_loads(tmp_path):
    file = tmp_path / "shrunk.safetensors"
    options = ["--steps", 1, "--batch-size", 4, "--shrinking", "--sharing", "kernel-transform", "--label-smoothing", 0.1]
    ran = train("--output", file, *options)
    assert ran.exit_code == 0, ran.output
    _, card = read_checkpoint(file)
    assert card["stages"] == ["largest", "kernel", "depth", "expand"] and card["sharing"] == "kernel-transform"
    assert load_supernet("digits-mbv3", file).family.name == "digits-mbv3"
    assert "trained.runs" not in ran.output and {run.name for run in (tmp_path / "shrunk.runs").iterdir()} == {
        f"{stage}.pt" for stage in card["stages"]
    }


@pytest.mark.parametrize(
    ("option", "message"),
    [("--family", "unknown family 'x'; known:"), ("--task", "unknown task 'x'"), ("--sharing", "slice, kernel")],
)
def test_unknown_names_list_the_known_ones(tmp_path, option, message):
    ran = train("--output", tmp_path / "a.safetensors", option, "x")
    assert ran.exit_code == 2 and message in " ".join(ran.output.replace("│", " ").split())
