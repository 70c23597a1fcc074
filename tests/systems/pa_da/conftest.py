import pytest


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """A task of few images, for all problems."""
    from nastoolkit import TASKS
    from nastoolkit.tasks.digits import Digits

    class Few(Digits):
        name = "few"
        n_canvases = {"train": 40, "validation": 60, "test": 50}  # noqa: RUF012

    monkeypatch.setitem(TASKS, "few", Few)
