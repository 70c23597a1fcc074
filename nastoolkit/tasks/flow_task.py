"""Classification of flows: splits by capture, tokens that training flows define, and more flows without labels."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch

from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.data_sets import StoredClassification
from nastoolkit.tasks.flow_tokens import Composition, Vocabulary16, inputs_of, packet_values
from nastoolkit.tasks.flows import Flows

TURNS = ("train", "test", "validation", "train", "test", "train")  # of a class's captures, in a random order


class FlowTask(StoredClassification):
    """Kinds of flows; inputs are those of :func:`nastoolkit.tasks.flow_tokens.inputs_of`, and the metric is macro F1.

    Flows whose tokens are all those of an earlier one, such as repeated queries, are left out, in all splits together.

    Attributes:
        composition: How many bursts and packets are kept.
        n_common: Numbers that have a token of their own.
    """

    metric = "macro_f1"
    composition = Composition()
    n_common = 1000

    def divided(self) -> tuple[dict[str, Flows], Flows]:
        """Labelled flows of each split, and all flows that may be learnt from without labels."""
        raise NotImplementedError

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        return {name: self.examples(flows) for name, flows in self._parts[0].items()}

    def examples(self, flows: Flows, values: np.ndarray | None = None, words: Vocabulary16 | None = None) -> Split:
        """Inputs and classes of flows; ``values`` of their packets and ``words`` may be others, see :func:`inputs_of`."""
        inputs = inputs_of(flows, words or self.words, self.composition, values)
        return Split(inputs, torch.from_numpy(np.searchsorted(self.classes, flows.label)))

    def flows(self, name: str) -> Flows:
        """The flows of a split."""
        return self._parts[0][name]

    @property
    def n_classes(self) -> int:
        """See :class:`nastoolkit.tasks.Classification`."""
        return len(self.classes)

    def given(self, train: Split, test: Split) -> FlowTask:
        """A task of the same classes with other examples, such as a few of these, of which some labels are wrong."""
        return GivenFlows(self, {"train": train, "validation": self.examples(self.flows("validation")), "test": test})

    @property
    def unlabelled(self) -> Flows:
        """Flows to learn from without labels; none is in the validation or test split, nor is its capture."""
        return self._parts[1]

    @cached_property
    def words(self) -> Vocabulary16:
        """Tokens by the flows without labels."""
        return self._parts[2]

    @cached_property
    def classes(self) -> list[str]:
        """Names of the classes."""
        return np.unique(self.flows("train").label).tolist()

    @cached_property
    def _parts(self) -> tuple[dict[str, Flows], Flows, Vocabulary16]:
        splits, unlabelled = self.divided()
        values = packet_values(unlabelled)
        vocabulary, seen = Vocabulary16.of(values[values > 0] - 1, self.n_common), set[bytes]()
        different = {}
        for name in SPLITS:
            tokens = inputs_of(splits[name], vocabulary, self.composition)[0].numpy()
            keys = [row.tobytes() for row in tokens]
            first = _first_places(keys, seen)
            different[name] = splits[name].take(np.array(first, np.int64))
        return different, unlabelled, vocabulary

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """Mean F1 of the classes in %, of those that are there or are predicted."""
        return macro_f1(predictions.argmax(1).numpy(), targets.numpy())

    def __getstate__(self) -> dict[str, Any]:
        read = ("_parts", "words", "classes")
        return {key: value for key, value in super().__getstate__().items() if key not in read}


class GivenFlows(FlowTask):
    """Flows with the classes of a task; see :meth:`FlowTask.given`."""

    def __init__(self, task: FlowTask, splits: dict[str, Split]) -> None:
        super().__init__(task.name, task.remedy)
        self.classes, self.splits = task.classes, splits

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        return self.splits


def _first_places(keys: list[bytes], seen: set[bytes]) -> list[int]:
    """Places of keys that were not seen before; they are now."""
    first = []
    for number, key in enumerate(keys):
        if key not in seen:
            first.append(number)
        seen.add(key)
    return first


def macro_f1(found: np.ndarray, targets: np.ndarray) -> float:
    """Mean F1 in % of the classes in predictions ``(n,)`` or targets ``(n,)``."""
    right = [
        ((found == k) & (targets == k)).sum() / ((found == k).sum() + (targets == k).sum()) for k in _both(found, targets)
    ]
    return 200.0 * float(np.mean(right))


def _both(found: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.unique(np.concatenate([found, targets]))


def dealt(flows: Flows, classes: list[str]) -> dict[str, np.ndarray]:
    """Numbers of the flows of each split, so that every capture is in one split, and every class in all of them.

    The captures of each class, the class with the fewest first, are dealt out in turn; those without a class are for training.

    Raises:
        ValueError: A class is in fewer than three captures.
    """
    captures = {name: np.unique(flows.source[flows.label == name]) for name in classes}
    home: dict[int, str] = {}
    for name in sorted(classes, key=lambda name: (len(captures[name]), name)):
        rng = np.random.default_rng([len(captures[name]), *name.encode()])
        own = rng.permutation(captures[name]).tolist()
        counts = {split: sum(home.get(source) == split for source in own) for split in SPLITS}
        for source in (source for source in own if source not in home):
            home[source] = min(SPLITS, key=lambda split: counts[split] / TURNS.count(split))
            counts[home[source]] += 1
        if not all(counts.values()):
            raise ValueError(
                f"class {name!r} is in {len(own)} captures, too few for three splits; give it at least 3 of its own"
            )
    split = np.array([home.get(int(source), "train") for source in flows.source])
    known = np.isin(flows.label, classes)
    return {name: np.flatnonzero(known & (split == name)) for name in SPLITS} | {"all": np.flatnonzero(split == "train")}
