"""Run notebooks by profile: strict parameters, live progress, seconds and peak memory, claims, and the files made.

A run of ``notebooks/<path>.ipynb`` writes the executed notebook and everything that it makes to ``runs/<path>/<profile>/``.
When all notebooks are asked for, it leaves out those whose folder is up to date.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import takewhile
from pathlib import Path

try:
    import nbformat  # noqa: F401
    import papermill  # noqa: F401

    import nastoolkit  # noqa: F401
except ImportError as error:
    sys.exit(f"run.py: {error}. Run it with .venv/bin/python after `make setup`, or: pip install 'nastoolkit[notebooks]'")

import scoreboard
from profiles import (
    PROFILES,
    UsageError,
    check_values,
    fitting_values,
    notebook_name,
    notebook_names,
    notebooks_with,
    profile_values,
)
from text_tables import text_table
from worker import Job, Result, check_kernel, execute

from nastoolkit.support.workers import end_with_parent

ROOT = Path(__file__).resolve().parents[1]
HEAD = re.MULTILINE | re.DOTALL


def plan_jobs(names: Sequence[str], profile: str, settings: dict[str, str], n_jobs: int, root: Path) -> list[Job]:
    """The jobs of a run, fully checked.

    Raises:
        UsageError: Something is unknown or does not fit, or several notebooks would write to the same folder.
    """
    if not names:
        raise UsageError(f"there are no notebooks with a profile {profile!r}")
    if "output_dir" in settings and len(names) > 1:
        raise UsageError("--set output_dir=... is for one notebook: several would overwrite each other's files")
    jobs = []
    for name in names:
        values = {"output_dir": f"runs/{name}/{profile}"} | profile_values(name, profile, root)
        parameters = fitting_values(name, values, settings, root)
        check_values(name, parameters, root)
        jobs.append(Job(name, profile, parameters, parameters["output_dir"], root, min(n_jobs, len(names)) > 1))
    return jobs


def to_do(jobs: Sequence[Job]) -> list[Job]:
    """The jobs that are not up to date; the others are listed."""
    done = [job for job in jobs if job.is_up_to_date]
    for job in done:
        print(f"{job.name}, profile {job.profile}: {job.output_dir} is up to date")
    return [job for job in jobs if job not in done]


def what_it_takes(name: str, profile: str, root: Path) -> str:
    """What a parameter file's head says of a profile: data, machines, hours. Empty if it says nothing of it."""
    head = takewhile(lambda line: line.startswith("#"), (root / "experiments" / f"{name}.yaml").read_text().splitlines())
    found = re.search(rf"^{profile}\b(?: needs)?:? *(.+?)(?=^(?:long|paper)\b|\Z)", "\n".join(line[2:] for line in head), HEAD)
    return " ".join(found[1].split()) if found else ""


def run_jobs(jobs: Sequence[Job], n_jobs: int) -> list[Result]:
    """Run ``n_jobs`` notebooks side by side, and return the jobs' results in order."""
    with ThreadPoolExecutor(n_jobs) as threads:
        return list(threads.map(_in_own_process, jobs))


def _in_own_process(job: Job) -> Result:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=end_with_parent) as process:  # and the kernel ends with the process
        try:
            return process.submit(execute, job, job.fingerprint).result()
        except BrokenProcessPool as failure:
            return Result(job, error=f"its process died: {failure}")
        except Exception as failure:  # whatever it is, the other notebooks and the summary go on
            return Result(job, error=f"{type(failure).__name__}: {failure}")


def report(results: Sequence[Result]) -> str:
    """The closing summary: each notebook's cost and outcome, the claims, the files made."""
    rows = [[r.job.name, r.job.profile, f"{r.seconds:.1f}", f"{r.peak_mb:.0f}", _outcome(r)] for r in results]
    parts = [text_table(["notebook", "profile", "seconds", "peak MB", "outcome"], rows)]
    claims = [claim for result in results for claim in result.claims]
    if claims:
        parts.append(f"claims:\n{scoreboard.claims_table(claims)}")
    parts.append("\n".join(["files made:", *(f"  {path}" for result in results for path in result.files)]))
    return "\n\n".join(parts)


def _outcome(result: Result) -> str:
    return f"FAILED: {result.error}" if result.error else "done"


def listing(root: Path) -> str:
    """All notebooks, each with the first comment of its parameter file."""
    rows = []
    for name in notebook_names(root):
        path = root / "experiments" / f"{name}.yaml"
        first_line = path.read_text().partition("\n")[0] if path.is_file() else "# no parameter file"
        rows.append([name, first_line.lstrip("# ")])
    return text_table(["notebook", "about"], rows)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="a path, or a name or a part of it; none means all")
    parser.add_argument("--profile", default="laptop", choices=PROFILES, help="default: laptop")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one parameter; can be repeated")
    n_jobs = max((os.cpu_count() or 1) // 2, 1)  # a notebook may have two processes
    parser.add_argument("--jobs", type=int, default=n_jobs, help=f"notebooks side by side, one thread each; default: {n_jobs}")
    parser.add_argument("--list", action="store_true", help="name the notebooks and stop")
    parser.add_argument("--claims", action="store_true", help="bring experiments/CLAIMS.md up to date with the runs and stop")
    parsed = parser.parse_args(argv)
    for setting in parsed.set:
        if "=" not in setting:
            parser.error(f"--set takes NAME=VALUE, got {setting!r}")
    if parsed.jobs < 1:
        parser.error("--jobs must be at least 1")
    return parsed


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """The command; returns its exit code: 0 all done, 1 a notebook failed, 2 a mistake in what was asked, 130 interrupted."""
    parsed = arguments(argv)
    if parsed.list:
        print(listing(root))
        return 0
    settings = dict(setting.split("=", 1) for setting in parsed.set)
    try:
        if parsed.claims:
            print("\n  ".join(["files made:", *scoreboard.update_claims(root)]))
            return 0
        names = [notebook_name(argument, root) for argument in parsed.notebooks] or notebooks_with(parsed.profile, root)
        jobs = plan_jobs(list(dict.fromkeys(names)), parsed.profile, settings, parsed.jobs, root)
        if not parsed.notebooks:
            jobs = to_do(jobs)
        check_kernel()
    except UsageError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    for job in jobs:
        if takes := what_it_takes(job.name, job.profile, root):
            print(f"{job.name}, profile {job.profile}, takes: {takes}", flush=True)
    try:
        results = run_jobs(jobs, parsed.jobs)
    except KeyboardInterrupt:
        print("\nrun.py: interrupted; run it again to go on from what the notebooks have stored", file=sys.stderr)
        return 130
    print(f"\n{report(results)}", flush=True)
    return 1 if any(result.error for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
