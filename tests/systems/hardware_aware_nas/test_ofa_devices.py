from dataclasses import asdict

import numpy as np
import pytest

from nastoolkit.systems.hardware_aware_nas.foreign_fronts import Study, hypervolumes
from nastoolkit.systems.hardware_aware_nas.hardware import hardware_from
from nastoolkit.systems.hardware_aware_nas.ofa_devices import OfaDevices


@pytest.fixture
def devices(tmp_path, data_folder):
    return OfaDevices(folder=str(tmp_path), data_folder=str(data_folder))


def test_plain_values_make_the_devices_again(devices):
    assert hardware_from(asdict(devices)) == devices
    assert devices.tables == ["i7-8700K", "Note10"]


def test_fronts_are_judged_by_the_table_that_they_were_searched_by(devices):
    networks = devices.space.sample(5, np.random.default_rng(0))
    twice = [devices.latency("Note10", use, networks).tolist() for use in ("search", "judge")]
    assert twice[0] == twice[1] == devices.made.cost("Note10").exact(networks).tolist()
    assert (devices.latency("MACs", "judge", networks) > 10 * np.array(twice[0])).any()
    front = devices.search("Note10", "random", 20, 5, seed=0).front()
    assert devices.tested(front).tolist() == front.values[:, 0].tolist()


def test_a_job_judges_on_both(devices):
    study = Study(hardware=asdict(devices), names=devices.tables, algorithm="nsga2", budget=20, population=5)
    rows = hypervolumes(asdict(study), "Note10", seed=0)
    assert [row["judged_on"] for row in rows] == devices.tables and all(row["hypervolume"] > 0 for row in rows)


def test_without_the_files_there_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="ofa-accuracy-predictor"):
        OfaDevices(folder=str(tmp_path), data_folder=str(tmp_path)).tables  # noqa: B018
