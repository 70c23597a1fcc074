"""The notebook runner, on tiny notebooks executed for real, and the rules that every notebook of the project keeps."""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import board_page
import nbformat
import pytest
import run
import scoreboard
import worker
from gallery import known_figures
from PIL import Image
from profiles import (
    OPTIONAL,
    PROFILES,
    UsageError,
    declared_parameters,
    fitting_values,
    notebook_names,
    profile_values,
    read_profiles,
)
from record import read_record, write_record
from worker import Console, Job

from nastoolkit.verdicts import RULE

PARAMETERS = """output_dir: str = "runs/unset"  # where the files go
n: int = 3  # rounds
rate: float = 0.5
sizes: list[int] = [1, 2]"""
PROFILES_YAML = "# A test, 1 minute\nprofiles:\n  smoke: {n: 1, rate: 1e-3}\n  laptop:\n  paper: {n: 9}\n"
CLAIM = {
    "paper": "Key2022",
    "item": "Fig. 1",
    "statement": "A | B",
    "paper_value": 1.5,
    "ours": 1.25,
    "interval": [1.0, 1.5],
    "verdict": "reproduced",
}
GOOD = f"""import json, os, pathlib
print("rounds", n, "rate", rate, "threads", os.environ.get("OMP_NUM_THREADS"))
pathlib.Path(output_dir, "claims.json").write_text(json.dumps([{CLAIM}]))"""


def write_notebook(root: Path, name: str, *code: str, parameters: str = PARAMETERS, profiles: str = PROFILES_YAML) -> Path:
    cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}), *map(nbformat.v4.new_code_cell, code)]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    yaml_path = root / "experiments" / f"{name}.yaml"
    yaml_path.parent.mkdir(parents=True, exist_ok=True)
    yaml_path.write_text(profiles)
    return path


@pytest.fixture
def root(tmp_path):
    write_notebook(tmp_path, "good", GOOD)
    write_notebook(tmp_path, "system/bad", "raise KeyError('no such stage')", "print('never')")
    return tmp_path


@pytest.fixture
def in_this_process(monkeypatch):
    """Notebooks run without a process of their own, only in their kernels."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore:IProgress not found")
    monkeypatch.setattr(run, "_in_own_process", lambda job: worker.execute(job, job.fingerprint))


def test_a_failing_notebook_is_named_and_the_others_still_run(root, capfd):
    (root / "runs/system/bad/smoke").mkdir(parents=True)
    (root / "runs/system/bad/smoke/claims.json").write_text(json.dumps([CLAIM | {"item": "of an earlier run"}]))
    assert run.main(["--profile", "smoke", "--jobs", "2", "--set", "sizes=[7]"], root) == 1
    out = capfd.readouterr().out
    assert "FAILED: KeyError: 'no such stage'" in out and "never" not in out and "earlier run" not in out
    assert "good | " in out and "rounds 1 rate 0.001 threads 1" in out
    assert "Key2022  Fig. 1  1.5            1.25  [1, 1.5]  reproduced  A | B" in out
    good = [f"runs/good/smoke/{name}" for name in ("claims.json", "notebook.ipynb", "run.json")]
    made = [*good, "runs/system/bad/smoke/notebook.ipynb"]
    assert out.endswith("files made:\n  " + "\n  ".join(made) + "\n")
    executed = nbformat.read(root / "runs/good/smoke/notebook.ipynb", as_version=4)
    assert "sizes = [7]" in executed.cells[1].source and 'output_dir = "runs/good/smoke"' in executed.cells[1].source


def test_files_of_an_inner_folder_are_one_line(tmp_path):
    job = Job("good", "smoke", {}, "out", tmp_path, side_by_side=False)
    for name in ("front.png", "jobs/a.json", "jobs/b.json", "searches/deep/c.search"):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).touch()
    assert job.files_since(0) == ["out/front.png", "out/jobs/ (2)", "out/searches/ (1)"]


def test_a_folder_that_cannot_be_made_fails_its_notebook_alone(root, capfd):
    (root / "runs" / "system").mkdir(parents=True)
    (root / "runs" / "system" / "bad").write_text("a file where the folder should be")
    assert run.main(["--profile", "smoke", "--jobs", "1"], root) == 1
    out = capfd.readouterr().out
    rows = {line.split()[0]: line for line in out.splitlines() if " smoke " in line and "|" not in line}
    assert rows["good"].endswith("done") and "runs/good/smoke/claims.json" in out
    assert "FAILED: " in rows["system/bad"] and "runs/system/bad/smoke" in rows["system/bad"] and "no such stage" not in out


def test_the_summary_outlives_any_error(root, capfd, monkeypatch):
    monkeypatch.setattr(run, "execute", getattr)  # and a job has no such attribute
    assert run.main(["good"], root) == 1
    assert "FAILED: AttributeError: 'Job' object has no attribute" in capfd.readouterr().out


@pytest.mark.parametrize("name", ["KernelSpecManager", "find_spec"])
def test_a_kernel_that_is_not_installed_is_named_with_the_command(root, capfd, monkeypatch, name):
    stand_ins = {"KernelSpecManager": lambda: SimpleNamespace(find_kernel_specs=dict), "find_spec": lambda _: None}
    monkeypatch.setattr(worker, name, stand_ins[name])
    assert run.main(["good"], root) == 2
    wanted = f"the Jupyter kernel 'python3' is not installed; install it with: {sys.executable} -m pip install ipykernel"
    assert wanted in capfd.readouterr().err and not (root / "runs").exists()


@pytest.mark.parametrize("library", ["papermill", "nastoolkit"])
def test_without_its_libraries_it_says_how_to_run_it(tmp_path, library):
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{library!r}] = None")
    command = [sys.executable, run.ROOT / "experiments" / "run.py", "--list"]
    ended = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=False
    )
    assert ended.returncode == 1 and ended.stderr.startswith("run.py: ") and ended.stderr.count("\n") == 1
    assert library in ended.stderr and "make setup" in ended.stderr


def test_one_notebook_streams_and_writes_where_it_is_told(root, capfd):
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "older.csv").write_text("made by another run")
    os.utime(root / "elsewhere" / "older.csv", (0, 0))
    assert run.main(["notebooks/good.ipynb", "--set", "output_dir=elsewhere"], root) == 0
    out = capfd.readouterr().out
    assert "cell 3/3: import json" in out and "  rounds 3 rate 0.5" in out
    assert out.endswith("files made:\n  elsewhere/claims.json\n  elsewhere/notebook.ipynb\n  elsewhere/run.json\n")


def test_a_progress_bar_is_one_line_of_the_executed_notebook(root, in_this_process):
    write_notebook(root, "bar", "from tqdm.auto import trange\nfor _ in trange(30, mininterval=0): pass")
    assert run.main(["bar"], root) == 0
    cell = nbformat.read(root / "runs/bar/laptop/notebook.ipynb", as_version=4).cells[-1]
    assert [output["text"].count("%|") for output in cell.outputs] == [1]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n=010", 10),
        ("n=-007", -7),
        ("n=1_000", 1000),
        ("sizes=[010, 08, 0]", [10, 8, 0]),
        ("rate=010", 10.0),
        ("rate=010.5", 10.5),
        ("rate=1e-3", 0.001),
    ],
)
def test_numbers_are_decimal(root, setting, value):
    name, text = setting.split("=")
    assert fitting_values("good", {}, {name: text}, root) == {name: value}


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["good", "--set", "n=1:30"], "good: n is of type int, which '1:30' is not"),
        (["good", "--set", "rounds=3"], "good: unknown parameters rounds; it has: output_dir, n, rate, sizes"),
        (["good", "--set", "n=1.5"], "good: n is of type int, which 1.5 is not"),
        (["good", "--set", "n=true"], "n is of type int"),
        (["good", "--set", "sizes=[1, two]"], "sizes is of type list[int], which [1, 'two'] is not"),
        (["missing"], "no notebook 'missing'; there are: good, system/bad"),
        (["--set", "output_dir=x"], "is for one notebook"),
        (["good", "--set", "sizes=["], "--set sizes=[ is not YAML in line 1: expected the node content"),
        (["good", "--set", "n=2026-13-45"], "--set n=2026-13-45 is not YAML: month must be in 1..12"),
    ],
)
def test_mistakes_are_told_before_anything_runs(root, capfd, argv, complaint):
    assert run.main(argv, root) == 2
    assert complaint in capfd.readouterr().err
    assert not (root / "runs").exists()


@pytest.mark.parametrize(
    ("profiles", "complaint"),
    [
        ("profiles: {smoke: , paper: }", "no profile 'laptop'; it has: smoke, paper"),
        ("laptop: {n: 1}", "needs one key, `profiles`"),
        ("profiles: {laptop: [n]}", "is not a mapping"),
        ("profiles:\n  laptop: {n: 1", "experiments/good.yaml is not YAML in line 2: expected ',' or '}'"),
        ("profiles: {1: {n: 1}}", "no profile 'laptop'; it has: 1"),
        ("profiles: {laptop: {m: 1}}", "unknown parameters m"),
        ("profiles: {laptop: {n: two}}", "n is of type int, which 'two' is not"),
    ],
)
def test_a_parameter_file_with_a_mistake(root, capfd, profiles, complaint):
    write_notebook(root, "good", profiles=profiles)
    assert run.main(["good"], root) == 2
    assert complaint in capfd.readouterr().err


def test_a_notebook_without_a_parameter_file(root, capfd):
    (root / "experiments/good.yaml").unlink()
    assert run.main(["good"], root) == 2
    assert "no experiments/good.yaml" in capfd.readouterr().err


def test_texts_ints_and_exponents_fit_where_they_should(root):
    values = fitting_values("good", {"rate": "1e-3"}, {"output_dir": "12", "sizes": "[]"}, root)
    assert values == {"rate": 0.001, "output_dir": "12", "sizes": []}
    assert isinstance(fitting_values("good", {"rate": 2}, {}, root)["rate"], float)


@pytest.mark.parametrize("line", ["a: int | None = 3", "a: typing.Any = 3", 'a: str = "x=y"', "a: int = 3  # as in n=3"])
def test_a_parameter_that_papermill_would_lose_is_an_error(tmp_path, line):
    path = write_notebook(tmp_path, "lossy", parameters=f"{PARAMETERS}\n{line}")
    with pytest.raises(UsageError, match="Papermill loses the parameters a:"):
        declared_parameters(path)


def test_a_notebook_that_cannot_be_inspected_leaves_the_log_on(root, monkeypatch):
    def fail(_: str) -> None:
        raise OSError

    monkeypatch.setattr("papermill.inspect_notebook", fail)
    with pytest.raises(UsageError, match="good.ipynb is not a notebook with readable parameters: OSError"):
        declared_parameters(root / "notebooks/good.ipynb")
    assert not logging.getLogger("papermill.translators").disabled


def test_what_is_up_to_date_is_left_out_unless_it_is_named(root, capfd, in_this_process):
    (root / "notebooks/system/bad.ipynb").unlink()
    for arguments, runs in ([], True), ([], False), (["good", "--set", "n=2"], True), ([], True), ([], False):
        assert run.main(["--profile", "smoke", *arguments], root) == 0
        out = capfd.readouterr().out
        assert ("rounds" in out, "is up to date" in out) == (runs, not runs)
    seconds = read_record(root / "runs/good/smoke")["seconds"]
    write_notebook(root, "good", f"{GOOD}\nprint('changed')")
    assert run.main(["--profile", "smoke"], root) == 0
    assert "changed" in capfd.readouterr().out
    assert read_record(root / "runs/good/smoke")["seconds"] >= seconds > 0


def test_a_failed_run_is_never_up_to_date(root, in_this_process):
    for _ in range(2):
        assert run.main(["bad", "--profile", "smoke"], root) == 1
        assert read_record(root / "runs/system/bad/smoke") == {}


def test_a_long_profile_is_for_those_notebooks_that_have_it(root, capfd, monkeypatch):
    monkeypatch.setattr(run, "run_jobs", lambda jobs, n_jobs: [worker.Result(job) for job in jobs])
    assert run.main(["--profile", "long"], root) == 2
    assert "there are no notebooks with a profile 'long'" in capfd.readouterr().err
    write_notebook(root, "system/bad", profiles=f"{PROFILES_YAML}  long: {{n: 40}}\n")
    assert run.main(["--profile", "long"], root) == 0
    assert "system/bad" in (out := capfd.readouterr().out) and "good" not in out
    assert run.main(["good", "--profile", "long"], root) == 2
    assert "no profile 'long'; it has: smoke, laptop, paper" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("profile", "told"), [("laptop", ""), ("long", "two hours on a good day."), ("paper", "a cluster, and its key: a week")]
)
def test_what_a_profile_takes_stands_in_its_file(root, profile, told):
    head = "# A test.\n# long: two hours\n# on a good day.\n# paper needs: a cluster, and its key: a week\nprofiles: {}\n"
    (root / "experiments" / "good.yaml").write_text(head)
    assert run.what_it_takes("good", profile, root) == told


def test_every_paper_says_what_its_profiles_take():
    papers = [
        name for name in notebook_names(run.ROOT) if name.split("/")[0] not in ("learn", "supernets", "quickstart", "explorer")
    ]
    for name in papers:
        profiles = read_profiles(name, run.ROOT)
        for profile in {"long", "paper"} & profiles.keys():
            assert run.what_it_takes(name, profile, run.ROOT), f"experiments/{name}.yaml: what does {profile} take?"


def test_a_part_of_a_name_is_enough_if_no_other_has_it(root, capfd, monkeypatch):
    monkeypatch.setattr(run, "run_jobs", lambda jobs, n_jobs: [worker.Result(job) for job in jobs])
    assert run.main(["goo", "--profile", "smoke"], root) == 0
    write_notebook(root, "system/goods", GOOD)
    assert run.main(["oo", "--profile", "smoke"], root) == 2
    assert "a part of several notebooks' names: good, system/goods" in capfd.readouterr().err
    assert run.main(["good", "--profile", "smoke"], root) == 0


def write_run(root: Path, name: str, profile: str, **changes: object) -> Path:
    path = root / "runs" / name / profile / "claims.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([CLAIM | changes]))
    write_record(path.parent, "made of this", 12.34)
    return path


def test_the_scoreboard_holds_all_runs_but_smoke_runs(root, capfd):
    for profile in PROFILES:
        write_run(root, "good", profile, statement=f"A | B at {profile}")
    assert run.main(["--claims"], root) == 0
    page = (root / "experiments/CLAIMS.md").read_text()
    statements = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| Key2022")]
    assert statements == [f"| Key2022, Fig. 1: A \\| B at {profile}" for profile in ("laptop", "long", "paper")]
    assert "experiments/CLAIMS.md" in capfd.readouterr().out


def test_runs_of_one_claim_are_one_row_and_its_history(root):
    judged = {"rule": RULE, "n": 20}
    write_run(root, "good", "laptop", ours=2.0, **judged)
    write_run(root, "good", "long", ours=3.0, **judged | {"n": 30})
    for _ in range(2):  # the second one adds nothing
        assert run.main(["--claims"], root) == 0
        (claim,) = json.loads((root / "experiments/claims.json").read_text())
        assert (claim["profile"], claim["ours"]) == ("long", 3.0)
        assert [(old["profile"], old["ours"], old["n"]) for old in claim["history"]] == [("laptop", 2.0, 20)]
        assert "1 more](#other-runs)" in (root / "experiments/CLAIMS.md").read_text()


def test_the_scoreboard_keeps_what_was_not_run_here(root):
    write_run(root, "good", "laptop")
    write_run(root, "good", "paper", ours=3.0, statement="C")
    write_run(root, "system/bad", "paper")
    run.main(["--claims"], root)
    shutil.rmtree(root / "runs")
    (root / "notebooks/system/bad.ipynb").unlink()
    write_run(root, "good", "laptop", ours=2.0)
    write_run(root, "gone", "laptop")
    assert run.main(["--claims"], root) == 0
    claims = json.loads((root / "experiments/claims.json").read_text())
    assert [(c["notebook"], c["profile"], c["ours"]) for c in claims] == [("good", "laptop", 2.0), ("good", "paper", 3.0)]
    assert (root / "experiments/CLAIMS.md").read_text() == board_page.pages(claims, {})["CLAIMS.md"]


def test_a_claim_that_its_notebook_does_not_make_any_more_goes(root):
    write_run(root, "good", "laptop", statement="old words")
    run.main(["--claims"], root)
    write_run(root, "good", "long", statement="new words")
    for expected in (["old words", "new words"], ["new words"]):
        run.main(["--claims"], root)
        claims = json.loads((root / "experiments/claims.json").read_text())
        assert [claim["statement"] for claim in claims] == expected
        write_run(root, "good", "laptop", statement="new words")


def test_the_scoreboard_leaves_out_a_run_that_did_not_come_to_its_end(root, in_this_process):
    write_run(root, "good", "laptop", ours=2.0)
    run.main(["--claims"], root)
    write_notebook(root, "good", f"{GOOD}\nraise ValueError('at its last line')")
    assert run.main(["good"], root) == 1 and (root / "runs/good/laptop/claims.json").exists()
    assert run.main(["--claims"], root) == 0
    (claim,) = json.loads((root / "experiments/claims.json").read_text())
    assert (claim["ours"], claim["seconds"]) == (2.0, 12.3)


def test_claims_have_their_cost(root):
    write_run(root, "good", "laptop")
    run.main(["--claims"], root)
    (claim,) = json.loads((root / "experiments/claims.json").read_text())
    assert claim["seconds"] == 12.3 and f"{os.cpu_count()} cores" in claim["machine"]


def test_a_note_stands_beside_the_verdict(root):
    write_run(root, "good", "laptop", paper_value=8.0, note="a trace says 248, not 100")
    run.main(["--claims"], root)
    assert "| reproduced (a trace says 248, not 100) |" in (root / "experiments/CLAIMS.md").read_text()
    write_run(root, "good", "laptop", note=["no", "text"])
    assert run.main(["--claims"], root) == 2


def test_what_is_outdated_counts_for_nothing_until_it_is_run_again(root):
    first, last = board_page.README_MARKS
    (root / "README.md").write_text(first + last)
    claims = root / "experiments/claims.json"
    claims.write_text(json.dumps([CLAIM | {"notebook": "good", "profile": "laptop", "outdated": "seconds were minutes"}]))
    assert run.main(["--claims"], root) == 0
    assert "| reproduced (outdated: seconds were minutes) |" in (root / "experiments/CLAIMS.md").read_text()
    assert "1 claim of 1 paper: 1 *outdated*." in (root / "README.md").read_text()
    write_run(root, "good", "laptop", verdict="agrees")
    run.main(["--claims"], root)
    (claim,) = json.loads(claims.read_text())
    assert "outdated" not in claim and [old["outdated"] for old in claim["history"]] == ["seconds were minutes"]
    assert "1 claim of 1 paper: 1 *agrees*." in (root / "README.md").read_text()


def test_figures_of_laptop_runs_are_kept_small_and_shown(root):
    folder = write_run(root, "system/bad", "laptop").parent
    Image.effect_noise((200, 100), 50).convert("RGB").save(folder / "fig.png")
    known = root / "experiments/figures"
    for gone in (known / "system/bad/old.png", known / "good/kept.png"):
        gone.parent.mkdir(parents=True)
        gone.write_bytes(b"")
    assert run.main(["--claims"], root) == 0
    assert sorted(path.name for path in known.rglob("*.png")) == ["fig.png", "kept.png"]
    assert (known / "system/bad/fig.png").stat().st_size < (folder / "fig.png").stat().st_size
    page = (root / "experiments/FIGURES.md").read_text()
    assert "## system/bad\n\n![fig](figures/system/bad/fig.png)\n" in page and "figures/good/kept.png" in page
    assert "[figures](FIGURES.md#systembad)" in (root / "experiments/CLAIMS.md").read_text()


def test_the_readme_counts_the_claims_and_leads_to_the_notebooks(root):
    first, last = board_page.README_MARKS
    (root / "README.md").write_text(f"before\n{first}old\n{last}after\n")
    write_notebook(root, "system/fig", GOOD)
    for name, profile in (("good", "paper"), ("system/fig", "laptop")):
        write_run(root, name, profile, statement=name)
    run.main(["--claims"], root)
    run.main(["--claims"], root)
    readme = (root / "README.md").read_text()
    assert readme.startswith(f"before\n{first}") and readme.endswith(f"{last}after\n")
    assert "2 claims of 1 paper: 2 *reproduced*." in readme and "old" not in readme
    assert readme.count("[Key2022](notebooks/)") == 1


BAD_CLAIMS = [('[{"paper": "Key', "is not JSON"), ("{}", "a list of"), ("[{}]", "has no")]


@pytest.mark.parametrize("path", ["runs/good/laptop/claims.json", "experiments/claims.json"])
@pytest.mark.parametrize(("text", "complaint"), BAD_CLAIMS)
def test_claims_that_cannot_be_read_change_nothing(root, capfd, path, text, complaint):
    write_run(root, "good", "laptop")
    run.main(["--claims"], root)
    before = (root / "experiments/CLAIMS.md").read_text()
    (root / path).write_text(text)
    assert run.main(["--claims"], root) == 2
    message = capfd.readouterr().err
    assert f"{path}" in message and complaint in message and message.count("\n") == 1
    assert (root / "experiments/CLAIMS.md").read_text() == before and (root / path).read_text() == text


def test_the_pages_of_claims_and_the_readme_are_up_to_date():
    folder = run.ROOT / "experiments"
    claims = scoreboard.read_claims(folder / "claims.json", (*scoreboard.PLACE, *scoreboard.COLUMNS))
    for name, text in board_page.pages(claims, known_figures(run.ROOT)).items():
        assert (folder / name).read_text() == text
    assert (run.ROOT / "README.md").read_text() == board_page.with_claims((run.ROOT / "README.md").read_text(), claims)
    assert {claim["notebook"] for claim in claims} | set(known_figures(run.ROOT)) <= set(notebook_names(run.ROOT))


def test_the_figures_in_git_are_small():
    sizes = [path.stat().st_size for path in (run.ROOT / "experiments/figures").rglob("*.png")]
    assert sum(sizes) < 80e3 * len(notebook_names(run.ROOT))


def test_a_claim_without_its_verdict_is_an_error(tmp_path):
    path = tmp_path / "claims.json"
    path.write_text(json.dumps([{key: value for key, value in CLAIM.items() if key != "verdict"}]))
    with pytest.raises(UsageError, match="a claim has no verdict"):
        scoreboard.read_claims(path)


def test_a_log_gets_a_progress_bar_once(capsys):
    console = Console("job | ", live=False)
    for percent in (0, 50, 100):
        console.write(f"\r{percent}%")
    console.write("\nline\n\npart")
    assert capsys.readouterr().out == "job | 100%\njob | line\n"


def test_a_terminal_gets_it_redrawn(capsys):
    console = Console("", live=True)
    console.write("\r0%")
    console.write("\r100%")
    assert capsys.readouterr().out == "\r\x1b[K0%\r\x1b[K100%"


@pytest.mark.parametrize("name", notebook_names(run.ROOT))
def test_every_notebook_of_the_project_keeps_the_rules(name):
    path = run.ROOT / "notebooks" / f"{name}.ipynb"
    annotations = declared_parameters(path)
    assert "output_dir" in annotations and None not in annotations.values()
    profiles = set(read_profiles(name, run.ROOT))
    assert set(PROFILES) - set(OPTIONAL) <= profiles <= set(PROFILES)
    for profile in profiles:
        fitting_values(name, profile_values(name, profile, run.ROOT), {}, run.ROOT)
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs") and not cell.get("execution_count"), f"strip the outputs: nbstripout {path}"


@pytest.mark.parametrize("path", sorted((run.ROOT / "experiments").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_parameter_file_has_its_notebook_and_a_header(path):
    assert path.relative_to(run.ROOT / "experiments").with_suffix("").as_posix() in notebook_names(run.ROOT)
    assert path.read_text().startswith("# ")
