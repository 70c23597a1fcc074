"""Proxies of accuracy: scores of untrained sub-networks. A new one is a file and a line."""

from nastoolkit.measurements.proxies.costs import Macs, Params
from nastoolkit.measurements.proxies.grad_norm import GradNorm
from nastoolkit.measurements.proxies.jacob_cov import JacobCov
from nastoolkit.measurements.proxies.naswot import NASWOT
from nastoolkit.measurements.proxies.proxy import Proxy
from nastoolkit.measurements.proxies.snip import SNIP
from nastoolkit.measurements.proxies.synflow import SynFlow
from nastoolkit.measurements.proxies.zico import ZiCo

PROXIES: dict[str, type[Proxy]] = {
    "naswot": NASWOT,
    "synflow": SynFlow,
    "grad_norm": GradNorm,
    "snip": SNIP,
    "jacob_cov": JacobCov,
    "zico": ZiCo,
    "params": Params,
    "macs": Macs,
}

__all__ = ["NASWOT", "PROXIES", "GradNorm", "JacobCov", "Macs", "Params", "Proxy", "SNIP", "SynFlow", "ZiCo"]
