import csv
import json
import warnings
from collections import Counter
from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from nastoolkit.families import FAMILIES
from nastoolkit.families.mobilenet_v3 import MobileNetV3Family
from nastoolkit.families.translator import Embedding
from nastoolkit.latency import BACKENDS, LookupTable, TableCheck, Timing, contexts, table_conditions
from nastoolkit.latency.backends.torch_eager import TorchEager
from nastoolkit.latency.contexts import covering_genotypes, n_that_cover
from nastoolkit.latency.end_to_end import NetworkLatency
from nastoolkit.latency.table_file import block_text


@pytest.fixture(scope="module")
def measured(narrow):
    return LookupTable.measure(narrow, batch_size=2, n_contexts=2, progress=False)


@pytest.fixture
def known(tiny):
    """A table whose latencies are known, without a clock."""
    timings = {spec: Timing(0.1 * number + 0.01, 0.001, 5) for number, spec in enumerate(tiny.block_specs)}
    return LookupTable(tiny, timings, {"backend": "torch", "batch_size": 1, "threads": 1})


def test_latency_is_the_sum_over_blocks(known, tiny):
    genotypes = tiny.space.sample(30, np.random.default_rng(0))
    expected = [sum(known.timings[spec].median_ms for _, spec in tiny.plan(genotype)) for genotype in genotypes]
    np.testing.assert_allclose(known.latency_ms(genotypes), expected, rtol=1e-12)
    assert known.latency_ms(genotypes[0]) == pytest.approx(expected[0])


def test_measuring_times_every_block_and_notes_the_conditions(measured, narrow):
    assert tuple(measured.timings) == narrow.block_specs
    assert all(timing.median_ms > 0 and timing.n_runs > 1 for timing in measured.timings.values())
    assert {"backend": "torch", "batch_size": 2, "threads": 1}.items() <= measured.conditions.items()
    assert measured.conditions["cpu"] and measured.conditions["torch"]


def test_validation_holds_it_against_the_clock(measured):
    check = measured.validate(n=4, seconds=0.04, progress=False)
    assert len(check.frame) == 4 and (check.frame > 0).all(axis=None)
    genotypes = measured.family.space.sample(4, np.random.default_rng(0))
    np.testing.assert_array_equal(check.frame.table_ms, measured.latency_ms(genotypes))
    assert np.isfinite([check.mape_percent, check.bias_percent, check.spearman, check.kendall_tau]).all()


def test_errors_in_closed_form():
    measured = np.array([10.0, 20.0, 40.0, 50.0])
    halves = np.stack([measured, [9.0, 20.0, 44.0, 50.0]], axis=1)
    check = TableCheck(np.array([11.0, 18.0, 40.0, 30.0]), measured, halves, macs=np.array([2, 1, 3, 4]))
    assert check.clock_percent == pytest.approx((10 + 0 + 10 + 0) / 4)
    assert check.mape_percent == pytest.approx((10 + 10 + 0 + 40) / 4)
    assert check.bias_percent == pytest.approx((10 - 10 + 0 - 40) / 4)
    assert check.kendall_tau == pytest.approx((5 - 1) / 6) and check.spearman == pytest.approx(0.8)
    assert check.macs_kendall_tau == pytest.approx((5 - 1) / 6) and not check.is_worse_than_macs
    assert replace(check, macs=measured).is_worse_than_macs


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("name", ["tiny", "digits-mbv3"])
def test_few_networks_cover_every_block(tiny, name, times):
    family = tiny if name == "tiny" else FAMILIES[name]()
    genotypes = covering_genotypes(family, times, np.random.default_rng(0))
    np.testing.assert_array_equal(family.space.canonical(genotypes), genotypes)
    first = covering_genotypes(family, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(genotypes[: len(first)], first)
    assert n_that_cover(family, genotypes, family.block_specs) == len(first)
    counts = Counter(spec for genotype in genotypes for _, spec in family.plan(genotype))
    assert counts.keys() == set(family.block_specs) and min(counts.values()) >= times
    assert len(genotypes) < times * len(family.block_specs) / 2


def test_a_saved_table_comes_back_whole(known, tiny, tmp_path):
    path = known.save(tmp_path / "new" / "table.json")
    loaded = LookupTable.load(path, MobileNetV3Family("tiny", tiny.table))
    assert loaded.timings == known.timings and loaded.conditions == known.conditions
    genotypes = tiny.space.sample(5, np.random.default_rng(0))
    np.testing.assert_array_equal(loaded.latency_ms(genotypes), known.latency_ms(genotypes))


@pytest.mark.parametrize("within", [{}, {"no_choice_of_theirs": [1]}])
def test_a_table_of_another_family_is_an_error(known, tmp_path, within):
    path = known.save(tmp_path / "table.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"within": within}))
    with pytest.raises(ValueError, match=f"{path} is a table of 'tiny' and lacks .* blocks of 'ofa-mbv3-w1.0'"):
        LookupTable.load(path, FAMILIES["ofa-mbv3-w1.0"]())


def test_a_table_that_lacks_a_block_is_an_error(known, tiny, tmp_path):
    path = known.save(tmp_path / "table.json")
    content = json.loads(path.read_text())
    del content["blocks"][3]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="lacks 1 blocks"):
        LookupTable.load(path, tiny)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_cut_file_is_named(known, tiny, tmp_path, share):
    path = known.save(tmp_path / "table.json")
    path.write_text(path.read_text()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=f"{path} is not a latency table"):
        LookupTable.load(path, tiny)


@pytest.mark.parametrize("key", ["family", "conditions", "blocks", "block", "median_ms"])
def test_a_missing_key_is_named(known, tiny, tmp_path, key):
    path = known.save(tmp_path / "table.json")
    content = json.loads(path.read_text())
    del (content if key in content else content["blocks"][0])[key]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"{path} is not a latency table.*{key}"):
        LookupTable.load(path, tiny)


@pytest.mark.parametrize("text", ["[1, 2]", "7", '"table"', '{"blocks": 3}', '{"blocks": [4]}'])
def test_other_json_is_no_table(tiny, tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not a latency table"):
        LookupTable.load(path, tiny)


def test_an_unknown_backend_lists_the_known_ones(tiny):
    with pytest.raises(ValueError, match=f"unknown backend 'abacus'; known: {', '.join(BACKENDS)}"):
        LookupTable.measure(tiny, "abacus")


@pytest.mark.parametrize("argument", ["batch_size", "threads", "n_contexts"])
def test_numbers_below_one_are_refused(tiny, argument):
    with pytest.raises(ValueError, match=f"{argument} must be at least 1, got 0"):
        LookupTable.measure(tiny, **{argument: 0})


def test_a_table_tells_the_conditions_it_was_made_under(narrow):
    table = LookupTable.measure(narrow, batch_size=2, n_contexts=1, progress=False)
    assert table.conditions == table_conditions(batch_size=2, n_contexts=1)
    assert table.conditions != table_conditions(batch_size=4, n_contexts=1)


def test_a_table_of_a_part_of_the_space(tiny, tmp_path):
    within = {"stage1.depth": [1]}
    part = tiny.space.restrict(within)
    table = LookupTable.measure(tiny, n_contexts=1, within=within, progress=False)
    assert set(table.timings) == set(tiny.specs_within(part)) < set(tiny.block_specs)
    inside, outside = part.sample(5, np.random.default_rng(0)), tiny.space.largest
    loaded = LookupTable.load(table.save(tmp_path / "part.json"), tiny)
    np.testing.assert_array_equal(loaded.latency_ms(inside), table.latency_ms(inside))
    np.testing.assert_array_equal(part.canonical(loaded.space.sample(9, np.random.default_rng(1)))[:, 0], 0)
    for one in (table, loaded):
        with pytest.raises(ValueError, match="did not measure; it covers .*stage1.depth"):
            one.latency_ms(outside)


def test_a_killed_measurement_goes_on(narrow, tmp_path, monkeypatch):
    file, measured, real = tmp_path / "runs" / "table.partial", [], contexts.steady

    def counting(times, most=99):
        if len(measured) == most:
            raise KeyboardInterrupt
        measured.append(real(times))
        return measured[-1]

    monkeypatch.setattr(contexts, "steady", partial(counting, most=1))
    with pytest.raises(KeyboardInterrupt):
        LookupTable.measure(narrow, n_contexts=2, resume=file, progress=False)
    assert file.exists()
    with file.open("a") as cut_off:
        cut_off.write('{"median_ms": 1.')
    monkeypatch.setattr(contexts, "steady", counting)
    table = LookupTable.measure(narrow, n_contexts=2, resume=file, progress=False)
    assert set(table.timings) == set(narrow.block_specs)
    assert len(measured) == len(covering_genotypes(narrow, 2, np.random.default_rng(0)))


@pytest.mark.parametrize("seconds", [0.001, 1000.0])
def test_a_short_time_gives_every_network_fewer_runs(narrow, monkeypatch, seconds):
    given = []

    def clockwork(table, seconds=0.3):
        given.append(seconds)
        return NetworkLatency(table.family, seconds=0.001)

    monkeypatch.setattr(LookupTable, "clockwork", clockwork)
    LookupTable.measure(narrow, n_contexts=1, seconds=seconds, progress=False)
    n_networks = len(covering_genotypes(narrow, 1, np.random.default_rng(0)))
    assert given == [min(0.1, seconds / 4 / n_networks)]


def test_what_another_measurement_left_is_not_taken(narrow, tmp_path):
    file = tmp_path / "table.partial"
    for content in ("{cut off", '{"identity": {"family": "another"}, "networks": [{}]}'):
        file.write_text(content)
        table = LookupTable.measure(narrow, n_contexts=1, resume=file, progress=False)
        assert set(table.timings) == set(narrow.block_specs)


def test_a_table_of_another_machine_batch_or_thread_count_says_so(known, tiny, tmp_path):
    known.conditions |= {**table_conditions(batch_size=4, threads=2), "cpu": "Abacus 3000"}
    path = known.save(tmp_path / "table.json")
    with pytest.warns(UserWarning, match="measured under other conditions: cpu 'Abacus 3000', here [^;]*$"):
        LookupTable.load(path, tiny, batch_size=4)
    with pytest.warns(UserWarning, match="; batch_size 4, here 1; threads 2, here 3"):
        LookupTable.load(path, tiny, batch_size=1, threads=3)


def test_a_table_under_the_wanted_conditions_is_silent(known, tiny, tmp_path):
    known.conditions |= table_conditions(batch_size=4)
    path = known.save(tmp_path / "table.json")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LookupTable.load(path, tiny, batch_size=4, threads=1)


def test_the_machines_speed_is_taken_out_and_told(measured, monkeypatch):
    slower, before = copy(measured), measured.mape_percent
    slower.reference_ms = measured.reference_ms / 2
    runs, now_ms = slower.clockwork(0.04).rounds(slower.space.sample(2, np.random.default_rng(0)))
    monkeypatch.setattr(NetworkLatency, "rounds", lambda *_: (runs, now_ms))
    check = slower.validate(n=2, progress=False)
    assert check.drift_percent == pytest.approx(100 * (2 * now_ms / measured.reference_ms - 1))
    assert slower.mape_percent == check.mape_percent and measured.mape_percent == before
    np.testing.assert_allclose(check.measured_ms, [slower.reference_ms * np.median(np.concatenate(r)) for r in runs])


def test_when_time_is_over_every_block_has_been_timed_once(tiny):
    table = LookupTable.measure(tiny, n_contexts=9, seconds=0.0, progress=False)
    few = covering_genotypes(tiny, 1, np.random.default_rng(0))
    assert set(table.timings) == set(tiny.block_specs)
    assert sum(timing.n_runs for timing in table.timings.values()) <= 100 * sum(len(tiny.plan(genotype)) for genotype in few)


def test_restless_networks_are_counted_and_saved(narrow, tmp_path, monkeypatch):
    monkeypatch.setattr(contexts, "steady", lambda times: times()[:1] * np.array([1.0, 2.0, 3.0]))
    table = LookupTable.measure(narrow, n_contexts=1, progress=False)
    n_networks = len(covering_genotypes(narrow, 1, np.random.default_rng(0)))
    loaded = LookupTable.load(table.save(tmp_path / "table.json"), narrow)
    assert table.n_noisy == loaded.n_noisy == n_networks and loaded.reference_ms == table.reference_ms


def test_blocks_that_the_backend_cannot_tell_come_from_whole_networks(narrow, monkeypatch):
    monkeypatch.setattr(TorchEager, "block_shares", lambda *_: None)
    table = LookupTable.measure(narrow, batch_size=8, n_contexts=3, progress=False)
    assert set(table.timings) == set(narrow.block_specs)
    measured = table.clockwork()(genotypes := narrow.space.sample(2, np.random.default_rng(0)))[:, 0]
    assert (0.5 < table.latency_ms(genotypes) / measured).all() and (table.latency_ms(genotypes) / measured < 2).all()


def numbers_of_numpy(table):
    """The same table, of numbers as a computation with numpy leaves them."""
    specs = [
        replace(spec, **{"input_size": np.int64(spec.input_size)} if hasattr(spec, "input_size") else {})
        for spec in table.timings
    ]
    timings = {
        spec: Timing(np.float32(t.median_ms), np.float64(t.iqr_ms), np.int64(t.n_runs))
        for spec, t in zip(specs, table.timings.values(), strict=True)
    }
    conditions = {"backend": "torch", "batch_size": np.int64(1), "threads": np.int32(1), "clock": np.arange(2)}
    return LookupTable(
        table.family, timings, conditions, {"resolution": np.array([32])}, np.float32(1.5), np.int64(0), np.float32(3)
    )


def test_what_is_saved_is_what_load_takes(known, tiny, tmp_path):
    table = numbers_of_numpy(known)
    loaded = LookupTable.load(table.save(tmp_path / "table.json"), tiny)
    genotypes = tiny.space.sample(5, np.random.default_rng(0))
    np.testing.assert_allclose(loaded.latency_ms(genotypes), known.latency_ms(genotypes), rtol=1e-6)
    assert (
        loaded.conditions == {"backend": "torch", "batch_size": 1, "threads": 1, "clock": [0, 1]}
        and loaded.reference_ms == 1.5
    )


def test_the_text_of_a_block_has_plain_numbers():
    spec = Embedding(vocabulary=np.int64(9), dim=8, largest_dim=8, length=3, dropout=np.float32(0.1))
    assert block_text(spec) == repr(replace(spec, vocabulary=9, dropout=0.1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (dict(conditions={}), "backend"),
        (dict(conditions={"backend": "x", "batch_size": 0, "threads": 1}), "batch_size and threads"),
        (dict(mape_percent=np.nan), "numbers of at least 0, got nan"),
        (dict(within={"stage1.depth": (5,)}), "no option 5"),
        (dict(conditions={"backend": "x", "batch_size": 1, "threads": 1, "board": object()}), "a file keeps numbers, texts"),
    ],
)
def test_what_load_would_refuse_is_refused_when_it_is_saved(known, tmp_path, change, told):
    table, path = copy(known), known.save(tmp_path / "table.json")
    before = path.read_text()
    vars(table).update(change)
    with pytest.raises(ValueError, match=told):
        table.save(path)
    assert path.read_text() == before


def test_a_table_that_lacks_a_block_is_not_saved(known, tiny, tmp_path):
    table = LookupTable(tiny, dict(list(known.timings.items())[1:]), known.conditions)
    with pytest.raises(ValueError, match="the table lacks 1 blocks of 'tiny', e.g. Conv"):
        table.save(tmp_path / "table.json")


def write_costs(path, rows, header=("block", "ms")):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_times_of_another_tool(known, tiny, tmp_path):
    costs = {spec: timing.median_ms for spec, timing in known.timings.items()}
    rows = [(repr(spec), ms) for spec, ms in costs.items()]
    named = write_costs(tmp_path / "named.csv", [(1, ms, block, "x") for block, ms in rows], ("run", "ms", "block", "note"))
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbf" + write_costs(tmp_path / "a.csv", rows).read_bytes())
    sources = [costs, {block: np.float32(ms) for block, ms in rows}, tmp_path / "a.csv", str(named), tmp_path / "excel.csv"]
    genotypes = tiny.space.sample(9, np.random.default_rng(0))
    for source in sources:
        table = LookupTable.from_costs(tiny, source, {"backend": "vendor 1.2", "device": "board"})
        np.testing.assert_allclose(table.latency_ms(genotypes), known.latency_ms(genotypes), rtol=1e-6)
        assert table.conditions == {"backend": "vendor 1.2", "batch_size": 1, "threads": 1, "device": "board"}
    loaded = LookupTable.load(table.save(tmp_path / "board.json"), tiny)
    np.testing.assert_array_equal(loaded.latency_ms(genotypes), table.latency_ms(genotypes))
    np.testing.assert_array_equal(LookupTable.load(named, tiny).latency_ms(genotypes), known.latency_ms(genotypes))


def test_several_rows_of_a_block_are_several_runs(known, tiny, tmp_path):
    rows = [(repr(spec), ms) for spec in known.timings for ms in (1.0, 2.0, 9.0)]
    first, *_ = LookupTable.from_costs(tiny, write_costs(tmp_path / "a.csv", rows)).timings.values()
    assert (first.median_ms, first.n_runs) == (2.0, 3) and first.iqr_ms == 4.0


def test_times_of_a_part_of_the_space(known, tiny):
    within = {"stage1.depth": [1]}
    part = tiny.space.restrict(within)
    costs = {spec: 1.0 for spec in tiny.specs_within(part)}
    assert LookupTable.from_costs(tiny, costs, within=within).latency_ms(part.largest) == len(tiny.plan(part.largest))
    with pytest.raises(ValueError, match="what was timed lacks [0-9]+ blocks of 'tiny'"):
        LookupTable.from_costs(tiny, costs)


@pytest.mark.parametrize("ms", [-1, np.nan, np.inf, "fast", None, []])
def test_a_time_that_is_none_is_refused(known, tiny, ms):
    with pytest.raises((ValueError, TypeError)):
        LookupTable.from_costs(tiny, dict.fromkeys(known.timings, ms))


@pytest.mark.parametrize(
    "text", ["block,ms\nConv", "block,ms\nConv,\n", "block,ms\nConv,-1\n", "block,ms\n", "block,ms\n\0,1"]
)
def test_a_csv_that_is_damaged_is_named(tiny, tmp_path, text):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError, match="x.csv is not a latency table with columns block and ms|lacks|numbers of at least 0"):
        LookupTable.load(tmp_path / "x.csv", tiny)
