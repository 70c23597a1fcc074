"""Families of networks: each turns genotypes into plans, costs and plain PyTorch networks. A new one is a file and a line."""

from collections.abc import Callable
from functools import partial

from nastoolkit.families import bert, cells, hat, masked_bert, mobilenet_v3, proxyless_nas, resnet50, vit
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.plan import Plan

FAMILIES: dict[str, Callable[[], Family]] = {
    "bert-base": partial(bert.BertFamily, "bert-base", bert.BASE),
    "bert-base-thin": partial(bert.BertFamily, "bert-base-thin", bert.BASE_THIN),
    "digits-cells": partial(cells.CellsFamily, "digits-cells", cells.DIGITS),
    "digits-mbv3": partial(mobilenet_v3.MobileNetV3Family, "digits-mbv3", mobilenet_v3.DIGITS),
    "hat-iwslt": partial(hat.HATFamily, "hat-iwslt", hat.IWSLT),
    "hat-wmt": partial(hat.HATFamily, "hat-wmt", hat.WMT),
    "tatoeba-transformer": partial(hat.HATFamily, "tatoeba-transformer", hat.TATOEBA),
    "nas-bench-201": partial(cells.CellsFamily, "nas-bench-201", cells.NAS_BENCH_201),
    "number-words-transformer": partial(hat.HATFamily, "number-words-transformer", hat.NUMBER_WORDS),
    "digits-resnet50": partial(resnet50.ResNet50Family, "digits-resnet50", resnet50.DIGITS),
    "digits-vit": partial(vit.VisionTransformerFamily, "digits-vit", vit.DIGITS),
    "ofa-mbv3-w1.0": partial(mobilenet_v3.MobileNetV3Family, "ofa-mbv3-w1.0", mobilenet_v3.OFA),
    "ofa-mbv3-w1.2": partial(mobilenet_v3.MobileNetV3Family, "ofa-mbv3-w1.2", mobilenet_v3.OFA_WIDE),
    "ofa-proxyless-w1.3": partial(proxyless_nas.ProxylessNASFamily, "ofa-proxyless-w1.3", proxyless_nas.OFA),
    "ofa-resnet50": partial(resnet50.ResNet50Family, "ofa-resnet50", resnet50.OFA),
    "text-bert": partial(bert.BertFamily, "text-bert", bert.SMALL),
    "text-bert-thin": partial(bert.BertFamily, "text-bert-thin", bert.SMALL_THIN),
    "text-bert-words": partial(masked_bert.MaskedBertFamily, "text-bert-words", bert.SMALL),
    "vit-b16": partial(vit.VisionTransformerFamily, "vit-b16", vit.B16),
}

__all__ = ["FAMILIES", "Family", "Plan", "Slot"]
