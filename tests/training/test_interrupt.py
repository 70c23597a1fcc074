"""Ctrl-C in a training: the file is whole, the weights are those of before, the same call goes on, and the message says so."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe, Sandwich, Stage, fit, fit_stages, in_place_distillation

TASK, RECIPE = Digits(), Recipe(n_steps=6, batch_size=8, average=0.9)


def press():
    signal.raise_signal(signal.SIGINT)


@dataclass(frozen=True)
class Interrupted(Sandwich):
    """Somebody presses Ctrl-C in these steps, in each once."""

    at: list[int] = field(default_factory=lambda: [4])

    def draw(self, step):
        if step in self.at:
            self.at.remove(step)
            press()
        return super().draw(step)


def train(supernet, sampler, file):
    return fit(supernet, TASK, sampler, in_place_distillation, RECIPE, progress=False, resume=file)


def test_the_same_call_goes_on_from_the_last_step_to_the_identical_weights(tiny, tmp_path):
    whole = Supernet(tiny)
    losses = train(whole, Sandwich(tiny.space), None)
    supernet, sampler, file = Supernet(tiny), Interrupted(tiny.space, at=[3, 4]), tmp_path / "run.pt"
    before = supernet.fingerprint
    for step in (4, 5):  # it waits for the end of the step; a second time, too
        with pytest.raises(KeyboardInterrupt, match=f"after step {step} of 6: run the same again, .*{re.escape(str(file))}"):
            train(supernet, sampler, file)
        assert supernet.fingerprint == before and not supernet.training
        assert torch.load(file, weights_only=True)["step"] == step
    np.testing.assert_array_equal(train(supernet, sampler, file), losses)
    assert supernet.fingerprint == whole.fingerprint


def test_without_a_file_it_stays_as_far_as_it_came_and_is_told(tiny):
    supernet = Supernet(tiny)
    before = supernet.fingerprint
    with pytest.raises(KeyboardInterrupt, match="after step 5 of 6, and no file keeps the run: with resume=FILE"):
        train(supernet, Interrupted(tiny.space), None)
    assert supernet.fingerprint != before and not supernet.training


def test_what_a_second_interrupt_left_half_updated_is_not_kept(tiny, tmp_path, monkeypatch):
    supernet, file, step = Supernet(tiny), tmp_path / "run.pt", torch.optim.AdamW.step

    def update(optimizer):
        press()
        step(optimizer)
        press()

    monkeypatch.setattr(torch.optim.AdamW, "step", update)
    with pytest.raises(KeyboardInterrupt, match="after step 0 of 6"):
        train(supernet, Sandwich(tiny.space), file)
    assert not file.exists() and supernet.fingerprint == Supernet(tiny).fingerprint


def test_stages_go_on_too(tiny, tmp_path):
    stages = [Stage("a", tiny.space), Stage("b", tiny.space, sort_channels=True)]
    arguments = (TASK, stages, lambda space: samplers.pop(0), in_place_distillation, [RECIPE, RECIPE])
    samplers = [Sandwich(tiny.space)] * 2
    whole = Supernet(tiny)
    fit_stages(whole, *arguments, progress=False)
    supernet, broken = Supernet(tiny), Interrupted(tiny.space)
    samplers = [Sandwich(tiny.space), broken]
    with pytest.raises(KeyboardInterrupt, match="b.pt keeps"):
        fit_stages(supernet, *arguments, folder=tmp_path, progress=False)
    assert supernet.fingerprint == Supernet(tiny).fingerprint
    samplers = [Sandwich(tiny.space), broken]
    fit_stages(supernet, *arguments, folder=tmp_path, progress=False)
    assert supernet.fingerprint == whole.fingerprint


@pytest.mark.slow
def test_a_real_interrupt_of_the_command_keeps_the_run(tmp_path):
    output = tmp_path / "net.safetensors"
    command = [
        sys.executable,
        "-m",
        "nastoolkit.cli",
        "train",
        "--steps",
        "100000",
        "--batch-size",
        "8",
        "--output",
        str(output),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        told = b""
        while not re.search(rb"training: .*\| [1-9]\d*/100000", told):  # some steps are done
            told += os.read(process.stderr.fileno(), 4096)
            assert process.poll() is None, told
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        told += process.stderr.read()
    *_, last = told.decode().strip().splitlines()
    run = tmp_path / "net.safetensors.runs" / "all.pt"
    step = torch.load(run, weights_only=True)["step"]
    assert process.returncode == 130 and "Traceback" not in told.decode()
    assert re.fullmatch(rf"interrupted after step {step} of 100000: run the same again, .* {re.escape(str(run))} keeps", last)
    assert step > 0 and [file.name for file in run.parent.iterdir()] == ["all.pt"] and not output.exists()
