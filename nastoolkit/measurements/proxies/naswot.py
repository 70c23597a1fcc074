"""NASWOT: scores a sub-network by how differently it responds to different images, without labels or calibration.

[Mellor2021] J. Mellor et al., "Neural Architecture Search without Training", ICML 2021, Section 3: the log-determinant of the
kernel that counts in how many rectified units two inputs agree.
[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954: low-cost proxies as objectives. The other one there, the number of parameters, is ``family.params``.

Differs from the paper in: the signs of h-swish units count like those of ReLU units, because mobile networks have both; the
weights may also be a trained supernet's, not only fresh ones; batch normalisation uses the batch's own statistics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.measurements.proxies.proxy import Proxy
from nastoolkit.supernets import calibrate_batchnorm
from nastoolkit.taps import taps

RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.Hardswish)  # positive where their input is


@dataclass(frozen=True)
class NASWOT(Proxy):
    """The log-determinant of sub-networks' activation kernels on one batch of training inputs.

    It is minus infinity if no unit distinguishes two of the inputs. [Mellor2021] uses 128 inputs.

    Raises:
        ValueError: The networks have no rectified units, or do not fit the task.
    """

    n_inputs: int = 128
    name = "naswot"

    def __post_init__(self) -> None:
        check_units(self.supernet)
        super().__post_init__()

    def score(self, genotype: np.ndarray) -> float:
        """See :class:`Proxy`."""
        kernel = activation_kernel(self.supernet.extract(genotype), self.batch(genotype).inputs)
        return float(np.linalg.slogdet(kernel).logabsdet)


@torch.no_grad()
def activation_kernel(network: nn.Module, inputs: Inputs) -> np.ndarray:
    """Number of rectified units in which two of n inputs agree, on or off: ``(n, n)``, [Mellor2021], Equation 2.

    Args:
        network: Network, whose batch normalisation is set to the inputs' statistics.
        inputs: A batch of the network's inputs.

    Raises:
        ValueError: The network has no such units.
    """
    units = check_units(network)
    calibrate_batchnorm(network, [inputs])
    kernels: list[torch.Tensor] = []

    def count(_unit: str, outputs: torch.Tensor) -> None:
        on = (outputs.flatten(1) > 0).float()
        kernels.append((on @ on.T + (1 - on) @ (1 - on).T).double())

    with taps(units, count):
        network(inputs)
    return torch.stack(kernels).sum(0).cpu().numpy()


def check_units(network: nn.Module) -> dict[str, nn.Module]:
    """The rectified units of a network by name; ValueError if it has none."""
    units: dict[str, nn.Module] = {name: module for name, module in network.named_modules() if isinstance(module, RECTIFIERS)}
    if not units:
        raise ValueError(f"NASWOT looks at {[unit.__name__ for unit in RECTIFIERS]} modules, and the network has none")
    return units
