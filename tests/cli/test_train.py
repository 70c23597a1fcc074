import pytest
from typer.testing import CliRunner

from nastoolkit.checkpoints import read_checkpoint
from nastoolkit.cli import app
from nastoolkit.supernets import load_supernet


def train(*options):
    return CliRunner().invoke(app, ["train", *map(str, options)])


def test_it_shrinks_in_stages_and_the_supernet_loads(tmp_path):
    file = tmp_path / "shrunk.safetensors"
    options = ["--steps", 1, "--batch-size", 4, "--shrinking", "--sharing", "kernel-transform", "--label-smoothing", 0.1]
    ran = train("--output", file, *options)
    assert ran.exit_code == 0, ran.output
    _, card = read_checkpoint(file)
    assert card["stages"] == ["largest", "kernel", "depth", "expand"] and card["sharing"] == "kernel-transform"
    assert load_supernet("digits-mbv3", file).family.name == "digits-mbv3"
    runs = tmp_path / "shrunk.safetensors.runs"
    assert {run.name for run in runs.iterdir()} == {f"{stage}.pt" for stage in card["stages"]}


def test_versions_of_a_name_share_no_run(tmp_path):
    options = ["--steps", 1, "--batch-size", 4, "--output"]
    for seed, output in enumerate(("m-w1.0", "m-w1.2", "x.runs")):
        ran = train(*options, tmp_path / output, "--seed", seed)
        assert ran.exit_code == 0, ran.output
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"m-w1.0", "m-w1.2", "x.runs", "m-w1.0.runs", "m-w1.2.runs", "x.runs.runs"}
    assert load_supernet("digits-mbv3", tmp_path / "x.runs").family.name == "digits-mbv3"


@pytest.mark.parametrize("rule", ["masked", "fake-quantise"])
def test_a_rule_that_would_do_nothing_is_not_offered(tmp_path, rule):
    ran = train("--output", tmp_path / "a.safetensors", "--sharing", rule)
    assert ran.exit_code and f"unknown sharing {rule!r}; known: slice," in ran.output


@pytest.mark.parametrize(
    ("option", "message"),
    [("--family", "unknown family 'x'; known:"), ("--task", "unknown task 'x'"), ("--sharing", "slice, kernel")],
)
def test_unknown_names_list_the_known_ones(tmp_path, option, message):
    ran = train("--output", tmp_path / "a.safetensors", option, "x")
    assert ran.exit_code == 2 and message in " ".join(ran.output.replace("│", " ").split())
