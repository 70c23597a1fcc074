"""How the evaluations of a search are run; its result does not depend on this, unless calls are kept in flight."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from tqdm.auto import tqdm

from nastoolkit.objectives import Objective
from nastoolkit.studies.calls import Calls, Evaluate
from nastoolkit.studies.evaluation import Evaluation
from nastoolkit.studies.failures import Failures
from nastoolkit.studies.store import Store
from nastoolkit.support.counts import keep_whole

LEAST_PATIENCE = 10  # evaluations that fail at the beginning end no search that would have had more


@dataclass(frozen=True, kw_only=True)
class Running:
    """Where calls of ``evaluate`` run, how large they are, and what is done when they fail.

    Attributes:
        executor: Any executor of ``concurrent.futures``, Dask or mpi4py, or :class:`nastoolkit.studies.processes.Processes`,
            which survives killed workers and has a time limit; None runs calls in this process.
        chunk_size: Rows in one call. By default 1 with a store or an executor, else a whole population.
        in_flight: Number of calls to keep under way in the executor (its number of workers, or one more) without waiting for a
            whole batch; see :mod:`nastoolkit.studies.asynchronous`. Proposals then depend on which calls finish first: another
            run may have another result, but the same run, repeated with its store, continues as it began.
        retries: How often an evaluation that fails is tried again before it counts as failed.
        max_failed: Share of failures among the last evaluations (a population, at least 10) that ends the search. At 1, it
            continues even then, as long as what was measured before can be measured again.

    Raises:
        TypeError: A count is not a whole number.
        ValueError: A number is out of range, or calls are kept in flight without an executor.
    """

    executor: Executor | None = None
    chunk_size: int | None = None
    in_flight: int | None = None
    retries: int = 0
    max_failed: float = 1.0

    def __post_init__(self) -> None:
        given = {name: 1 for name in ("chunk_size", "in_flight") if getattr(self, name) is not None}
        keep_whole(self, retries=0, **given)
        if not 0 < self.max_failed <= 1:
            raise ValueError(f"max_failed must be above 0 and at most 1, got {self.max_failed}")
        if self.in_flight and self.executor is None:
            raise ValueError(f"in_flight={self.in_flight} needs an executor")

    def evaluation(
        self, evaluate: Evaluate, objectives: Sequence[Objective], store: Store | None, population: int, bar: tqdm
    ) -> Evaluation:
        """The evaluation for a search that proposes a population at a time."""
        one_by_one = store is not None or self.executor is not None
        chunk_size = 1 if self.chunk_size is None and one_by_one else self.chunk_size
        failures = Failures(store, self.max_failed, max(population, LEAST_PATIENCE))
        return Evaluation(Calls(evaluate, self.executor), objectives, store, chunk_size, self.retries, failures, bar)
