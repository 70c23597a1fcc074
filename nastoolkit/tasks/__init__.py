"""Tasks: data, loss and metric by name."""

import re
from pathlib import Path

from nastoolkit.support.names import did_you_mean
from nastoolkit.tasks.base import SPLITS, Classification, Examples, LabelledTask, Split, Task
from nastoolkit.tasks.bert_texts import BertTexts
from nastoolkit.tasks.data_sets import MissingDataError, datasets_folder
from nastoolkit.tasks.digit_variants import (
    DigitSums,
    FewDigits,
    HighDigits,
    LowDigits,
    PlainDigits,
    RotatedDigits,
    SimilarDigits,
    UprightDigits,
)
from nastoolkit.tasks.digits import Digits
from nastoolkit.tasks.episodes import Episode, Episodes
from nastoolkit.tasks.flow_captures import FlowCaptures
from nastoolkit.tasks.help_topics import FewHelpTopics, HelpTopics
from nastoolkit.tasks.hub import Cifar10, Cifar100, HubImages, HubSource
from nastoolkit.tasks.images import ImageFolder, ImageNet
from nastoolkit.tasks.jhmdb import Jhmdb
from nastoolkit.tasks.made_up_skeletons import MadeUpSkeletons
from nastoolkit.tasks.masked_words import MaskedVader, MaskedWords
from nastoolkit.tasks.ndpi_flows import NdpiFlows
from nastoolkit.tasks.ntu import NtuSkeletons
from nastoolkit.tasks.number_words import NumberWords
from nastoolkit.tasks.nyuv2 import Nyuv2
from nastoolkit.tasks.omniglot import Omniglot
from nastoolkit.tasks.rendered_scenes import RenderedScenes
from nastoolkit.tasks.sceneflow import SceneFlow
from nastoolkit.tasks.sentences import VaderAmazon, VaderMovies, VaderNyt, VaderTweets
from nastoolkit.tasks.simulated_flows import SimulatedFlows
from nastoolkit.tasks.small_cifar import SmallCifar10
from nastoolkit.tasks.speakers import LibriSpeakers, MadeUpSpeakers
from nastoolkit.tasks.sst2 import Sst2
from nastoolkit.tasks.stereograms import ShiftedStereograms, Stereograms
from nastoolkit.tasks.tatoeba import Tatoeba
from nastoolkit.tasks.turned_digits import TurnedDigits
from nastoolkit.tasks.wmt14 import Wmt14

TASKS: dict[str, type[Task]] = {
    "digits": Digits,
    "digits-plain": PlainDigits,
    "digits-upright": UprightDigits,
    "digits-0to4": LowDigits,
    "digits-5to9": HighDigits,
    "digits-3589": SimilarDigits,
    "digits-few": FewDigits,
    "digits-rotated": RotatedDigits,
    "digits-sums": DigitSums,
    "number-words": NumberWords,
    "wmt14-en-de": Wmt14,
    "imagenet": ImageNet,
    "cifar10": Cifar10,
    "cifar10-16": SmallCifar10,
    "cifar100": Cifar100,
    "sst2": Sst2,
    "help-topics": HelpTopics,
    "help-topics-few": FewHelpTopics,
    "masked-words": MaskedWords,
    "bert-texts": BertTexts,
    "masked-vader": MaskedVader,
    "vader-movies": VaderMovies,
    "vader-tweets": VaderTweets,
    "vader-amazon": VaderAmazon,
    "vader-nyt": VaderNyt,
    "tatoeba-en-de": Tatoeba,
    "libri-speakers": LibriSpeakers,
    "made-up-speakers": MadeUpSpeakers,
    "rendered-scenes": RenderedScenes,
    "nyuv2": Nyuv2,
    "stereograms": Stereograms,
    "stereograms-shifted": ShiftedStereograms,
    "sceneflow": SceneFlow,
    "made-up-skeletons": MadeUpSkeletons,
    "jhmdb-poses": Jhmdb,
    "ntu-skeletons": NtuSkeletons,
    "omniglot": Omniglot,
    "turned-digits": TurnedDigits,
    "simulated-flows": SimulatedFlows,
    "ndpi-flows": NdpiFlows,
    "flow-captures": FlowCaptures,
}

HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")

__all__ = [
    "SPLITS",
    "TASKS",
    "Classification",
    "Episode",
    "Episodes",
    "Examples",
    "LabelledTask",
    "MissingDataError",
    "Split",
    "Task",
    "load_task",
]


def load_task(name: str) -> Task:
    """A task by its name; data are read when they are first needed.

    Args:
        name: A key of ``TASKS``; or a folder of images, given by its path or its name in the folder ``NASTOOLKIT_DATASETS``;
            or a data set of images on the Hugging Face Hub, ``<owner>/<name>``. If ``<owner>`` is a local folder, the name
            means a folder in it.

    Raises:
        ValueError: There is no such task or folder, and the name cannot be one on the Hub.
    """
    if name in TASKS:
        return TASKS[name]()
    for folder in (Path(name), datasets_folder() / name):
        if (folder / "train").is_dir():
            return ImageFolder(folder)
    inside_a_folder = Path(name).parent not in (Path(), Path(name)) and Path(name).parent.is_dir()
    if (name and HubSource(name).folder.is_dir()) or (HUB_NAME.fullmatch(name) and not inside_a_folder):
        return HubImages(name)
    beside = (path.as_posix() for path in Path(name).parent.glob("*") if path.is_dir())
    meant = did_you_mean(name, [*TASKS, *beside])
    if inside_a_folder:
        way_out = f" (if it is a name on the Hugging Face Hub: HubImages({name!r}))" if HUB_NAME.fullmatch(name) else ""
        raise ValueError(f"there is no folder {name!r}{meant}{way_out}")
    places = f"folders of images in {datasets_folder()}, and <owner>/<name> on the Hugging Face Hub"
    raise ValueError(f"there is no task {name!r}{meant}; known: {', '.join(TASKS)}, {places}")
