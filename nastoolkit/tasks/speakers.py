"""Speaker verification on LibriSpeech: does the same person speak in two pieces of a second each? The user provides the file.

[Panayotov2015] V. Panayotov et al., "LibriSpeech: An ASR Corpus Based on Public Domain Audio Books", ICASSP 2015; CC BY 4.0.

Differs from it in: few recordings, which come with https://github.com/resemble-ai/Resemblyzer (commit 15d828e,
``audio_data/librispeech_*``): 251 people with one recording each, 10 others with ten. The file is a NumPy archive with log-mel
spectra at 8 kHz, with 24 bands and a frame every 10 ms: ``frames``, uint8 ``(n, 24)``, of all recordings one after the other,
where log energies are ``lo + frames / 255 * (hi - lo)``; ``length``, the number of frames of each recording; ``speaker``; and
``test``, which is true for the 10 people. Networks see each band of a piece with mean 0 and deviation 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.published.sources import find_made
from nastoolkit.statistics import verification
from nastoolkit.tasks.base import Classification, Split
from nastoolkit.tasks.data_sets import StoredTask, datasets_folder

FILE, N_FRAMES = "libri_mel24.npz", 100
REMEDY = "Make it as nastoolkit/tasks/speakers.py says, and name the folder that has it: NASTOOLKIT_DATA=DIR"
N_HELD_OUT, N_PIECES = 50, 6  # people for validation, and pieces of each


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of recordings.

    Attributes:
        recordings: All recordings, ``(frames, bands)`` each.
        places: Each piece's recording number and first frame: ``(n, 2)``.
        people: Speaker of each piece ``(n,)``.
    """

    recordings: list[np.ndarray]
    places: np.ndarray
    people: np.ndarray

    def __len__(self) -> int:
        return len(self.people)

    @property
    def targets(self) -> torch.Tensor:
        """Speaker of each piece ``(n,)``."""
        return torch.from_numpy(self.people)

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`nastoolkit.tasks.base.Examples`."""
        return self._whole.batches(size, shape, n)

    @cached_property
    def _whole(self) -> Split:
        return self._split(np.arange(len(self)), self.places[:, 1])

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """The pieces at ``places`` ``(n,)``, each starting at another frame of its recording."""
        last = np.array([len(self.recordings[recording]) - N_FRAMES for recording in self.places[places, 0]])
        return self._split(places, rng.integers(np.maximum(last, 0) + 1))

    def _split(self, places: np.ndarray, first: np.ndarray) -> Split:
        recordings = (self.recordings[recording] for recording in self.places[places, 0])
        pieces = np.stack([one[start : start + N_FRAMES] for one, start in zip(recordings, first, strict=True)])
        pieces = (pieces - pieces.mean(1, keepdims=True)) / (pieces.std(1, keepdims=True) + 1e-5)
        inputs = torch.from_numpy(np.ascontiguousarray(pieces.transpose(0, 2, 1)[:, :, None].astype(np.float32)))
        return Split(inputs, self.targets[torch.from_numpy(places)])


class LibriSpeakers(StoredTask):
    """Training tells people apart; validation and test have other people, and compare pieces by embeddings.

    The metric is 100 % minus the equal error rate. Of the 251 people, 201 are for training, and 50, with up to six pieces
    each, for validation; test has one piece from each of the ten recordings of the 10 others.
    """

    metric, unit = "verification", "%"

    def __init__(self) -> None:
        super().__init__("libri-speakers", REMEDY)

    @property
    def n_classes(self) -> int:
        """Number of people among the training targets."""
        return int(self.split("train").targets.max()) + 1

    def read(self) -> dict[str, Pieces]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        file = self._file()
        try:
            with np.load(file) as table:
                frames, length, speaker, test = (table[name] for name in ("frames", "length", "speaker", "test"))
                scale = (table["hi"] - table["lo"]) / 255
            if len(frames) != length.sum() or frames.shape[1:] != (24,) or len(length) != len(speaker):
                raise ValueError(f"{len(frames)} frames for recordings of {length.sum()}")
            recordings = [self._long(one * scale) for one in np.split(frames, np.cumsum(length)[:-1])]
        except Exception as error:  # NumPy raises whatever a broken file leads it to
            raise self.missing(f"{file} has no recordings in 24 bands ({error})") from error
        mixed = np.random.default_rng(0).permutation(np.flatnonzero(~test))
        held_out = min(N_HELD_OUT, len(mixed) // 5)
        rows = {"train": mixed[held_out:], "validation": mixed[:held_out], "test": np.flatnonzero(test)}
        most = {"train": len(frames), "validation": N_PIECES, "test": 1}
        return {name: _pieces(recordings, speaker, rows[name], most[name]) for name in rows}

    @staticmethod
    def _long(recording: np.ndarray) -> np.ndarray:
        """A recording, repeated if it is shorter than a piece."""
        return np.tile(recording, (-(-N_FRAMES // len(recording)), 1)) if len(recording) < N_FRAMES else recording

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Cross-entropy of classifying the training people."""
        return Classification.loss(self, outputs, targets, label_smoothing)  # type: ignore[arg-type]

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Embeddings, or the outputs of a network that has none."""
        return getattr(network, "embedding_of", network)(inputs)

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """100 minus the equal error rate of all pairs, in %."""
        return 100 - verification(predictions.double().numpy(), targets.numpy()).eer

    def _file(self) -> Path:
        """The file in the folder of data sets, or else in the folder of published data."""
        if (own := datasets_folder() / self.name / FILE).is_file():
            return own
        try:
            return find_made(FILE, "librispeech-mel", "")
        except FileNotFoundError as error:
            raise self.missing(str(error).split(":")[0]) from None


class MadeUpSpeakers(LibriSpeakers):
    """The same question on noise: each of 60 people colours the same few hidden movements differently."""

    def __init__(self) -> None:
        StoredTask.__init__(self, "made-up-speakers", "")

    def read(self) -> dict[str, Pieces]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        rng = np.random.default_rng(0)
        speaker = np.concatenate([np.arange(50), np.repeat(np.arange(50, 60), 4)])
        common, own = rng.normal(size=(24, 6)), rng.normal(size=(60, 24, 6))
        recordings = [self._recording(common + own[person], rng) for person in speaker]
        rows = {"train": np.arange(40), "validation": np.arange(40, 50), "test": np.arange(50, 90)}
        return {name: _pieces(recordings, speaker, rows[name], 1 if name == "test" else 4) for name in rows}

    @staticmethod
    def _recording(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Four pieces ``(frames, bands)`` of hidden movements that take some frames each, with noise."""
        movements = np.repeat(rng.normal(size=(N_FRAMES, 6)), 4, axis=0)
        return movements @ colours.T + rng.normal(size=(4 * N_FRAMES, 24))


def _pieces(recordings: list[np.ndarray], speaker: np.ndarray, rows: np.ndarray, most: int) -> Pieces:
    """Pieces of some recordings that do not overlap, at most a given number from each; people are numbered from 0."""
    numbers = np.unique(speaker[rows], return_inverse=True)[1]
    found = [
        (row, start, number)
        for row, number in zip(rows, numbers, strict=True)
        for start in range(0, len(recordings[row]) - N_FRAMES + 1, N_FRAMES)[:most]
    ]
    places = np.array(found, dtype=np.int64)
    return Pieces(recordings, places[:, :2], places[:, 2])
