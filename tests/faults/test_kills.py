"""Trainings that are killed for real come to the same bits: ``fit``, with a sampler that learns, bilevel, and in stages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

N_KILLS = int(os.environ.get("NASTOOLKIT_KILLS", 2))


@pytest.mark.slow
def test_killed_trainings_of_all_kinds_come_to_the_same_bits(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), str(tmp_path), str(N_KILLS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    told = [line.split() for line in ran.stdout.splitlines()]
    assert [(line[0], line[-1]) for line in told] == [(kind, "same") for kind in ("plain", "learning", "bilevel", "in_stages")]
    assert all(len(line) == N_KILLS + 2 for line in told)
