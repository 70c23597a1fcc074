"""Papers, one module each: what only that paper has, on the parts that all share. A new one is a file and a line."""

from nastoolkit.systems import (
    autodistil,
    balanced_mixture,
    darts_pt,
    efficient_tdnn,
    encas,
    exssnet,
    gennas,
    gradient_matching,
    hardware_aware_nas,
    instatune,
    mixture_of_supernets,
    nat,
    ncp,
    ofa_squared,
    pa_da,
    shiftnas,
    simq_nas,
    tans,
    vit_resnas,
)
from nastoolkit.systems.card import Card

SYSTEMS: dict[str, Card] = {
    "hardware_aware_nas": hardware_aware_nas.CARD,
    "nat": nat.CARD,
    "ofa_squared": ofa_squared.CARD,
    "encas": encas.CARD,
    "pa_da": pa_da.CARD,
    "shiftnas": shiftnas.CARD,
    "simq_nas": simq_nas.CARD,
    "mixture_of_supernets": mixture_of_supernets.CARD,
    "instatune": instatune.CARD,
    "autodistil": autodistil.CARD,
    "ncp": ncp.CARD,
    "gradient_matching": gradient_matching.CARD,
    "balanced_mixture": balanced_mixture.CARD,
    "darts_pt": darts_pt.CARD,
    "gennas": gennas.CARD,
    "efficient_tdnn": efficient_tdnn.CARD,
    "vit_resnas": vit_resnas.CARD,
    "exssnet": exssnet.CARD,
    "tans": tans.CARD,
}

__all__ = ["SYSTEMS", "Card"]
