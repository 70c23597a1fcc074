"""Families of networks: each turns genotypes into plans, costs and plain PyTorch networks. A new one is a file and a line."""

import sys
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from nastoolkit.families import (
    bert,
    cells,
    conv_chain,
    flow_encoder,
    hat,
    masked_bert,
    mbconv_layers,
    mcunet,
    mobilenet_v3,
    multi_stage_vit,
    proxyless_nas,
    resnet1d,
    resnet50,
    tdnn,
    vit,
)
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.plan import Plan
from nastoolkit.support.names import unknown

FAMILIES: dict[str, Callable[[], Family]] = {
    "bert-base": partial(bert.BertFamily, "bert-base", bert.BASE),
    "bert-base-thin": partial(bert.BertFamily, "bert-base-thin", bert.BASE_THIN),
    "digits-cells": partial(cells.CellsFamily, "digits-cells", cells.DIGITS),
    "digits-mbconv-layers": partial(mbconv_layers.MBConvLayersFamily, "digits-mbconv-layers", mbconv_layers.DIGITS),
    "digits-mbv3": partial(mobilenet_v3.MobileNetV3Family, "digits-mbv3", mobilenet_v3.DIGITS),
    "digits-mbv3-small": partial(mobilenet_v3.MobileNetV3Family, "digits-mbv3-small", mobilenet_v3.SMALL_DIGITS),
    "efficient-tdnn": partial(tdnn.TDNNFamily, "efficient-tdnn", tdnn.COARSE),
    "few-shot-convs": partial(conv_chain.ConvChainFamily, "few-shot-convs", conv_chain.FEW_SHOT),
    "hat-iwslt": partial(hat.HATFamily, "hat-iwslt", hat.IWSLT),
    "hat-wmt": partial(hat.HATFamily, "hat-wmt", hat.WMT),
    "tatoeba-transformer": partial(hat.HATFamily, "tatoeba-transformer", hat.TATOEBA),
    "nas-bench-201": partial(cells.CellsFamily, "nas-bench-201", cells.NAS_BENCH_201),
    "number-words-transformer": partial(hat.HATFamily, "number-words-transformer", hat.NUMBER_WORDS),
    "digits-multi-stage-vit": partial(multi_stage_vit.MultiStageViTFamily, "digits-multi-stage-vit", multi_stage_vit.DIGITS),
    "digits-resnet50": partial(resnet50.ResNet50Family, "digits-resnet50", resnet50.DIGITS),
    "digits-vit": partial(vit.VisionTransformerFamily, "digits-vit", vit.DIGITS),
    "flows-netfound": partial(flow_encoder.FlowEncoderFamily, "flows-netfound", flow_encoder.SMALL),
    "mcunet-vww": partial(mcunet.MCUNetFamily, "mcunet-vww", mcunet.VWW),
    "ofa-mbv3-w1.0": partial(mobilenet_v3.MobileNetV3Family, "ofa-mbv3-w1.0", mobilenet_v3.OFA),
    "ofa-mbv3-w1.2": partial(mobilenet_v3.MobileNetV3Family, "ofa-mbv3-w1.2", mobilenet_v3.OFA_WIDE),
    "ofa-proxyless-w1.3": partial(proxyless_nas.ProxylessNASFamily, "ofa-proxyless-w1.3", proxyless_nas.OFA),
    "ofa-resnet50": partial(resnet50.ResNet50Family, "ofa-resnet50", resnet50.OFA),
    "skeletons-attention": partial(resnet1d.ResNet1dFamily, "skeletons-attention", resnet1d.ATTENTION),
    "skeletons-two-streams": partial(resnet1d.ResNet1dFamily, "skeletons-two-streams", resnet1d.TWO_STREAMS),
    "speakers-tdnn": partial(tdnn.TDNNFamily, "speakers-tdnn", tdnn.SPEAKERS),
    "text-bert": partial(bert.BertFamily, "text-bert", bert.SMALL),
    "text-bert-thin": partial(bert.BertFamily, "text-bert-thin", bert.SMALL_THIN),
    "text-bert-words": partial(masked_bert.MaskedBertFamily, "text-bert-words", bert.SMALL),
    "vit-resnas-small": partial(multi_stage_vit.MultiStageViTFamily, "vit-resnas-small", multi_stage_vit.SMALL),
    "vit-resnas-tiny": partial(multi_stage_vit.MultiStageViTFamily, "vit-resnas-tiny", multi_stage_vit.TINY),
    "vit-b16": partial(vit.VisionTransformerFamily, "vit-b16", vit.B16),
}

GROUP = "nastoolkit.families"  # of entry points, by which an installed package adds families


def family_named(name: str) -> Family:
    """A family by its name; families of your own need no change of this package.

    Args:
        name: A key of ``FAMILIES``; a class in a file, such as ``my_net.py:MyFamily``; or an entry point of the group
            ``nastoolkit.families`` of an installed package.

    Raises:
        ValueError: There is no such family, no such file, or no such class in it.
    """
    if name in FAMILIES:
        return FAMILIES[name]()
    file, _, kind = name.rpartition(":")
    if file:
        return _class_in(Path(file), kind)()
    for point in entry_points(group=GROUP, name=name):
        return point.load()()
    raise ValueError(f"{unknown('family', name, FAMILIES)}; or a class in a file: my_net.py:MyFamily")


def _class_in(file: Path, kind: str) -> Callable[[], Family]:
    """A class in a Python file, which is executed."""
    if not file.is_file() or file.suffix != ".py":
        raise ValueError(f"there is no Python file {file} for family {kind!r}")
    things = vars(_run(file.resolve(), file.stat().st_mtime_ns))
    found = {key: thing for key, thing in things.items() if isinstance(thing, type) and issubclass(thing, Family)}
    if kind not in found:
        raise ValueError(f"{file} has no family {kind!r}; it has: {', '.join(found) or 'none'}")
    return found[kind]


@cache
def _run(file: Path, modified_ns: int) -> ModuleType:
    """The module of a file, which is run once, and again when it has changed."""
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[file.stem] = module_from_spec(spec)  # so that what it defines can be pickled
    spec.loader.exec_module(module)
    return module


__all__ = ["FAMILIES", "Family", "Plan", "Slot", "family_named"]
