import json
import os
from types import SimpleNamespace

import psutil
import pytest
import threadpoolctl
import torch
from typer.testing import CliRunner

from nastoolkit import cli
from nastoolkit.cli import checks as doctor


def found(monkeypatch, **changes):
    """The traps that are told after changes to :mod:`nastoolkit.cli.checks`."""
    for name, value in changes.items():
        monkeypatch.setattr(doctor, name, value)
    return "\n".join(doctor.traps())


@pytest.fixture(autouse=True)
def healthy(monkeypatch, tmp_path):
    """A machine without traps."""
    for name in doctor.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "GOVERNORS", tmp_path)
    monkeypatch.setattr(doctor, "_version", lambda name: "1.0")
    monkeypatch.setattr(doctor, "_file_system", lambda folder: "ext4")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=16e9, available=9e9))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: SimpleNamespace(free=90e9))


def test_a_healthy_machine_has_no_traps(monkeypatch):
    assert found(monkeypatch) == ""


def test_the_governor_is_named(monkeypatch, tmp_path):
    for core, governor in (("cpu0", "performance"), ("cpu11", "powersave")):
        (tmp_path / core / "cpufreq").mkdir(parents=True)
        (tmp_path / core / "cpufreq" / "scaling_governor").write_text(f"{governor}\n")
    assert "the CPU governor is powersave: " in found(monkeypatch)
    assert doctor.facts()["governor"] == "performance, powersave"


@pytest.mark.parametrize("text", ["0", "many", "", "4096", "-1"])
def test_a_thread_variable_that_does_not_fit_is_named(monkeypatch, text):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert f"OMP_NUM_THREADS={text} must be between 1 and" in found(monkeypatch)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert found(monkeypatch) == "" and "OMP_NUM_THREADS=1" in doctor.facts()["threads"]


def test_more_threads_than_cores_and_a_busy_machine_are_named(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 999)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (500.0, 0.0, 0.0))
    told = found(monkeypatch)
    assert "PyTorch uses 999 threads on" in told and "its load is 500.0 on" in told


def test_two_openmp_on_macos_are_named(monkeypatch):
    libraries = [{"user_api": "openmp", "filepath": f"/{name}/libomp.dylib"} for name in ("torch", "lightgbm")]
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: libraries)
    assert found(monkeypatch) == ""
    monkeypatch.setattr(doctor.sys, "platform", "darwin")
    assert "import lightgbm before torch" in found(monkeypatch)
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: libraries[:1])
    assert found(monkeypatch) == ""


def test_what_is_missing_is_named_with_its_extra(monkeypatch):
    told = found(monkeypatch, _version=lambda name: None if name in ("openvino", "pymoo") else "1.0")
    assert (
        "pymoo must be installed" in told
        and "what needs openvino will not run here: pip install 'nastoolkit[openvino]'" in told
    )
    (row,) = [row for row in doctor.packages() if row["extra"] == "openvino"]
    assert row == {"extra": "openvino", "installed": "nncf 1.0", "missing": "openvino"}


@pytest.mark.parametrize(
    ("kind", "is_trap"), [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("ext4", False), ("", False)]
)
def test_a_network_disk_is_named(monkeypatch, kind, is_trap):
    assert (f"this folder is on {kind}, " in found(monkeypatch, _file_system=lambda folder: kind)) == is_trap


def test_little_room_and_an_unused_gpu_are_named(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=16e9, available=1.5e9))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0.5e9))
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    told = found(monkeypatch)
    assert "only 1.5 GB of memory are free" in told and "only 0.5 GB of disk" in told and "there is an NVIDIA driver" in told


def test_a_folder_is_on_the_nearest_mount(monkeypatch, tmp_path):
    monkeypatch.undo()
    parts = [SimpleNamespace(mountpoint=str(place), fstype=kind) for place, kind in (("/", "ext4"), (tmp_path, "nfs4"))]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)
    assert doctor.disk(tmp_path).startswith("nfs4, ") and doctor._file_system(tmp_path.parent) == "ext4"


def test_the_command_prints_all_of_it(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    told = json.loads(CliRunner().invoke(cli.app, ["doctor", "--json"]).stdout)
    assert told.keys() >= {
        "nastoolkit",
        "python",
        "torch",
        "cpu",
        "cores",
        "memory_gb",
        "governor",
        "threads",
        "gpu",
        "cache",
        "disk",
    }
    assert str(os.cpu_count()) in told["cores"] and any("OMP_NUM_THREADS=many" in trap for trap in told["traps"])
    assert {"(always)", "notebooks", "lab", "dev"} <= {row["extra"] for row in told["packages"]}
    assert "torch 2." in told["packages"][0]["installed"]
    lines = CliRunner().invoke(cli.app, ["doctor"]).stdout
    assert "traps:\n  " in lines and "governor: " in lines
