"""A short fuzz run of every parser, bytes of any kind, other types in what is JSON; ``fuzz.py`` makes the long run."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from fuzz import MOST_MB, MOST_SECONDS, Feeder, Outcome, fuzz, give_up
from fuzz_mutations import altered
from fuzz_parsers import PARSERS, Parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON_FILES = [parser for parser in PARSERS if parser.file.endswith((".json", ".ipynb"))]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("../../x") | st.just(10**400)
VALUES = st.recursive(
    LEAVES, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3)
)


@pytest.fixture(autouse=True)
def alarm(monkeypatch):
    """Ends what hangs; a slow machine has ten times as long for a file."""
    monkeypatch.setattr("fuzz.MOST_SECONDS", 10 * MOST_SECONDS)
    before = signal.signal(signal.SIGALRM, give_up)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", [parser.name for parser in PARSERS])
def test_damaged_files_are_refused_as_documented(name):
    outcome = fuzz(name, 100, seed=1)
    assert not outcome.faults, outcome.faults[0]
    assert outcome.worst_mb < MOST_MB and outcome.n_taken + outcome.n_refused == 100


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.name)
def feeder(request, tmp_path):
    return Feeder(request.param, tmp_path)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused_as_documented(feeder, content):
    assert not feeder.feed(content)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("parser", JSON_FILES, ids=lambda parser: parser.name)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(other=VALUES, seed=st.integers(0, 2**32))
def test_json_of_another_type_anywhere_is_refused_as_documented(parser, tmp_path_factory, other, seed):
    folder = tmp_path_factory.mktemp("json")
    content = json.loads(parser.seeds(folder)[0])
    (folder / parser.file).write_text(json.dumps(altered(Random(seed), content, [other])))
    try:
        parser.parse(folder / parser.file)
    except parser.documented:
        pass


def test_the_fuzzer_sees_an_undocumented_error_a_slow_file_and_much_memory(monkeypatch):
    def bad(path):
        content = path.read_bytes()
        if len(content) > 5:
            raise KeyError("not documented")
        if content != b"whole":
            raise ValueError

    monkeypatch.setattr("fuzz_parsers.PARSERS", [Parser("bad", "bad.txt", lambda _: [b"whole"], bad, (ValueError,))])
    outcome = fuzz("bad", 20)
    assert 0 < len(outcome.faults) < 20 and "KeyError: 'not documented'" in outcome.faults[0]
    assert outcome.n_refused > 0 and outcome.bad and "bad" in str(outcome)
    assert Outcome("slow", worst_seconds=10 * MOST_SECONDS + 1).bad and Outcome("large", worst_mb=MOST_MB + 1).bad
    assert not Outcome("good", n_taken=1).bad


def test_the_peak_of_memory_is_seen():
    code = "from fuzz import peak_mb; before = peak_mb(); x = bytearray(b'1') * 250_000_000; print(peak_mb() - before)"
    told = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert 240 < float(told.stdout) < 300
