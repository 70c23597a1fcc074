import numpy as np
import pytest

from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.published import TransformerLatency, hat_latency
from nastoolkit.systems.hardware_aware_nas import hardware
from nastoolkit.systems.hardware_aware_nas.hardware import HatDevices, Tables, hardware_from, name_of


def test_names_of_hardware(tmp_path):
    assert name_of("torch 16 1") == "torch, batch 16, threads 1"
    table = tmp_path / "v100.json"
    table.touch()
    with pytest.raises(ValueError, match="other_machines"):
        name_of(str(table))


def test_hardware_has_two_tables(tmp_path):
    problem = SupernetProblem(family_name="digits-mbv3", task_name="digits", folder=str(tmp_path))
    with pytest.raises(ValueError, match="'V100' needs two tables"):
        Tables.measured(problem, {"V100": ["v100.json"]}, 80.0)


@pytest.fixture
def few_rows(monkeypatch):
    """The first 100 rows of each device."""

    def read(*where):
        rows = hat_latency(*where)
        return TransformerLatency(rows.features[:100], rows.encoder_ms[:100], rows.decoder_ms[:100])

    monkeypatch.setattr(hardware, "hat_latency", read)
    hardware._learned.cache_clear()
    yield
    hardware._learned.cache_clear()


def test_devices_of_a_task(few_rows, tmp_path, data_folder):
    values = {"folder": str(tmp_path), "task": "wmt14enfr", "predictor": "ridge", "data_folder": str(data_folder)}
    devices = hardware_from(values)
    assert devices == HatDevices(**values) and devices.tables == ["raspberrypi", "xeon", "titanxp"]
    networks = devices.space.sample(20, np.random.default_rng(0))
    twice = [devices.latency("titanxp", use, networks) for use in ("search", "judge")]
    assert np.corrcoef(twice)[0, 1] > 0.8 and (twice[0] != twice[1]).all()
    with pytest.raises(ValueError, match="public_task.*iwslt14deen.*wmt14ende, wmt14enfr"):
        HatDevices(**{**values, "task": "iwslt14deen"})
