"""A lookup table compared with the clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nastoolkit.predictors import kendall_tau, mape, spearman

CLEARLY = 0.1  # of Kendall tau


@dataclass(frozen=True)
class TableCheck:
    """A lookup table compared with end-to-end measurements.

    Attributes:
        table_ms: Predicted latencies ``(n,)`` of random sub-networks.
        measured_ms: Medians of their end-to-end latencies ``(n,)``.
        halves_ms: The same for each half of the measuring rounds, ``(n, 2)``.
        macs: MACs ``(n,)`` of these sub-networks, the control: a table that ranks worse than MACs is useless.
        drift_percent: How much slower the machine was than when the table was made; the other values are corrected for it.
    """

    table_ms: np.ndarray
    measured_ms: np.ndarray
    halves_ms: np.ndarray
    macs: np.ndarray
    drift_percent: float = 0.0

    @property
    def frame(self) -> pd.DataFrame:
        """Both as columns, a row per sub-network."""
        return pd.DataFrame({"table_ms": self.table_ms, "measured_ms": self.measured_ms})

    @property
    def mape_percent(self) -> float:
        """Mean absolute percentage error."""
        return mape(self.measured_ms, self.table_ms)

    @property
    def clock_percent(self) -> float:
        """Mean absolute percentage difference between the halves of the measurement: no table can have a smaller error."""
        return mape(self.halves_ms[:, 0], self.halves_ms[:, 1])

    @property
    def bias_percent(self) -> float:
        """Mean signed percentage error; positive if the table is too high."""
        return float(100 * (self.table_ms / self.measured_ms - 1).mean())

    @property
    def spearman(self) -> float:
        """Rank correlation."""
        return spearman(self.measured_ms, self.table_ms)

    @property
    def kendall_tau(self) -> float:
        """Rank correlation by concordant pairs."""
        return kendall_tau(self.measured_ms, self.table_ms)

    @property
    def macs_kendall_tau(self) -> float:
        """The same rank correlation for MACs."""
        return kendall_tau(self.measured_ms, self.macs)

    @property
    def is_worse_than_macs(self) -> bool:
        """Whether MACs, which need no clock, rank these sub-networks clearly better than the table does."""
        return self.kendall_tau < self.macs_kendall_tau - CLEARLY
