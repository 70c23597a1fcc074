import importlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from nastoolkit import __version__, checkpoints, cli, pareto
from nastoolkit.cli.search import read_bounds
from nastoolkit.export import Export
from nastoolkit.families import FAMILIES
from nastoolkit.latency import LookupTable, Timing
from nastoolkit.latency.table_check import TableCheck
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize
from nastoolkit.supernets import load_supernet, save_supernet
from nastoolkit.tasks import TASKS

race_command = importlib.import_module("nastoolkit.cli.race")  # `nastoolkit.cli.race` is the function
BRIEF = ("--budget", "3", "--population", "2", "--algorithm", "random")


def answer(*arguments, code=0):
    """The one JSON object that a command prints."""
    result = CliRunner().invoke(cli.app, [*map(str, arguments), "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def complaint(monkeypatch, capsys):
    """Runs a command that fails; what it tells the user, on one line."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["nastoolkit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsys.readouterr()
        assert stopped.value.code in (1, 2) and not out
        assert "Traceback" not in err
        return " ".join(re.sub(r"[│╭╮╰╯─]", " ", err).split())

    return run


@pytest.fixture
def tiny_too(tiny, monkeypatch):
    """The commands know one more family, a quick one."""
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    return tiny


@pytest.fixture
def table(tiny, tmp_path):
    """A latency table with known times."""
    timings = {spec: Timing(1e-6 * spec.macs + 0.01, 0.001, 5) for spec in tiny.block_specs}
    return LookupTable(tiny, timings, {"backend": "torch", "batch_size": 1, "threads": 1}).save(tmp_path / "table.json")


def test_search_prints_a_measured_front_and_resumes(tmp_path):
    arguments = ("search", *BRIEF, "--seed", 3, "--store", tmp_path / "store.sqlite")
    found = answer(*arguments)
    assert found.keys() == {"evaluations", "front"} and found["evaluations"] == 3
    assert 1 <= len(found["front"]) <= 3
    family = FAMILIES["digits-mbv3"]()
    genotypes = np.array([list(map(int, row["genotype"].split(","))) for row in found["front"]])
    np.testing.assert_array_equal(family.space.canonical(genotypes), genotypes)
    assert [row["mmacs"] for row in found["front"]] == family.mmacs(genotypes).tolist()
    best, *_ = found["front"]
    assert best["accuracy_top1"] == Accuracy(load_supernet(family.name), TASKS["digits"]())(genotypes[:1]).item()
    assert best["accuracy_top1"] == max(row["accuracy_top1"] for row in found["front"])
    assert answer(*arguments) == found


def test_search_keeps_a_bound_on_the_cost():
    search = ("search", *BRIEF, "--algorithm", "default")  # which measures the largest first
    unbounded, bounded = (answer(*search, *bound)["front"] for bound in ((), ("--at-most", 1.0)))
    assert max(row["mmacs"] for row in unbounded) > 1.0 >= max(row["mmacs"] for row in bounded)


def test_search_keeps_to_the_part_of_the_space_that_a_table_knows(tmp_path, tiny_too, supernet_of):
    within = {"stage1.depth": [1], "stage2.block1.kernel": [3]}
    part = tiny_too.space.restrict(within)
    costs = {spec: 1e-6 * spec.macs + 0.01 for spec in tiny_too.specs_within(part)}
    table = LookupTable.from_costs(tiny_too, costs, within=within).save(tmp_path / "part.json")
    given = ("--family", "tiny", "--checkpoint", save_supernet(supernet_of(tiny_too), tmp_path / "net"))
    found = answer("search", *BRIEF, "--cost", "latency_ms", "--table", table, *given)
    genotypes = np.array([list(map(int, row["genotype"].split(","))) for row in found["front"]])
    np.testing.assert_array_equal(part.canonical(genotypes), genotypes)
    assert found["evaluations"] == 3


def test_search_takes_a_csv_of_another_tool(tmp_path, tiny_too, supernet_of):
    rows = [f'"{spec!r}",{1e-6 * spec.macs + 0.01}' for spec in tiny_too.block_specs]
    (tmp_path / "board.csv").write_text("\n".join(["block,ms", *rows]))
    given = ("--family", "tiny", "--checkpoint", save_supernet(supernet_of(tiny_too), tmp_path / "net"))
    assert answer("search", *BRIEF, "--cost", "latency_ms", "--table", tmp_path / "board.csv", *given)["evaluations"] == 3


@pytest.fixture(scope="module")
def past(tiny, supernet_of, tmp_path_factory):
    """A supernet, and the store that a small search of it has left."""
    folder = tmp_path_factory.mktemp("past")
    supernet = save_supernet(supernet_of(tiny), folder / "net")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FAMILIES, "tiny", lambda: tiny)
        options = ("--family", "tiny", "--checkpoint", supernet, "--algorithm", "random", "--population", 5)
        answer("search", *options, "--budget", 8, "--store", folder / "past.sqlite")
    return folder


@pytest.fixture
def searched(past, tiny_too):
    """Options of that search."""
    return ("search", "--family", "tiny", "--checkpoint", past / "net", "--algorithm", "random", "--population", "5")


def test_a_search_on_estimates_measures_nothing(searched, past, monkeypatch):
    monkeypatch.setattr(Accuracy, "__call__", None)
    found = answer(*searched, "--budget", 20, "--estimate", past / "past.sqlite")
    assert found["evaluations"] == 20 and found["estimated_from"] == 8 and -1 <= found["kendall_tau"] <= 1


def test_a_search_begins_with_the_best_of_another(searched, past):
    front = answer("show", past / "past.sqlite")["front"]
    found = answer(*searched, "--budget", 5, "--warm-start", past / "past.sqlite")["front"]
    assert max(front, key=lambda row: row["accuracy_top1"]) in found


def test_a_search_keeps_to_what_the_clusters_of_another_use(searched, past, tmp_path, complaint):
    options = ("--measure", "naswot", "--budget", 3)
    assert "has no naswot; it has accuracy_top1" in complaint(*searched, *options, "--popdb", past / "past.sqlite")
    assert "clusters of 50" in complaint(*searched, "--popdb", past / "past.sqlite")
    answer(*searched[:-1], 60, "--measure", "naswot", "--budget", 60, "--store", tmp_path / "proxies.sqlite")
    found = answer(*searched, *options, "--popdb", tmp_path / "proxies.sqlite")
    assert 0 < found["sub_networks"] <= found["of"] and {*found["front"][0]} == {"naswot", "mmacs", "genotype"}


def test_latencies_of_networks_that_were_timed_elsewhere_are_a_cost(searched, tmp_path, tiny_too):
    genotypes = tiny_too.space.sample(10, np.random.default_rng(0))
    rows = [f'"{",".join(map(str, genotype))}",{1 + tiny_too.mmacs(genotype)}' for genotype in genotypes]
    (tmp_path / "phone.csv").write_text("\n".join(["genotype,latency_ms", *rows]))
    found = answer(*searched, "--budget", 5, "--cost", "latency_ms", "--latencies", tmp_path / "phone.csv")
    assert all(row["latency_ms"] > 0 for row in found["front"])


def test_a_store_is_shown(searched, past, tmp_path):
    found = answer("show", past / "past.sqlite", "--html", tmp_path / "page.html")
    assert (found["evaluations"], found["failed"], found["searches"][0]["budget"]) == (8, 0, 8)
    assert found["settings"]["family"] == "tiny" and found["measured"] == {"accuracy_top1": "%"}
    page = (tmp_path / "page.html").read_text()
    assert "data:image/png;base64," in page and "random" in page and "8 evaluations" in page


def test_a_store_of_an_unknown_family_is_shown_without_a_front(past):
    assert "tiny" not in FAMILIES
    assert answer("show", past / "past.sqlite")["front"] == []


@pytest.mark.parametrize("name", ["x.partial", "m-w1.0", "m-w1.2", "table.json"])
def test_profile_keeps_what_it_measures_beside_the_output(complaint, tmp_path, monkeypatch, name):
    def measured(*_, resume, **__):
        raise ValueError(f"kept in {resume}")

    monkeypatch.setattr(LookupTable, "measure", measured)
    assert complaint("profile", "--output", tmp_path / name) == f"error: kept in {tmp_path / name}.partial"


def test_search_keeps_several_bounds():
    bounds = ("--at-most", "mmacs=1.0", "--at-most", "peak_kb=60")
    history = answer("search", *BRIEF, "--algorithm", "default", *bounds)["front"]
    assert all(row["mmacs"] <= 1.0 and row["peak_kb"] <= 60 for row in history)


def test_a_search_that_finds_nothing_within_its_bounds_fails():
    with pytest.warns(UserWarning, match="no measured sub-network has mmacs <= 0.001"):
        result = CliRunner().invoke(cli.app, ["search", *map(str, BRIEF), "--at-most", "0.001"])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (["flops=3"], "unknown cost 'flops'; known: mmacs"),
        (["accuracy_top1=3"], "unknown cost 'accuracy_top1'; known: mmacs"),
        (["mmacs=many"], "a bound is a cost and a number above 0, such as mmacs=60, got 'mmacs=many'"),
        (["mmacs=nan"], "a number above 0, .* got 'mmacs=nan'"),
        (["mmacs=-3"], "a number above 0, .* got 'mmacs=-3'"),
        (["3", "mmacs=4"], "mmacs has two bounds, 3 and 4"),
    ],
)
def test_bounds_that_make_no_sense(bounds, message):
    with pytest.raises(typer.BadParameter, match=message):
        read_bounds(bounds, "mmacs")


def test_search_takes_a_latency_table_and_a_checkpoint(tmp_path, tiny_too, table, supernet_of):
    supernet = supernet_of(tiny_too)
    checkpoint = save_supernet(supernet, tmp_path / "net.safetensors")
    given = ("--family", "tiny", "--cost", "latency_ms", "--table", table, "--checkpoint", checkpoint)
    found = answer("search", *BRIEF, *given)
    known, genotypes = LookupTable.load(table, tiny_too), [row["genotype"].split(",") for row in found["front"]]
    assert [row["latency_ms"] for row in found["front"]] == known.latency_ms(np.array(genotypes, dtype=int)).tolist()
    expected = Accuracy(supernet, TASKS["digits"]())(np.array(genotypes[:1], dtype=int)).item()
    assert found["front"][0]["accuracy_top1"] == expected


def test_profile_measures_a_table_and_checks_it(tmp_path, narrow, monkeypatch):
    monkeypatch.setitem(FAMILIES, "narrow", lambda: narrow)
    monkeypatch.setattr(TableCheck, "is_worse_than_macs", False)  # on a machine as busy as it may be
    output = tmp_path / "new" / "table.json"
    found = answer("profile", "--family", "narrow", "--check", "8", "--batch-size", "2", "--output", output)
    numbers = ("mape_percent", "bias_percent", "spearman", "kendall_tau", "build_seconds", "lookups_per_second")
    assert found.keys() >= {*numbers, "family", "blocks", "unit", "backend", "batch_size", "threads", "cpu", "torch", "table"}
    assert (found["family"], found["unit"], found["batch_size"]) == ("narrow", "ms", 2)
    assert all(np.isfinite(found[name]) for name in numbers) and found["lookups_per_second"] > 0
    loaded = LookupTable.load(found["table"], narrow)
    assert found["blocks"] == len(loaded.timings) == len(narrow.block_specs) and loaded.conditions["batch_size"] == 2


def test_a_table_that_is_worse_than_macs_fails(tiny_too, table, tmp_path, monkeypatch):
    times = np.array([1.0, 2, 3, 4])
    check = TableCheck(times[::-1], times, np.stack([times, times], axis=1), macs=times)
    monkeypatch.setattr(LookupTable, "measure", lambda *_, **__: LookupTable.load(table, tiny_too))
    monkeypatch.setattr(LookupTable, "validate", lambda *_, **__: check)
    ran = CliRunner().invoke(cli.app, ["profile", "--family", "tiny", "--output", str(tmp_path / "t.json")])
    assert ran.exit_code == 1 and "Kendall tau -1.00, and that of MACs is 1.00; measure again on a quiet machine" in ran.output
    assert (tmp_path / "t.json").exists()


def test_export_writes_a_checked_network(tmp_path):
    family = FAMILIES["digits-mbv3"]()
    genotype = family.space.smallest
    found = answer("export", ",".join(map(str, genotype)), "--output", tmp_path / "made")
    assert found.keys() == {"files", "onnx_max_abs_difference", "accuracy_top1_validation"}
    assert found["files"] == [str(tmp_path / "made" / f"network.{suffix}") for suffix in ("onnx", "safetensors", "json")]
    assert all((tmp_path / "made" / f"network.{suffix}").stat().st_size for suffix in ("onnx", "safetensors", "json"))
    assert found["onnx_max_abs_difference"] <= 1e-4
    card = json.loads((tmp_path / "made" / "network.json").read_text())
    supernet = load_supernet(family.name)
    accuracy = Accuracy(supernet, TASKS["digits"]())(genotype).item()
    assert card["accuracy_top1_validation"] == found["accuracy_top1_validation"] == accuracy
    assert card["genotype"] == genotype.tolist() and card["weights"] == supernet.fingerprint


@pytest.fixture
def made(tmp_path, monkeypatch):
    """What is given to be exported; nothing is."""
    given = []
    command = importlib.import_module("nastoolkit.cli.export")
    monkeypatch.setattr(command, "export_network", lambda *what: given.append(what) or Export((tmp_path,), 0.0))
    return given


def test_export_takes_a_configuration(tmp_path, made):
    space = FAMILIES["digits-mbv3"]().space
    (tmp_path / "net.json").write_text(json.dumps({"ks": 3, "e": 2, "d": 1}))
    answer("export", "--config", tmp_path / "net.json", "--output", tmp_path / "made")
    assert made[0][3]["genotype"] == space.smallest.tolist()
    assert made[0][3]["normalisation"] == {"mean": [0.2], "std": [0.35]}


@pytest.fixture
def kept_search(tmp_path):
    """The store of a search of ``digits-mbv3`` with made-up accuracies, and what it found."""
    space, evaluate = FAMILIES["digits-mbv3"]().space, lambda genotypes: 50 + genotypes.sum(axis=1, keepdims=True) / 2
    objectives = [Objective("accuracy_top1", "max", "%"), Objective("mmacs", "min", exact=FAMILIES["digits-mbv3"]().mmacs)]
    history = optimize(space, evaluate, objectives, "random", 60, store=tmp_path / "s.sqlite", progress=False)
    return tmp_path / "s.sqlite", history.front()


def test_export_picks_from_a_store(kept_search, tmp_path, made, complaint):
    store, front = kept_search
    bound = float(np.median(front.values[:, 1]))
    for pick in ("most-accurate", "knee", f"mmacs={bound}"):
        answer("export", "--store", store, "--pick", pick, "--output", tmp_path / "made")
    accurate, knee, within = (card[3]["genotype"] for card in made)
    assert all("latency_ms" not in card[3] for card in made)
    assert accurate == front.genotypes[0].tolist() and within == front.genotypes[front.values[:, 1] <= bound][0].tolist()
    assert knee == front.genotypes[pareto.knee(front.costs)].tolist() != accurate
    told = complaint("export", "--store", store, "--pick", "mmacs=0.001", "--output", tmp_path / "made")
    assert f"holds no network for mmacs=0.001; its least mmacs is {front.values[:, 1].min():g}" in told
    assert "unknown cost 'kneee'" in complaint("export", "--store", store, "--pick", "kneee=1", "--output", tmp_path / "made")
    assert "such as mmacs=60" in complaint("export", "--store", store, "--pick", "kneee", "--output", tmp_path / "made")


def test_the_card_of_an_export_has_the_latency_of_a_table_and_its_conditions(tmp_path, made):
    family, conditions = FAMILIES["digits-mbv3"](), {"backend": "vendor tool", "batch_size": 1, "threads": 1}
    LookupTable.from_costs(family, {spec: 2.0 for spec in family.block_specs}, conditions).save(tmp_path / "t.json")
    genotype = family.space.smallest
    answer("export", ",".join(map(str, genotype)), "--table", tmp_path / "t.json", "--output", tmp_path / "made")
    card = made[0][3]
    assert (
        card["latency_ms"] == 2.0 * len(list(family.plan(genotype))) and card["latency_conditions"]["backend"] == "vendor tool"
    )


@pytest.mark.parametrize("given", [(), ("0,1", "--config", "x.json"), ("0,1", "--store", "x.sqlite")])
def test_export_takes_one_sub_network(complaint, tmp_path, given):
    told = complaint("export", *given, "--output", tmp_path / "made")
    assert "by its genotype, by --config FILE, or by --store FILE" in told
    (tmp_path / "x.json").write_text("{}")
    told = complaint("export", "--config", tmp_path / "x.json", "--output", tmp_path / "made")
    assert "x.json is not a network of 'digits-mbv3': no option given for" in told and not (tmp_path / "made").exists()


def test_it_tells_its_version():
    assert CliRunner().invoke(cli.app, ["--version"]).output == f"nastoolkit {__version__}\n"


def test_papers_name_the_modules_that_follow_them():
    found = answer("papers")["papers"]
    assert all(paper.keys() == {"key", "reference", "modules"} and paper["modules"] for paper in found)
    papers = {paper["key"]: paper for paper in found}
    assert len(papers) == len(found) and list(papers) == sorted(papers)
    assert "nastoolkit.search.linas" in papers["Cummings2022"]["modules"]
    assert "arXiv 2202.12954" in papers["Cummings2022"]["reference"]
    assert not [paper["reference"] for paper in found if "`" in paper["reference"]]
    assert "nastoolkit.supernets.supernet" in papers["Cai2020"]["modules"]


def test_the_doctor_finds_this_installation_well(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = answer("doctor")
    assert found.keys() >= {"cpu", "python", "torch", "nastoolkit"}
    assert found["embedded supernets"].startswith("ok, digits-mbv3")
    assert found["writable folder"] == f"ok, {tmp_path}" and found["ONNX export"].startswith("ok, ")
    assert not list(tmp_path.iterdir())


def test_the_doctor_reports_an_illness_and_goes_on(tmp_path, monkeypatch):
    (tmp_path / "digits-mbv3.safetensors").write_bytes(b"cut")
    monkeypatch.setattr(checkpoints, "EMBEDDED", tmp_path)
    found = answer("doctor", code=1)
    assert found["embedded supernets"].startswith("FAILED: ") and "digits-mbv3.safetensors" in found["embedded supernets"]
    assert found["ONNX export"].startswith("ok, ")


def test_without_json_it_is_read_by_people():
    result = CliRunner().invoke(cli.app, ["papers"])
    assert result.exit_code == 0
    assert re.search(r"(?ms)^systems:\n  name=\w+  paper=.*^papers:\n  key=\w+  reference=", result.stdout)


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (
            ("search", "--family", "resnet"),
            "'resnet', did you mean 'ofa-resnet50'.*; known: .*digits-mbv3",
        ),
        (
            ("profile", "--family", "resnet"),
            "'resnet', did you mean 'ofa-resnet50'.*; known: .*digits-mbv3",
        ),
        (
            ("export", "0,0", "--output", "x", "--family", "resnet"),
            "'resnet', did you mean 'ofa-resnet50'.*; known: ",
        ),
        (("search", "--algorithm", "guess"), "unknown algorithm 'guess'; known: .*linas.*nsga2"),
        (("search", "--measure", "luck"), "unknown measure 'luck'; known: accuracy, naswot"),
        (("search", "--budget", "3", "--warm-start", "none.sqlite"), "there is no store at none.sqlite"),
        (("show", "none.sqlite"), "there is no store at none.sqlite"),
        (("search", "--cost", "dollars"), "unknown cost 'dollars'; known: .*mmacs.*params.*latency_ms"),
        (("search", "--task", "chess"), "unknown task 'chess'; known: .*digits"),
        (("profile", "--backend", "abacus"), "unknown backend 'abacus'; known: .*torch"),
        (("profile", "--resolution", "0"), r"'resolution' has no option 0; its options are \(32,\)"),
        (("search", "--cost", "latency_ms"), "latency_ms needs --table FILE"),
        (("search", "--budget", "0"), "'--budget'.* 1"),
        (("search", "--famly", "x"), "No such option"),
        (("races",), "No such command 'races'"),
        (("export", "0", "--output", "made", "--pick", "knee"), "add --store FILE"),
        (("export", "0", "--output", "made", "--cost", "params"), "add --store FILE"),
    ],
)
def test_what_is_unknown_is_told_with_what_is_known(complaint, arguments, known):
    assert re.search(known, complaint(*arguments))


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        ("0,1", r"genotypes must have shape \(n, 22\)"),
        ("9" + ",0" * 21, "'resolution' is 9, out of range"),
        ("a,b", "a genotype must be integers .*'a,b'"),
    ],
)
def test_a_genotype_that_is_none(complaint, tmp_path, genotype, message):
    assert re.search(message, complaint("export", genotype, "--output", tmp_path / "made"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("profile", "--output", "folder"), "folder is a folder, not a file"),
        (("profile", "--output", "file/table.json"), "file is a file, not a folder"),
        (("profile", "--output", "file/new/table.json"), "nothing can be written to file/new: Not a directory"),
        (("export", ",".join("0" * 22), "--output", "file"), "file is a file, not a folder"),
        (("search", "--store", "folder"), "folder is a folder, and a store is a file"),
        (("search", "--store", "file/a.sqlite"), "cannot use file/a.sqlite as a store"),
        (("fetch", "nas-bench-macro"), "Not a directory"),
    ],
)
def test_outputs_are_tried_before_the_work_begins(complaint, tmp_path, monkeypatch, arguments, told):
    for place, work in ((LookupTable, "measure"), (Accuracy, "of_network"), (Accuracy, "__call__")):
        monkeypatch.setattr(place, work, lambda *_, **__: pytest.fail("it works"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASTOOLKIT_CACHE", "file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert told in complaint(*arguments)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


NUMBERS = ("search --seed", "search --batch-size", "search --threads", "search --budget", "profile --threads", "race --seeds")


@pytest.mark.parametrize("option", NUMBERS)
@pytest.mark.parametrize("number", ["-1", "1.5", "many"])
def test_a_number_that_cannot_be_names_its_option(complaint, option, number):
    command, name = option.split()
    assert re.search(f"Invalid value for '{name}': .*({number}|integer|greater than)", complaint(command, name, number))


def test_a_library_that_is_missing_is_told_before_anything_is_measured(complaint, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.setattr(race_command, "run_race", lambda *_, **__: pytest.fail("it races"))
    monkeypatch.setattr(Accuracy, "__call__", lambda *_: pytest.fail("it measures"))
    race = ("race", "--benchmark", "digits-mbv3-table", "--algorithms", "random,optuna_tpe")
    for arguments in (race, ("search", "--algorithm", "optuna_tpe")):
        assert "error: this search needs optuna; install it with: pip install 'nastoolkit[optuna]'" in complaint(*arguments)


def test_files_that_do_not_serve(complaint, tmp_path, table):
    family = FAMILIES["digits-mbv3"]()
    genotype = ",".join(map(str, family.space.smallest))
    missing = complaint("export", genotype, "--output", tmp_path, "--checkpoint", tmp_path / "none.safetensors")
    assert "none.safetensors" in missing and "digits-mbv3" in missing
    assert "nastoolkit fetch ofa-mbv3-w1.0" in complaint("search", "--family", "ofa-mbv3-w1.0")
    timed = ("search", "--cost", "latency_ms")
    for option in ("--table", "--latencies"):
        told = complaint(*timed, option, tmp_path / "none.json")
        assert told == f"error: {tmp_path / 'none.json'}: No such file or directory"
    (tmp_path / "cut.json").write_text(table.read_text()[:50])
    (tmp_path / "store.sqlite").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 16)
    for name in ("cut.json", "store.sqlite"):
        told = complaint(*timed, "--table", tmp_path / name)
        assert f"{name} is not a latency table of this toolkit: " in told and len(told) < 400


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--table", "t.json"), "--table would not be used: this search is about mmacs; add --cost latency_ms, or --at-most"),
        (("--latencies", "phone.csv", "--at-most", "params=9"), "--latencies would not be used: .* about mmacs, params; add"),
        (("--threads", 2), "--threads would not be used"),
        (("--cost", "latency_ms", "--table", "t.json", "--latencies", "phone.csv"), "both give latency_ms: name one of them"),
        (
            ("--at-most", "latency_ms=9", "--latencies", "phone.csv", "--batch-size", 8),
            "--batch-size would not be used: without",
        ),
    ],
)
def test_a_search_refuses_what_it_would_not_use(complaint, monkeypatch, arguments, told):
    monkeypatch.setattr(importlib.import_module("nastoolkit.cli.search"), "load_supernet", lambda *_: pytest.fail("it loads"))
    assert re.search(told, complaint("search", *arguments))


def test_what_belongs_to_another_family_is_told_in_one_sentence(complaint, tmp_path, past):
    other = ("search", "--measure", "naswot", "--budget", 3)
    told = complaint(*other, "--checkpoint", past / "net")
    assert told == f"error: {past / 'net'} holds weights of 'tiny', which do not fit 'digits-mbv3'"
    for option in ("--warm-start", "--estimate", "--popdb"):
        assert "past.sqlite is about another search space, that of 'tiny'" in complaint(*other, option, past / "past.sqlite")
    told = complaint("train", "--family", "text-bert", "--output", tmp_path / "net.safetensors")
    assert told == "error: 'text-bert' takes inputs (48,), task 'digits' has (1, 32, 32)"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_command_is_listed_with_the_first_line_of_its_help(name):
    assert cli.command(name).help.splitlines()[0] == cli.COMMANDS[name]


def test_listing_the_commands_imports_neither_pytorch_nor_pandas():
    code = "import sys; from nastoolkit import cli; sys.argv[1:] = ['--help']\ntry: cli.main()\nexcept SystemExit: pass\n"
    code += "sys.exit(bool({'torch', 'pandas', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
