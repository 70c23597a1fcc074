"""Which skipped tests fail: see EXPECTED_SKIPS in conftest.py."""

from pathlib import Path
from types import SimpleNamespace

import pytest

CONFTEST = str(Path(__file__).with_name("conftest.py"))


@pytest.fixture
def conftest(request):
    return request.config.pluginmanager.get_plugin(CONFTEST)


def outcome(conftest, reason, **more):
    """What becomes of the report of a skipped test."""
    report = SimpleNamespace(skipped=True, outcome="skipped", longrepr=("file", 1, f"Skipped: {reason}"), **more)
    hook = conftest.pytest_runtest_makereport(None, None)
    next(hook)
    with pytest.raises(StopIteration) as end:
        hook.send(report)
    return end.value.value.outcome


@pytest.mark.parametrize("reason", ["could not import 'optuna': No module named 'optuna'", "there is no mpiexec", ""])
def test_a_skip_that_nobody_expects_fails(conftest, reason):
    assert outcome(conftest, reason) == "failed"


def test_what_a_machine_may_lack_skips_a_test(conftest):
    assert outcome(conftest, "this backend needs an NVIDIA GPU and a PyTorch made for it") == "skipped"
    assert outcome(conftest, "", wasxfail="a known fault") == "skipped"
