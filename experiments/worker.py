"""One notebook, run by Papermill in a process of its own: its printed lines live, its cost, its claims, its files."""

from __future__ import annotations

import os
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpecManager
from profiles import UsageError
from record import begin_record, fingerprint, read_record, write_record
from scoreboard import read_claims
from traitlets.config import Config

from nastoolkit.support.files import check_output_folder
from nastoolkit.support.threads import THREAD_VARIABLES

KERNEL = "python3"  # of the Python that runs this, where ipykernel is installed
# tqdm.auto draws widgets where ipywidgets is installed, of which no text reaches the terminal.
TEXT_BARS = "import tqdm.auto as _a, tqdm.std as _s; _a.tqdm, _a.trange = _s.tqdm, _s.trange; del _a, _s"
SECONDS_BETWEEN_BARS = 10.0  # in a log, where a progress bar cannot be redrawn


@dataclass(frozen=True)
class Job:
    """One notebook to run with checked parameters; ``output_dir`` is relative to ``root``, or absolute."""

    name: str
    profile: str
    parameters: dict[str, Any]
    output_dir: str
    root: Path
    side_by_side: bool

    @property
    def folder(self) -> Path:
        """Folder of the job's files."""
        return self.root / self.output_dir

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the job's results depend on."""
        return fingerprint(self.name, self.parameters, self.root)

    @property
    def is_up_to_date(self) -> bool:
        """Whether the folder was made from the present state."""
        return read_record(self.folder).get("fingerprint") == self.fingerprint

    def files_since(self, moment: float) -> list[str]:
        """Files in the folder that were written since a moment (seconds since the epoch), relative to ``root``.

        Subfolders, such as the jobs of a grid, have one line each, with the number of their files.
        """
        paths = [path for path in self.folder.rglob("*") if path.is_file() and path.stat().st_mtime >= moment]
        inner = Counter(path.relative_to(self.folder).parts[0] for path in paths if path.parent != self.folder)
        own = [os.path.relpath(path, self.root) for path in paths if path.parent == self.folder]
        return sorted(own + [f"{os.path.relpath(self.folder / name, self.root)}/ ({n})" for name, n in inner.items()])


@dataclass(frozen=True)
class Result:
    """The result of a job; ``peak_mb`` is that of the largest process, which is the kernel or one that it started."""

    job: Job
    seconds: float = 0.0
    peak_mb: float = 0.0
    error: str = ""
    claims: list[dict[str, Any]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


class Console:
    """Prints a notebook's stream line by line; redraws its progress bars in a terminal, and thins them out in a log."""

    def __init__(self, prefix: str, live: bool) -> None:
        self.prefix = prefix
        self._live = live
        self._line = ""
        self._last_bar = time.monotonic()

    def write(self, text: str) -> None:
        """Take text with line ends and carriage returns, without cursor movements."""
        text = re.sub(r"\x1b\[[0-9;]*[A-K]", "", text)
        for piece in re.split(r"([\r\n])", text):
            if piece == "\n":
                self.line(self._line)
            self._line = "" if piece in ("\r", "\n") else self._line + piece
        self._bar()

    def line(self, text: str) -> None:
        """Print one line, unless it is blank."""
        if text.strip():
            print(f"{self._erase}{self.prefix}{text}", flush=True)

    def _bar(self) -> None:
        if not self._line.strip():
            return
        if self._live:
            print(f"{self._erase}{self._line}", end="", flush=True)
        elif time.monotonic() - self._last_bar > SECONDS_BETWEEN_BARS:
            self.line(self._line)
            self._last_bar = time.monotonic()

    @property
    def _erase(self) -> str:
        return "\r\x1b[K" if self._live else ""

    def flush(self) -> None:
        """Do nothing: every print flushes."""


def execute(job: Job, made_of: str) -> Result:
    """Run one job, made of what has a fingerprint.

    A process knows only the peak memory of all its children, so it must have run no other job before.
    """
    os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress not found")  # tqdm.auto's, without ipywidgets
    if job.side_by_side:
        for variable in THREAD_VARIABLES:
            os.environ.setdefault(variable, "1")
    live = sys.stdout.isatty() and not job.side_by_side
    console = Console(f"{job.name} | " if job.side_by_side else "", live)
    moment = time.time()
    clock = time.perf_counter()
    claims: list[dict[str, Any]] = []
    claims_file = job.folder / "claims.json"
    error = ""
    try:
        check_output_folder(job.folder)
        begin_record(job.folder)
        claims_file.unlink(missing_ok=True)  # claims add up in it, and those of a run before are this run's to make again
        with tempfile.TemporaryDirectory() as folder:
            _execute(job, console, live, f"{folder}/kernel")
        if claims_file.exists():
            claims = read_claims(claims_file)
        write_record(job.folder, made_of, time.perf_counter() - clock, _peak_mb())
    except papermill.PapermillExecutionError as failure:
        error = f"{failure.ename}: {failure.evalue}".partition("\n")[0]
        console.write(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(failure.traceback)) + "\n")
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
    seconds = time.perf_counter() - clock
    console.line(f"FAILED after {seconds:.1f} s: {error}" if error else f"done in {seconds:.1f} s")
    return Result(job, seconds, _peak_mb(), error, claims, job.files_since(moment))


def _peak_mb() -> float:
    """Peak memory of the largest process that this one started and that has ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def check_kernel() -> None:
    """Raise UsageError if Jupyter has no kernel that could run notebooks."""
    if KERNEL not in KernelSpecManager().find_kernel_specs() or find_spec("ipykernel") is None:
        command = f"{sys.executable} -m pip install ipykernel"
        raise UsageError(f"the Jupyter kernel {KERNEL!r} is not installed; install it with: {command}")


def _execute(job: Job, console: Console, live: bool, socket: str) -> None:
    path = job.root / "notebooks" / f"{job.name}.ipynb"
    n_cells = sum(cell.cell_type == "code" for cell in nbformat.read(path, as_version=4).cells) + 1  # and the injected values
    n_started = 0

    def announce(cell: Any, cell_index: int) -> None:
        nonlocal n_started
        n_started += 1
        first_line = next((line for line in cell.source.splitlines() if line.strip()), "")
        console.line(f"cell {n_started}/{n_cells}: {first_line[:90]}")

    # Kernels that start side by side now and then pick the same TCP port, and one dies; socket files of their own never clash.
    transport = Config({"KernelManager": {"transport": "ipc", "ip": socket}})
    console.line(f"{job.name}, profile {job.profile} -> {job.output_dir}")
    papermill.execute_notebook(
        str(path),
        str(job.folder / "notebook.ipynb"),
        parameters=job.parameters,
        kernel_name=KERNEL,
        config=transport,
        extra_arguments=["--log-level=CRITICAL", f"--IPKernelApp.exec_lines={TEXT_BARS}"],
        cwd=str(job.root),
        start_timeout=600,  # s, as several start side by side
        iopub_timeout=120,  # s, after which what a busy kernel prints would be lost
        progress_bar=False,
        stdout_file=Console(console.prefix + "  ", live),
        stderr_file=Console(console.prefix + "  ", live),
        on_cell_execute=announce,
        coalesce_streams=True,
    )
