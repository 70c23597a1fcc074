"""Small stand-ins of released families and tasks, for this process or for a kernel that imports this module as it starts."""

from dataclasses import replace
from functools import partial

import numpy as np

from nastoolkit import FAMILIES, TASKS
from nastoolkit.families.bert import BASE_THIN, BertFamily
from nastoolkit.systems.autodistil.students import PARTS
from nastoolkit.tasks.beam_search import BeamSearch
from nastoolkit.tasks.bert_texts import BertTexts
from nastoolkit.tasks.images import ImageFolder, datasets_folder
from nastoolkit.tasks.sst2 import Sst2

RESOLUTION = 32  # the least that leaves a pixel
FEW_WORDS = 16  # tokens of a sentence
NARROW = 0.125  # channels of Once-for-All's networks, all layers of which are there


class FewClasses(ImageFolder):
    """ImageNet with as many classes as the networks have, of which few occur."""

    n_classes = 1000

    def __init__(self):
        super().__init__(datasets_folder() / "imagenet", "imagenet")


class FewTexts(BertTexts):
    """A text for each split, of words that the stand-in of BERT's tokenizer knows."""

    def __init__(self):
        super().__init__(length=FEW_WORDS)

    def _texts(self, split):
        return [" ".join(np.random.default_rng(len(split)).choice(["a", "good", "film", "not", "dull"], 400))]


def smaller(name, table):
    """The table of a released family with all of its layers, each with few channels, and one resolution."""
    if name.startswith("hat-"):
        few_words = {"vocabulary": 14, "source_length": 6, "target_length": 6}
        return replace(table, **few_words, embed_dims=(16, 24), qkv_dim=16, ffn=(16, 24, 32))
    if name == "bert-base":
        return replace(table, vocabulary=40, dim=24, head_dim=2, ffn=(8, 16, 24), length=FEW_WORDS)
    if name == "bert-base-thin":
        widths = {"dim": table.dim // 32, "dims": narrower(table.dims), "ratios": lower(table.ratios), "head_dim": 2}
        return replace(table, vocabulary=40, length=FEW_WORDS, **widths)
    if name == "vit-resnas-tiny":
        return replace(table, stages=tuple(few_channels(stage) for stage in table.stages), stem=4)
    few_pixels = {"resolutions": (RESOLUTION,)}
    if "resnet50" in name:
        stages = tuple(replace(stage, channels=int(stage.channels * NARROW)) for stage in table.stages)
        return replace(table, **few_pixels, stages=stages)
    return replace(table, **few_pixels, width=table.width * NARROW, feature_mix=table.feature_mix // 2)


def few_channels(stage):
    """A stage of a multi-stage ViT with an eighth of the channels in two sizes, and two layers."""
    dims, ffn = ((sizes[0] // 8, sizes[-1] // 8) for sizes in (stage.dims, stage.ffn))
    return replace(stage, dims=dims, ffn=ffn, heads=(3, 2), head_dim=stage.head_dim // 8, n_layers=2)


def narrower(dims):
    """Few channels for each number of them."""
    return tuple(dim // 32 for dim in dims)


def lower(ratios):
    """Few hidden units for each number of them."""
    return tuple(ratio / 4 for ratio in ratios)


def install():
    """Put them in place of the released ones."""
    TASKS["imagenet"] = FewClasses
    TASKS["sst2"] = partial(Sst2, length=FEW_WORDS)
    TASKS["wmt14-en-de"].search = BeamSearch(6, eos=2, pad=1)
    for name in ["bert-base", "hat-wmt", "vit-resnas-tiny", *(name for name in FAMILIES if name.startswith("ofa-"))]:
        make, (_, table) = FAMILIES[name].func, FAMILIES[name].args
        FAMILIES[name] = partial(make, name, smaller(name, table))
    for part in PARTS["bert-base-thin"].values():
        part |= {"dim": narrower(part["dim"]), "ratio": lower(part["ratio"])}
    TASKS["bert-texts"] = FewTexts
    FAMILIES["bert-base-thin"] = partial(BertFamily, "bert-base-thin", smaller("bert-base-thin", BASE_THIN))
