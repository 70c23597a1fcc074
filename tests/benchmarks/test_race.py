import json
import re
import sys
from copy import copy

import numpy as np
import pytest
from typer.testing import CliRunner

from nastoolkit import cli
from nastoolkit.benchmarks import BENCHMARKS, Benchmark, Problem
from nastoolkit.benchmarks.race import (
    Curves,
    as_frame,
    find_targets,
    median_interval,
    read_targets,
    replayed_history,
    replayed_search,
    run_race,
    summary,
)
from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize


class Line(Benchmark):
    """Two sums that disagree."""

    space = SearchSpace([Choice(f"c{i}", (0, 1, 2)) for i in range(6)])
    objectives = (Objective("sum", "max"), Objective("square", "min"))
    reference_point = (-1.0, 30.0)
    targets = {"low": 50.0, "high": 1e6}

    def evaluate(self, genotypes):
        return np.stack([genotypes.sum(axis=1), (genotypes**2).sum(axis=1)], axis=1).astype(float)


RUN = Curves(np.array([[1.0, 2, 3, 3], [2, 2, 4, 5], [0, 0, 0, 3]]), np.array([0.1, 0.3, 0.2]))


def test_evaluations_to_a_level_are_counted_from_one():
    np.testing.assert_array_equal(RUN.evaluations_to(2.0), [2, 1, 4])
    np.testing.assert_array_equal(RUN.evaluations_to(4.5), [np.inf, 4, np.inf])
    np.testing.assert_array_equal(RUN.final, [3, 5, 3])


def test_times_fewer_evaluations_to_what_the_other_one_had():
    other = Curves(np.array([[0.0, 0, 2, 2], [0, 0, 0, 9], [0, 0, 0, 0.5]]), np.zeros(3))
    fewer = RUN.times_fewer(other)
    np.testing.assert_array_equal(fewer.low, [3 / 2, 0, 1])
    np.testing.assert_array_equal(fewer.high, [3 / 2, 4 / 4, 1])  # the second run never had 9 in its 4 evaluations
    assert str(fewer) == "reached in 2 of 3, median ratio 1, others below 1"
    assert RUN.times_fewer(other, evaluations=2).low.tolist() == [1, 1, 1]


def test_what_a_seed_never_reached_is_censored():
    assert str(RUN.counts_to(4.5)) == "reached in 1 of 3, median above 4, others above 4"


def test_curves_as_rows():
    frame = RUN.to_frame([1, 4])
    assert frame.evaluations.tolist() == [1, 1, 1, 4, 4, 4] and frame.seed.tolist() == [0, 1, 2] * 2
    assert frame.hypervolume.tolist() == [1, 2, 0, 3, 5, 3]


def test_medians_have_intervals():
    samples = np.random.default_rng(1).normal(10.0, 1.0, (200, 10))
    found = [median_interval(values) for values in samples]
    assert [center for center, _ in found] == list(np.median(samples, axis=1))
    assert 0.9 <= np.mean([low <= 10 <= high for _, (low, high) in found]) <= 0.99
    assert median_interval(np.full(4, 7.0)) == (7.0, [7.0, 7.0])
    assert median_interval(samples[0]) == median_interval(samples[0])


def test_what_few_seeds_reach_has_no_median():
    few = np.array([5.0, np.inf, np.inf, np.inf])
    assert median_interval(few)[0] is None
    most = np.array([5.0, 6, 7, 8, np.inf])
    assert median_interval(most) == (7.0, [5.0, None])
    assert median_interval(np.full(3, np.inf)) == (None, [None, None])


def test_targets_are_the_benchmarks_own_and_those_asked_for():
    assert find_targets(Line(), {"a": RUN}, [60.5, "a"]) == {"a": 3.0, "low": 50.0, "60.5": 60.5, "high": 1e6}
    assert list(find_targets(Line(), {"a": RUN}, [60.5, "a"])) == ["a", "low", "60.5", "high"]


def test_targets_are_numbers_and_algorithms_of_the_race():
    assert read_targets("a, 60.5,", ["a", "b"]) == ["a", 60.5] and read_targets("", ["a"]) == []
    with pytest.raises(ValueError, match=r"an algorithm of this race \(a\), got 'b'"):
        read_targets("60.5,b", ["a"])


def test_a_race_runs_every_seed():
    run = run_race(Line(), "random", seeds=3, budget=20, progress=False, population=5)
    assert run.curves.shape == (3, 20) and run.seconds.shape == (3,) and (run.seconds > 0).all()
    assert (np.diff(run.curves, axis=1) >= 0).all() and len(np.unique(run.final)) > 1
    again = run_race(Line(), "random", seeds=3, budget=20, progress=False, population=5)
    np.testing.assert_array_equal(again.curves, run.curves)


def test_a_kept_search_is_made_once_for_the_same_question(tmp_path, monkeypatch):
    run, file = run_race(Line(), "nsga2", seeds=2, budget=20, progress=False, population=5), tmp_path / "new" / "kept"
    kept = replayed_search(file, Line(), "nsga2", 20, seed=1, population=5)
    np.testing.assert_array_equal(Line().history(kept).hypervolume_curve(Line.reference_point), run.curves[1])
    bounded = [Objective("sum", "max"), Objective("square", "min", at_most=4.0)]
    within = replayed_search(file, Line(), "nsga2", 20, seed=1, objectives=bounded, population=5)
    monkeypatch.setattr("nastoolkit.benchmarks.race.optimize", None)
    np.testing.assert_array_equal(replayed_search(file, Line(), "nsga2", 20, seed=1, population=5), kept)
    assert (within != kept).any()
    with pytest.raises(TypeError, match="not callable"):  # another warm start
        replayed_search(file, Line(), "nsga2", 20, seed=1, population=5, warm_start=kept[:3])
    monkeypatch.setattr(Line, "evaluate", lambda self, genotypes: np.ones((len(genotypes), 2)))
    with pytest.raises(TypeError, match="not callable"):
        replayed_search(file, Line(), "nsga2", 20, seed=1, population=5)


def test_a_kept_search_that_is_damaged_is_made_again(tmp_path):
    how = {"folder": tmp_path / "kept", "problem": Line(), "algorithm": "nsga2", "budget": 20}
    kept = replayed_search(**how)
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(file.read_bytes()[:9])
    np.testing.assert_array_equal(replayed_search(**how), kept)


def test_an_algorithm_of_the_users_is_always_asked(tmp_path, monkeypatch):
    class Mine(ALGORITHMS["random"]):
        pass

    monkeypatch.setitem(ALGORITHMS, "mine", Mine)
    assert len(replayed_search(tmp_path / "kept", Line(), "mine", 20)) == 20
    assert not (tmp_path / "kept").exists()


def total(genotypes):
    return genotypes.sum(axis=1).astype(float)


EXACT = Objective("square", "min", exact=lambda genotypes: total(genotypes) ** 2)
HOW = {"algorithm": "nsga2", "budget": 20, "seed": 1, "population": 5}


@pytest.mark.parametrize(
    ("measure", "store"), [(total, "a.sqlite"), (total, None), (None, None)], ids=["stored", "computed", "exact alone"]
)
def test_a_kept_history_is_that_of_the_search(tmp_path, monkeypatch, measure, store):
    quality = Objective("sum", "max", exact=None if measure else total)
    expected = optimize(Line.space, measure, [quality, EXACT], **HOW, progress=False)
    problem, where = Problem(Line.space, measure, [quality, EXACT]), tmp_path / store if store else None
    found = replayed_history(tmp_path / "kept", problem, **HOW, store=where)
    monkeypatch.setattr(ALGORITHMS["nsga2"], "ask", None)
    again = replayed_history(tmp_path / "kept", problem, **HOW, store=where)
    for history in (found, again):
        np.testing.assert_array_equal(history.genotypes, expected.genotypes)
        np.testing.assert_array_equal(history.values, expected.values)


@pytest.mark.parametrize(("n_options", "n_genes", "most_bytes"), [(2, 40, 80_000), (300, 2, 20_000)])
def test_kept_searches_are_small_and_genes_are_whole(tmp_path, n_options, n_genes, most_bytes):
    space = SearchSpace([Choice(f"c{i}", tuple(range(n_options))) for i in range(n_genes)])
    problem = Problem(space, None, [Objective("sum", "max", exact=total)])
    kept = replayed_search(tmp_path / "kept", problem, "random", 1000, population=1000)
    assert len(np.unique(kept, axis=0)) == 1000 and kept.max() == n_options - 1
    (file,) = (tmp_path / "kept").iterdir()
    assert file.stat().st_size < most_bytes


def test_a_problem_of_parts_is_copied_by_its_parts():
    problem = copy(Problem(Line.space, total, [Objective("sum", "max")]))
    np.testing.assert_array_equal(problem.history(Line.space.largest).values[0], total(Line.space.largest[None]))


def test_the_summary_is_for_programs_and_for_people():
    rows = summary({"a": RUN, "b": RUN}, {"low": 2.0, "high": 9.0})
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert [row["algorithm"] for row in rows] == ["a", "b"] and rows[0]["seconds"] == 0.2 and rows[0]["hypervolume"] == 3.0
    low, high = rows[0]["targets"]
    assert (low["target"], low["hypervolume"], low["evaluations"], low["seeds_that_reach_it"]) == ("low", 2.0, 2.0, 3)
    assert (high["evaluations"], high["interval"], high["seeds_that_reach_it"]) == (None, [None, None], 0)
    lines = as_frame(rows).to_string().splitlines()
    assert lines[0].split() == ["a", "b"] and "2 [1, 4]" in lines[-2] and lines[-1].split()[-2:] == ["-", "-"]


@pytest.fixture
def line_too(monkeypatch):
    """The command knows one more benchmark, a quick one."""
    monkeypatch.setitem(BENCHMARKS, "line", Line)


COMMAND = ("race", "--benchmark", "line", "--algorithms", "random, nsga2", "--seeds", "3", "--budget", "30")


def test_the_command_prints_one_json_object(line_too):
    result = CliRunner().invoke(cli.app, [*COMMAND, "--population", "10", "--targets", "nsga2,70", "--json"])
    found = json.loads(result.stdout)
    assert (found["benchmark"], found["seeds"], found["budget"], found["population"]) == ("line", 3, 30, 10)
    random, nsga2 = found["algorithms"]
    assert (random["algorithm"], nsga2["algorithm"]) == ("random", "nsga2")
    levels = {to["target"]: to for to in nsga2["targets"]}
    assert levels.keys() == {"low", "nsga2", "70.0", "high"} and levels["nsga2"]["hypervolume"] == nsga2["hypervolume"]
    assert levels["low"]["evaluations"] <= 30 and levels["high"]["evaluations"] is None
    low, high = nsga2["hypervolume_interval"]
    assert low <= nsga2["hypervolume"] <= high and nsga2["seconds"] > 0


def test_the_command_prints_a_table(line_too):
    result = CliRunner().invoke(cli.app, COMMAND)
    assert result.exit_code == 0
    first, *rows = result.stdout.splitlines()
    assert first.split() == ["random", "nsga2"]
    starts = (
        "hypervolume at the end ",
        "seconds a search ",
        "evaluations to 50.00 (low) ",
        "evaluations to 1000000.00 (high) ",
    )
    assert len(rows) == 4 and all(row.startswith(start) for row, start in zip(rows, starts, strict=True))


def test_with_a_bound_an_algorithm_of_one_goal_can_race(line_too):
    racers = ("race", "--benchmark", "line", "--algorithms", "random,ga", "--seeds", "2", "--budget", "40", "--json")
    assert "need a bound" in str(CliRunner().invoke(cli.app, racers).exception)
    narrow, wide = (CliRunner().invoke(cli.app, [*racers, "--at-most", bound]) for bound in ("square=6", "24"))
    for near, far in zip(*(json.loads(result.stdout)["algorithms"] for result in (narrow, wide)), strict=True):
        assert 0 < near["hypervolume"] < far["hypervolume"] and near["targets"] == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--benchmark": "imagenet"}, "unknown benchmark 'imagenet'; known: .*ofa-mbv3-note10"),
        ({"--algorithms": "random,guess"}, "unknown algorithm 'guess'; known: .*random"),
        ({"--algorithms": ""}, "unknown algorithm ''; known: .*random"),
        ({"--targets": "linas"}, r"an algorithm of this race \(random, nsga2\), got 'linas'"),
        ({"--seeds": "0"}, "'--seeds'.* 1"),
        ({"--at-most": "latency_ms=3"}, "unknown cost 'latency_ms'; known: square"),
        ({"--benchmark": "ofa-mbv3-note10"}, "nastoolkit fetch ofa-note10-lut"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(line_too, monkeypatch, capsys, tmp_path, changed, message):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    monkeypatch.setenv("NASTOOLKIT_CACHE", str(tmp_path))
    arguments = dict(zip(COMMAND[1::2], COMMAND[2::2], strict=True)) | changed
    monkeypatch.setattr(sys, "argv", ["nastoolkit", "race", *(word for pair in arguments.items() for word in pair)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    out, err = capsys.readouterr()
    assert stopped.value.code in (1, 2) and not out and "Traceback" not in err
    assert re.search(message, " ".join(re.sub(r"[│╭╮╰╯─]", " ", err).split()))
