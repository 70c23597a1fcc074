import pytest


@pytest.fixture
def problem(tiny, monkeypatch, tmp_path):
    """A tiny pre-trained supernet and a task of few images, as plain values; the task notes what was trained on."""
    from nastoolkit import FAMILIES, TASKS, Supernet, save_supernet
    from nastoolkit.tasks.digit_variants import SimilarDigits

    class Few(SimilarDigits):
        n_canvases = {"train": 30, "validation": 60, "test": 50}  # noqa: RUF012
        trained = []  # noqa: RUF012

        def batch(self, step, size, seed=0):
            self.trained.append((seed, step))
            return super().batch(step, size, seed)

    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    monkeypatch.setitem(TASKS, "few", Few)
    file = save_supernet(Supernet(tiny.with_classes(Few().n_classes), seed=1), tmp_path / "tiny.safetensors")
    values = {"family_name": "tiny", "checkpoint": str(file), "n_calibration": 30}
    return {**values, "task_name": "few", "folder": str(tmp_path / "kept")}


@pytest.fixture
def few(monkeypatch):
    """A task of few images with ten classes."""
    from nastoolkit import TASKS
    from nastoolkit.tasks.digits import Digits

    class Few(Digits):
        name = "few"
        n_canvases = {"train": 40, "validation": 60, "test": 50}  # noqa: RUF012

    monkeypatch.setitem(TASKS, "few", Few)
