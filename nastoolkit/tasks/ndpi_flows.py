"""Real flows of many applications, from the captures that the library nDPI is tested with. The user provides the file.

[nDPI] https://github.com/ntop/nDPI (LGPL-3.0), commit 3b1286a, ``tests/cfgs/default``: captures, and what nDPI says of flows.

Differs from it in: flows of at least three packets, of which the first 16 are kept, without addresses and ports. The file
``ndpi_flows.npz`` is a NumPy archive: ``header`` ``(m, 13)`` and ``payload12`` ``(m, 12)`` as in
:class:`nastoolkit.tasks.flows.Flows`, ``payload_len`` and ``time`` in seconds ``(m,)``; ``packets`` that are kept of each
flow, ``proto`` (``TCP``, ``UDP`` or ``ICMP``), ``label`` and the number of the capture, ``source``, ``(n,)``. Applications
within a protocol (``TLS.Google``) count as the protocol. Classes are in at least seven captures; no capture is in two splits.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nastoolkit.published.sources import find_made
from nastoolkit.tasks.data_sets import datasets_folder
from nastoolkit.tasks.flow_task import FlowTask, dealt
from nastoolkit.tasks.flows import PROTOCOLS, Flows

FILE = "ndpi_flows.npz"
REMEDY = "Make it as nastoolkit/tasks/ndpi_flows.py says, and name the folder that has it: NASTOOLKIT_DATA=DIR"
N_CAPTURES = 7  # that a class is in
UNKNOWN = ("", "Unknown")


class NdpiFlows(FlowTask):
    """Protocols of real flows; those of other protocols are there without labels."""

    def __init__(self) -> None:
        super().__init__("ndpi-flows", REMEDY)

    def divided(self) -> tuple[dict[str, Flows], Flows]:
        """See :class:`nastoolkit.tasks.flow_task.FlowTask`."""
        file = self._file()
        try:
            flows = _read(file)
            rows = dealt(flows, _classes(flows))
        except Exception as error:  # NumPy raises whatever a broken file leads it to
            raise self.missing(f"{file} has no flows of seven captures a class ({error})") from error
        return {name: flows.take(own) for name, own in rows.items() if name != "all"}, flows.take(rows["all"])

    def _file(self) -> Path:
        """The file in the folder of data sets, or else in the folder of published data."""
        if (own := datasets_folder() / self.name / FILE).is_file():
            return own
        try:
            return find_made(FILE, "ndpi-flows", "")
        except FileNotFoundError as error:
            raise self.missing(str(error).split(":")[0]) from None


def _read(file: Path) -> Flows:
    with np.load(file) as table:
        return Flows(
            header=table["header"],
            payload=table["payload12"],
            payload_length=table["payload_len"],
            time=table["time"].astype(np.float64),
            n_packets=table["packets"].astype(np.int64),
            protocol=np.array([PROTOCOLS.index(name) for name in table["proto"]]),
            label=np.array([name.split(".")[0] for name in table["label"].tolist()]),
            source=table["source"].astype(np.int64),
        )


def _classes(flows: Flows) -> list[str]:
    """Labels in enough captures."""
    names = [name for name in np.unique(flows.label).tolist() if name not in UNKNOWN]
    return [name for name in names if len(np.unique(flows.source[flows.label == name])) >= N_CAPTURES]
