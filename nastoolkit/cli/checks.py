"""Facts about a machine that a bug report needs, and known traps."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import threadpoolctl
import torch

import nastoolkit
from nastoolkit.checkpoints.download import cache_folder
from nastoolkit.latency.machine import describe_machine
from nastoolkit.support.threads import THREAD_VARIABLES
from nastoolkit.tasks.data_sets import datasets_folder

FOLDER_VARIABLES = ("NASTOOLKIT_CACHE", "NASTOOLKIT_DATA", "NASTOOLKIT_DATASETS")
GOVERNORS = Path("/sys/devices/system/cpu")
NETWORK_DISKS = re.compile(
    r"^(nfs\d?|cifs|smb\w*|9p|afs|ceph|lustre|beegfs|gpfs|glusterfs|fuse\.(sshfs|glusterfs|s3fs|rclone))$"
)
LEAST_GB = 2.0  # of memory and of disk that the laptop profiles need free


def facts() -> dict[str, Any]:
    """Versions, processor, memory, threads and folders, by name."""
    memory = psutil.virtual_memory()
    return {
        "nastoolkit": nastoolkit.__version__,
        **describe_machine(),
        "kernel": platform.release(),
        "cores": f"{psutil.cpu_count(logical=False)}, {os.cpu_count()} hardware threads, {usable_cores()} for this process",
        "memory_gb": f"{memory.total / 1e9:.1f}, {memory.available / 1e9:.1f} free",
        "governor": ", ".join(sorted(governors())) or "not known",
        "threads": f"PyTorch {torch.get_num_threads()}; "
        + ", ".join(f"{n}={os.environ.get(n, 'not set')}" for n in THREAD_VARIABLES),
        "gpu": gpu(),
        "cache": str(cache_folder()),
        "datasets": str(datasets_folder()),
        "folders": ", ".join(f"{name}={os.environ.get(name, 'not set')}" for name in FOLDER_VARIABLES),
        "disk": disk(Path.cwd()),
    }


def packages() -> list[dict[str, Any]]:
    """Required libraries and those of the extras: installed versions, and what is missing."""
    wanted: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("nastoolkit") or []:
        name, extra = re.match(r"[\w.-]+", requirement), re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        wanted.setdefault(extra[1] if extra else "", []).append(name[0] if name else requirement)
    versions = {extra: {name: _version(name) for name in names} for extra, names in wanted.items()}
    return [
        {
            "extra": extra or "(always)",
            "installed": ", ".join(f"{name} {version}" for name, version in found.items() if version),
            "missing": ", ".join(name for name, version in found.items() if not version),
        }
        for extra, found in versions.items()
    ]


def traps() -> list[str]:
    """Sentences on known problems of a machine like this one, and what to do about them."""
    return [trap for find in TRAPS for trap in find()]


def usable_cores() -> int:
    """Hardware threads that this process may use."""
    return len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1


def governors() -> set[str]:
    """How Linux sets the clock rates of the processor's cores; empty if it does not say."""
    return {file.read_text().strip() for file in GOVERNORS.glob("cpu[0-9]*/cpufreq/scaling_governor")}


def gpu() -> str:
    """The accelerator that PyTorch sees."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    return "Apple MPS" if torch.backends.mps.is_available() else "none that PyTorch sees"


def disk(folder: Path) -> str:
    """The kind of file system that a folder is on, and its free space."""
    return f"{_file_system(folder) or 'not known'}, {shutil.disk_usage(folder).free / 1e9:.1f} GB free"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _file_system(folder: Path) -> str:
    """Type of the file system with the longest mount point above the folder."""
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounts[place] for place in (folder.resolve(), *folder.resolve().parents) if place in mounts), "")


def _slow_governor() -> Iterator[str]:
    if others := governors() - {"performance"}:
        yield (
            f"the CPU governor is {', '.join(sorted(others))}: clock rates change while latencies are measured; "
            "on Linux: sudo cpupower frequency-set --governor performance"
        )


def _too_many_threads() -> Iterator[str]:
    for name in THREAD_VARIABLES:
        text = os.environ.get(name)
        if text is not None and not (text.isdecimal() and 1 <= int(text) <= usable_cores()):
            yield f"{name}={text} must be between 1 and {usable_cores()}, this process's cores: now threads wait"
    if torch.get_num_threads() > usable_cores():
        yield (
            f"PyTorch uses {torch.get_num_threads()} threads on {usable_cores()} cores, as in a container: "
            f"set OMP_NUM_THREADS={usable_cores()}"
        )


def _busy() -> Iterator[str]:
    load = psutil.getloadavg()[0]
    if load > max(1.0, usable_cores() / 2):
        cores = f"{load:.1f} on {usable_cores()} cores"
        yield f"this machine is busy, its load is {cores}: latencies measured now are too long, and scatter"


def _several_openmp() -> Iterator[str]:
    if sys.platform != "darwin":
        return
    importlib.import_module("lightgbm")
    runtimes = {one["filepath"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "openmp"}
    if len(runtimes) > 1:
        yield (
            f"PyTorch and LightGBM bring an OpenMP of their own each ({', '.join(sorted(runtimes))}), which can hang or crash "
            "on macOS: import lightgbm before torch, or set OMP_NUM_THREADS=1"
        )


def _missing_packages() -> Iterator[str]:
    for row in packages():
        if row["missing"] and row["extra"] == "(always)":
            yield f"{row['missing']} must be installed: pip install nastoolkit"
        elif row["missing"]:
            yield f"what needs {row['missing']} will not run here: pip install 'nastoolkit[{row['extra']}]'"


def _network_disk() -> Iterator[str]:
    kind = _file_system(Path.cwd())
    if NETWORK_DISKS.match(kind):
        yield f"this folder is on {kind}, whose file locks may fail: keep stores (SQLite) on a local disk"


def _little_room() -> Iterator[str]:
    free = {"memory": psutil.virtual_memory().available, "disk": shutil.disk_usage(Path.cwd()).free}
    for name, n_bytes in free.items():
        if n_bytes < LEAST_GB * 1e9:
            yield f"only {n_bytes / 1e9:.1f} GB of {name} are free: less than the {LEAST_GB:.0f} GB that notebooks may need"


def _unused_gpu() -> Iterator[str]:
    if shutil.which("nvidia-smi") and not torch.cuda.is_available():
        yield f"there is an NVIDIA driver, but this PyTorch ({torch.__version__}) has no CUDA for it: see pytorch.org"


TRAPS: tuple[Callable[[], Iterator[str]], ...] = (
    _slow_governor,
    _too_many_threads,
    _busy,
    _several_openmp,
    _missing_packages,
    _network_disk,
    _little_room,
    _unused_gpu,
)
