import pytest
import torch

from nastoolkit.measurements.energy import NotAvailableError, Nvml, Rapl, energy_mj

RANGE = 1000


@pytest.fixture
def folder(tmp_path):
    for name, energy in (("intel-rapl:0", 100), ("intel-rapl:1", 900), ("intel-rapl:0:0", 50)):
        package = tmp_path / name
        package.mkdir()
        (package / "max_energy_range_uj").write_text(f"{RANGE}\n")
        (package / "energy_uj").write_text(f"{energy}\n")
    return tmp_path


def spend(folder, package, microjoules):
    file = folder / package / "energy_uj"
    file.write_text(str((int(file.read_text()) + microjoules) % int((folder / package / "max_energy_range_uj").read_text())))


def test_packages_add_up_and_wrap_around(folder):
    meter = Rapl(folder)
    before = meter.read_mj()
    for package, microjoules in (("intel-rapl:0", 300), ("intel-rapl:1", 250), ("intel-rapl:0:0", 99)):
        spend(folder, package, microjoules)
    assert meter.read_mj() - before == pytest.approx(0.55)  # the third is a part of the first
    spend(folder, "intel-rapl:1", 900)
    assert meter.read_mj() - before == pytest.approx(1.45)


def test_energy_is_that_of_one_run(folder):
    (folder / "intel-rapl:0" / "max_energy_range_uj").write_text("1000000000")  # many runs are within it
    meter = Rapl(folder)
    assert energy_mj(lambda: spend(folder, "intel-rapl:0", 7), meter, seconds=0.02) == pytest.approx(0.007)


def test_a_machine_without_a_meter_says_so(tmp_path):
    with pytest.raises(NotAvailableError, match="not available here: no RAPL meter under"):
        Rapl(tmp_path)
    if not torch.cuda.is_available():
        with pytest.raises(NotAvailableError, match="not available here: no NVIDIA GPU"):
            Nvml()
