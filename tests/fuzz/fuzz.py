"""Feed damaged files to every parser: none may raise what it does not document, hang, or take much memory.

    python tests/fuzz/fuzz.py                      # 20,000 files for each parser, one process each
    python tests/fuzz/fuzz.py --n 500 store image  # of some

Prints for each parser how many files it took and refused, the worst processor seconds and megabytes, and what was wrong; some
files at fault are kept in ``runs/fuzz/``. The same seed makes the same files.
"""

import argparse
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 1.0
MOST_MB = 200.0
MOST_KEPT = 9  # of one parser
HANGS_AFTER = 60  # seconds on the wall, after which a file is given up


class HangError(BaseException):
    """A file that is not read in time; no parser may catch it."""


@dataclass
class Outcome:
    """What a parser made of its files."""

    parser: str
    n_taken: int = 0
    n_refused: int = 0
    worst_seconds: float = 0.0
    worst_mb: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def bad(self):
        return bool(self.faults) or self.worst_seconds > MOST_SECONDS or self.worst_mb > MOST_MB

    def __str__(self):
        counts = f"{self.n_taken:7,} {self.n_refused:8,} {self.worst_seconds:8.2f} {self.worst_mb:7.0f} {len(self.faults):7,}"
        return "\n".join([f"{self.parser:20} {counts}", *(f"  {fault}" for fault in self.faults[:5])])


def peak_mb():
    """The most memory that this process has had since :func:`forget_peak`."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3
    except (OSError, StopIteration):  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def forget_peak():
    """Let :func:`peak_mb` begin anew, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


class Feeder:
    """A parser with its file, in a folder that holds what it needs besides; the valid contents are taken at once.

    Args:
        parser: One of ``PARSERS``.
        folder: An empty one.
    """

    def __init__(self, parser, folder):
        self.parser, self.file, self.outcome = parser, Path(folder) / parser.file, Outcome(parser.name)
        self.file.parent.mkdir(exist_ok=True)
        self.seeds = parser.seeds(Path(folder))
        for whole in self.seeds:
            self.file.write_bytes(whole)
            parser.parse(self.file)
        self.needed = {self.file, *self.file.parent.iterdir()}

    def feed(self, content):
        """Let the parser read a content; what is wrong with how it went, if anything is."""
        self.file.write_bytes(content)
        fault = _try(self.parser, self.file, self.outcome)
        for made in {*self.file.parent.iterdir()} - self.needed:
            made.unlink()
        return fault


def fuzz(name, n, seed=0, kept=None):
    """Feed ``n`` damaged files to a parser; files at fault go to the folder ``kept``."""
    from fuzz_mutations import mutate
    from fuzz_parsers import PARSERS

    parser = next(parser for parser in PARSERS if parser.name == name)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        feeder = Feeder(parser, folder)
        outcome = feeder.outcome
        forget_peak()
        before = peak_mb()
        for number in range(n):
            content = mutate(Random(f"{seed} {name} {number}"), feeder.seeds)
            if fault := feeder.feed(content):
                outcome.faults.append(f"file {number}: {fault}")
                if kept is not None and len(outcome.faults) <= MOST_KEPT:
                    kept.mkdir(parents=True, exist_ok=True)
                    (kept / f"{name.replace(' ', '_')}-{number}{feeder.file.suffix}").write_bytes(content)
        outcome.worst_mb = peak_mb() - before
    return outcome


def _try(parser, file, outcome):
    """Parse one file; what is wrong with how it went, if anything is."""
    started = time.process_time()
    signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER)
    try:
        parser.parse(file)
        outcome.n_taken += 1
    except parser.documented:
        outcome.n_refused += 1
    except HangError:
        return f"not read in {HANGS_AFTER} s"
    except Exception:
        return traceback.format_exc(limit=-4).replace("\n", "\n    ")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        seconds = time.process_time() - started
        outcome.worst_seconds = max(outcome.worst_seconds, seconds)
    return f"took {seconds:.1f} s" if seconds > MOST_SECONDS else ""


def give_up(*_):
    raise HangError


def in_own_process(name, n, seed, kept):
    """:func:`fuzz`, safe against a parser that takes its process down."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=begin) as process:
        try:
            return process.submit(fuzz, name, n, seed, kept).result()
        except BrokenProcessPool as death:
            return Outcome(name, faults=[f"its process died: {death}"])


def begin():
    """Make a process ready for :func:`fuzz`."""
    sys.path[:0] = [str(ROOT / "experiments"), str(Path(__file__).parent)]
    signal.signal(signal.SIGALRM, give_up)
    sys.stderr = open(os.devnull, "w")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parsers", nargs="*", help="names of parsers; none means all")
    parser.add_argument("--n", type=int, default=20_000, help="files for each parser")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=ROOT / "runs" / "fuzz", help="where files at fault are kept")
    arguments = parser.parse_args(argv)
    sys.path[:0] = [str(ROOT / "experiments"), str(Path(__file__).parent)]
    from fuzz_parsers import PARSERS

    known = [one.name for one in PARSERS]
    if unknown := [name for name in arguments.parsers if name not in known]:
        parser.error(f"unknown parsers {unknown}; known: {', '.join(known)}")
    print(f"{'parser':20} {'taken':>7} {'refused':>8} {'worst s':>8} {'MB':>7} {'faults':>7}")
    bad = False
    for name in arguments.parsers or known:
        outcome = in_own_process(name, arguments.n, arguments.seed, arguments.keep)
        print(outcome, flush=True)
        bad |= outcome.bad
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
