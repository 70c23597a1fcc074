import pytest

from nastoolkit.latency import LookupTable, hardware_table, read_hardware


def test_hardware_is_a_backend_a_batch_size_and_threads(tmp_path):
    assert read_hardware("torch 128 1") == {"backend": "torch", "batch_size": 128, "threads": 1}
    for text, complaint in {
        "torch 128": "like 'torch 128 2'",
        "torch many 1": "like 'torch 128 2'",
        "tensor 1 1": "unknown backend 'tensor'; known: torch",
        "torch 1 4096": "threads must be between 1 and",
        "torch 0 1": "batch_size must be at least 1",
        "nowhere.json": "no table 'nowhere.json'",
    }.items():
        with pytest.raises(ValueError, match=complaint):
            read_hardware(text)


def test_a_table_is_measured_once_under_its_conditions(tmp_path, narrow, monkeypatch):
    measured, measure = [], LookupTable.measure.__func__

    def counted(cls, family, **how):
        measured.append(how["n_contexts"])
        return measure(cls, family, **how)

    monkeypatch.setattr(LookupTable, "measure", classmethod(counted))
    tables = [hardware_table("torch 2 1", narrow, tmp_path, n, seconds=0, progress=False) for n in (1, 1, 2)]
    assert measured == [1, 2] and [file.name for file in tmp_path.iterdir()] == [f"table_{narrow.name}_torch_2_1.json"]
    assert tables[0].timings == tables[1].timings
    assert hardware_table(str(next(tmp_path.iterdir())), narrow, tmp_path / "unused").timings == tables[2].timings
