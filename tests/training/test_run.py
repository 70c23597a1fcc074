import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Fixed, Recipe, Run, Sandwich, fit, in_place_distillation, run

RECIPE = Recipe(n_steps=6, batch_size=8, average=0.5)

KILLED = """
import os, signal, sys
from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation, run

class Deadly(Digits):
    def batch(self, step, size, seed=0):
        if step == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batch(step, size, seed)

run.SAVE_SECONDS = 0.0
supernet, task = Supernet(FAMILIES["digits-mbv3"]()), Deadly()
recipe = Recipe(n_steps=6, batch_size=8, average=0.5)
fit(supernet, task, Sandwich(supernet.family.space), in_place_distillation, recipe, False, sys.argv[1])
"""


def train(resume=None, recipe=RECIPE, family=None):
    supernet, task = Supernet(family or FAMILIES["digits-mbv3"]()), Digits()
    losses = fit(supernet, task, Sandwich(supernet.family.space), in_place_distillation, recipe, False, resume)
    return supernet.fingerprint, losses


@pytest.fixture(scope="module")
def uninterrupted():
    return train()


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_identical_weights(tmp_path, uninterrupted):
    deadly_step = 4  # in the half of the steps over which weights are averaged
    file = tmp_path / "runs" / "killed.pt"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(file), str(deadly_step)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert torch.load(file, weights_only=True)["step"] == deadly_step
    fingerprint, losses = train(file)
    assert fingerprint == uninterrupted[0]
    np.testing.assert_array_equal(losses, uninterrupted[1])


def test_a_finished_run_is_not_run_again(tmp_path, uninterrupted, monkeypatch):
    file = tmp_path / "run.pt"
    assert train(file)[0] == uninterrupted[0]
    monkeypatch.setattr(Digits, "batch", None)
    fingerprint, losses = train(file)
    assert fingerprint == uninterrupted[0]
    np.testing.assert_array_equal(losses, uninterrupted[1])


def test_another_run_is_not_resumed(tmp_path, tiny):
    file = tmp_path / "run.pt"
    train(file, replace(RECIPE, n_steps=1), tiny)
    for other in ({"learning_rate": 1e-3}, {"n_steps": 2}, {"seed": 1}, {"label_smoothing": 0.1}):
        with pytest.raises(ValueError, match="is of another run.*delete it to start anew"):
            train(file, replace(RECIPE, **{"n_steps": 1} | other), tiny)


def test_a_run_from_other_weights_is_not_resumed(tmp_path, tiny):
    """As of a stage whose predecessor was trained anew."""
    for seed in (0, 1):
        supernet, task = Supernet(tiny, seed=seed), Digits()
        options = (Fixed(tiny.space.largest), in_place_distillation, replace(RECIPE, n_steps=1), False, tmp_path / "run.pt")
        if seed == 0:
            fit(supernet, task, *options)
        else:
            with pytest.raises(ValueError, match=r"is of another run \(weights was '\w+', is '\w+'\); delete it"):
                fit(supernet, task, *options)


def test_a_file_is_never_half_written(tmp_path, tiny, monkeypatch):
    file = tmp_path / "run.pt"
    train(file, replace(RECIPE, n_steps=1), tiny)
    before = file.read_bytes()
    file.unlink()

    def cut_off(state, path):
        path.write_bytes(before[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(run.torch, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        train(file, replace(RECIPE, n_steps=1), tiny)
    assert not file.exists()


def test_the_average_is_the_recursion_of_its_definition(tiny):
    """Each step's weights are had from runs that end there, with the same learning rates."""

    class Flat(Recipe):
        def learning_rate_at(self, step):
            return 1.0

    def weights_after(n_steps, average):
        supernet, task = Supernet(tiny), Digits()
        recipe = Flat(n_steps=n_steps, batch_size=8, average=average)
        fit(supernet, task, Fixed(tiny.space.largest), in_place_distillation, recipe, False)
        return {name: parameter.detach() for name, parameter in supernet.named_parameters()}

    expected = weights_after(1, 0.0)  # the first update is taken whole
    for n_steps in (2, 3):
        now = weights_after(n_steps, 0.0)
        expected = {name: 0.75 * expected[name] + 0.25 * now[name] for name in now}
    averaged = weights_after(3, 0.75)
    for name, tensor in expected.items():
        torch.testing.assert_close(averaged[name], tensor)


def test_bfloat16_trains_float32_weights(tiny):
    recipe = Recipe(n_steps=25, batch_size=16, learning_rate=0.01)
    outcomes = {}
    for precision in ("float32", "bfloat16"):
        supernet, task = Supernet(tiny), Digits()
        losses = fit(
            supernet,
            task,
            Fixed(tiny.space.largest),
            in_place_distillation,
            replace(recipe, precision=precision),
            False,
        )
        assert all(parameter.dtype == torch.float32 for parameter in supernet.parameters())
        outcomes[precision] = losses
    np.testing.assert_allclose(outcomes["bfloat16"][:5], outcomes["float32"][:5], rtol=0.05)
    assert not np.array_equal(outcomes["bfloat16"], outcomes["float32"])


class Counter:
    """The simplest thing that can be kept."""

    def __init__(self, n=0):
        self.n = n

    def state_dict(self):
        return {"n": self.n}

    def load_state_dict(self, state):
        self.n = state["n"]


def counted(file=None, **kept):
    return Run(kept or {"counter": Counter()}, {"seed": 0}, file, progress=False)


def test_steps_are_those_that_are_still_to_do_in_several_stretches(tmp_path):
    counter, file = Counter(), tmp_path / "run.pt"
    run = counted(file, counter=counter)
    for n, wanted in ((3, [0, 1, 2]), (3, []), (5, [3, 4])):
        done = []
        for step in run.steps(n):
            counter.n += 1
            run.record(loss=step / 2)
            done.append(step)
        assert done == wanted and run.step == n
    again, later = Counter(), tmp_path / "run.pt"
    resumed = counted(later, counter=again)
    assert again.n == resumed.step == 5 and resumed.recorded == {"loss": [0.0, 0.5, 1.0, 1.5, 2.0]}
    assert list(resumed.steps(5)) == []


def test_a_loop_may_be_left_and_gone_on_with(tmp_path):
    run = counted()
    for step in run.steps(9):
        if step == 4:
            break
    assert list(run.steps(6)) == [4, 5]


def test_after_an_interrupt_all_is_put_back_and_the_same_loop_goes_on(tmp_path):
    counter, file = Counter(7), tmp_path / "run.pt"
    run, presses = counted(file, counter=counter), [2, 3]

    def loop():
        for step in run.steps(6):
            counter.n += 1
            run.record(n=counter.n)
            if step in presses:
                presses.remove(step)
                signal.raise_signal(signal.SIGINT)

    for n_done in (3, 4):
        with pytest.raises(KeyboardInterrupt, match=f"after step {n_done} of 6: run the same again"):
            loop()
        assert counter.n == 7 and run.step == 0 and not run.recorded
    loop()
    assert counter.n == 13 and run.recorded == {"n": [8.0, 9.0, 10.0, 11.0, 12.0, 13.0]}


def test_other_things_than_were_kept_are_another_run(tmp_path):
    list(counted(tmp_path / "run.pt").steps(1))
    with pytest.raises(ValueError, match=r"another run \(kept was \['counter'\], is \['counter', 'other'\]\); delete it"):
        counted(tmp_path / "run.pt", counter=Counter(), other=Counter())


def test_what_an_older_version_kept_is_refused(tmp_path):
    torch.save({"identity": {}, "step": 3, "losses": torch.zeros(3), "network": {}}, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="^.*run.pt was kept by another version of nastoolkit; delete it to start anew$"):
        counted(tmp_path / "run.pt")


def test_what_cannot_be_kept_is_told_at_once(tmp_path):
    with pytest.raises(TypeError, match="^alpha lacks state_dict or load_state_dict, by which a run keeps it$"):
        counted(tmp_path / "run.pt", alpha=torch.zeros(3))
    with pytest.raises(TypeError, match="^a run keeps tensors, numbers and texts, and the state of counter has a ndarray$"):
        counted(tmp_path / "run.pt", counter=Counter([np.zeros(3)]))
