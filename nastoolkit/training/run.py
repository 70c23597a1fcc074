"""A training loop that can be killed: ``for step in run.steps(n)`` yields the remaining steps, and saves the run.

The body of the loop is plain code for one step: one optimiser or several, stages, splits, pruning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import torch
from torch import nn
from tqdm.auto import tqdm

from nastoolkit.support.files import atomically, check_output
from nastoolkit.support.interrupts import noted_interrupts
from nastoolkit.training.distributed import rank

SAVE_SECONDS = 30.0
FORMAT = 2  # of the files; 1 held one network and its optimiser
PLAIN = {type(None), bool, int, float, str, torch.Tensor, nn.Parameter}  # what can be read without running any code


class Stateful(Protocol):
    """What a run can save: weights, optimisers, architecture parameters, samplers."""

    def state_dict(self) -> Mapping[str, Any]:
        """Tensors, numbers and texts, in dictionaries, lists and tuples."""

    def load_state_dict(self, state: Any) -> Any:
        """Continue from such a state."""


class Run:
    """Everything that a training run changes, in memory and in a file.

    Args:
        kept: Everything that the next step depends on, by name: objects with ``state_dict`` and ``load_state_dict``. They are
            trained in place.
        identity: What must be the same for the run to continue, as JSON types.
        resume: File that keeps the run, written at most every half minute and at the end of each stretch; if it exists, the
            run continues from there.
        progress: Whether to show a bar with the last values that were recorded.

    Attributes:
        step: Number of steps done.
        recorded: Values of :meth:`record`, by name.

    Raises:
        TypeError: Something cannot be saved.
        ValueError: The file belongs to another run, has an earlier format, or is damaged.
        OSError: The file cannot be written.
    """

    def __init__(
        self,
        kept: Mapping[str, Stateful],
        identity: Mapping[str, Any] | None = None,
        resume: str | Path | None = None,
        progress: bool = True,
    ) -> None:
        self.kept, self.identity = dict(kept), {**(identity or {}), "kept": sorted(kept)}
        self.file, self.progress = Path(resume) if resume else None, progress
        self.step, self.recorded = 0, dict[str, list[float]]()
        self._saved, self._is_put_back = monotonic(), False
        if self.file:
            if lacking := [name for name, thing in kept.items() if not hasattr(thing, "load_state_dict")]:
                raise TypeError(f"{', '.join(lacking)} lacks state_dict or load_state_dict, by which a run keeps it")
            if rank() == 0:
                check_output(self.file)
            self._before = deepcopy(self._states())
            self._load()

    def steps(self, n: int) -> Iterator[int]:
        """The remaining ones of the first n steps, one in each turn of the loop; between them the run is saved.

        An interrupt waits for the end of the step, and a second one does not. If a file keeps the run, everything is then
        restored to its state before the run, so that the same code can continue it: it does so only from the weights that it
        began with.
        """
        if self._is_put_back:
            self._load()
        bar = tqdm(desc="training", total=n, initial=self.step, disable=not self.progress, mininterval=2.0)
        with noted_interrupts(lambda: self._advice(n)) as interrupts, bar:
            while self.step < n:
                try:
                    yield self.step
                except GeneratorExit:
                    if interrupts.n:
                        self._put_back()
                    raise
                self.step += 1
                self._show(bar)
                if interrupts.n or self.step == n or monotonic() - self._saved > SAVE_SECONDS:
                    self._save()
                if interrupts.n:
                    advice = self._advice(n)
                    self._put_back()
                    raise KeyboardInterrupt(advice)

    def record(self, **values: float) -> None:
        """Append values to those of earlier steps, one for each name."""
        for name, value in values.items():
            self.recorded.setdefault(name, []).append(float(value))

    def _show(self, bar: tqdm) -> None:
        bar.update()
        if self.progress:
            bar.set_postfix({name: f"{values[-1]:.3f}" for name, values in self.recorded.items()}, refresh=False)

    def _advice(self, n: int) -> str:
        at = f"interrupted after step {self.step} of {n}"
        if self.file is None:
            return f"{at}, and no file keeps the run: with resume=FILE a second call would go on"
        return f"{at}: run the same again, and it goes on with what {self.file} keeps"

    def _put_back(self) -> None:
        """Restore the state before the run if a file keeps it."""
        if self.file:
            self._take(self._before, 0, {})
            self._is_put_back = True

    def _take(self, states: Mapping[str, Any], step: int, recorded: Mapping[str, list[float]]) -> None:
        for name, thing in self.kept.items():
            thing.load_state_dict(deepcopy(states[name]))
        self.step, self.recorded = step, {name: list(values) for name, values in recorded.items()}

    def _states(self) -> dict[str, Any]:
        states = {name: thing.state_dict() for name, thing in self.kept.items()}
        for name, state in states.items():
            _check_plain(name, state)
        return states

    def _save(self) -> None:
        if self.file and rank() == 0:
            run = {"format": FORMAT, "identity": self.identity, "step": self.step, "recorded": self.recorded}
            with atomically(self.file) as new:
                torch.save({**run, "kept": self._states()}, new)
        self._saved = monotonic()

    def _load(self) -> None:
        self._is_put_back = False
        if self.file and self.file.exists():
            try:
                state = torch.load(self.file, map_location="cpu", weights_only=True)
                self._check(state)
                self._take(state["kept"], int(state["step"]), state["recorded"])
            except ValueError:
                raise
            except Exception as error:  # damage leads PyTorch to errors of many types
                what = f"{self.file} is not a readable training run; delete it to start anew"
                raise ValueError(f"{what}: {error!r}") from error

    def _check(self, state: Mapping[str, Any]) -> None:
        if state.get("format") != FORMAT:
            raise ValueError(f"{self.file} was kept by another version of nastoolkit; delete it to start anew")
        theirs, ours = state["identity"], self.identity
        if other := [name for name in ours if theirs.get(name) != ours[name]]:
            listed = "; ".join(f"{name} was {theirs.get(name)!r}, is {ours[name]!r}" for name in other)
            raise ValueError(f"{self.file} is of another run ({listed}); delete it to start anew")


def _check_plain(name: str, state: Any) -> None:
    """Refuse what could be saved but not read again."""
    if isinstance(state, dict):
        state = [*state, *state.values()]
    if isinstance(state, (list, tuple)):
        for part in state:
            _check_plain(name, part)
    elif type(state) not in PLAIN:
        raise TypeError(f"a run keeps tensors, numbers and texts, and the state of {name} has a {type(state).__qualname__}")


@contextmanager
def restored_on_interrupt(network: nn.Module, is_kept: bool) -> Iterator[None]:
    """Restore the weights after an interrupt if files keep the work: it continues only from the weights that it began with."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()} if is_kept else {}
    try:
        yield
    except KeyboardInterrupt:
        if is_kept:
            network.load_state_dict(before)
        raise
