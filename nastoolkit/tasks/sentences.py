"""Is a sentence positive or negative? Films, tweets, products and newspapers, rated by people for VADER.

[Hutto2014] C. J. Hutto and E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text",
ICWSM 2014: four editions, in which every sentence has the mean of 20 ratings from -4 to 4.

Differs from the paper in: a sentence belongs to one of two classes only if its rating is at least 0.5 away from 0. Sentences
of the same review or article are in the same split, and no sentence is in two splits, in any edition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import Path

import numpy as np
import torch

from nastoolkit.published.sources import find
from nastoolkit.tasks.base import SPLITS, Classification, Split
from nastoolkit.tasks.data_sets import StoredTask, datasets_folder
from nastoolkit.tasks.vocabulary import Vocabulary, sentence_inputs, vocabulary_of

EDITIONS = {
    "movies": "movieReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
    "nyt": "nytEditorialSnippets_GroundTruth.txt",
}
CLEAR = 0.5  # least distance from 0 of a rating that is of a class
HELD_OUT = {"test": 0.2, "validation": 0.1}  # shares of reviews, articles, or single sentences
LENGTH = 48  # tokens of a sentence, its start and its end included; one film sentence in twenty has more


@dataclass(frozen=True)
class Sentence:
    """A sentence with its rating, its edition, and the review or article that it comes from."""

    edition: str
    group: str
    rating: float
    text: str


class Vader(StoredTask, Classification):
    """Sentences of one edition ([Hutto2014]): positive is 1, negative 0.

    Inputs are ``(input_ids, attention_mask, token_type_ids)``, int64 ``(n, 48)``. The vocabulary is learned from the training
    sentences of all editions, so it is the same for all, and for ``masked-vader``.

    Attributes:
        edition: A key of ``EDITIONS``.
    """

    edition: str

    def __init__(self) -> None:
        super().__init__(f"vader-{self.edition}", VADER_REMEDY)

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        return {name: self._examples(self._sentences[name]) for name in SPLITS}

    def _examples(self, sentences: list[Sentence]) -> Split:
        clear = [one for one in sentences if one.edition == self.edition and abs(one.rating) >= CLEAR]
        rows = self.vocabulary.numbers([one.text for one in clear])
        return Split(sentence_inputs(rows, LENGTH), torch.tensor([one.rating > 0 for one in clear]).long())

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The task's vocabulary."""
        return vocabulary_of([one.text for one in self._sentences["train"]])

    @cached_property
    def _sentences(self) -> Mapping[str, list[Sentence]]:
        return vader_sentences(self)


class VaderMovies(Vader):
    """Sentences of film reviews from Rotten Tomatoes."""

    edition = "movies"


class VaderTweets(Vader):
    """Tweets."""

    edition = "tweets"


class VaderAmazon(Vader):
    """Sentences of product reviews."""

    edition = "amazon"


class VaderNyt(Vader):
    """Sentences of editorials of the New York Times."""

    edition = "nyt"


VADER_REMEDY = "Download the originals with `nastoolkit fetch vader`, or name the folder that has them: NASTOOLKIT_DATA=DIR"


def vader_sentences(task: StoredTask) -> dict[str, list[Sentence]]:
    """All sentences of all editions by split, including neutral ones."""
    files = text_files(task, "vader", EDITIONS.values())
    return in_splits([one for edition, file in EDITIONS.items() for one in rated(task, edition, files[file])])


def text_files(task: StoredTask, name: str, wanted: Collection[str]) -> Mapping[str, Path]:
    """Files of a data set: those in the folder of data sets as they are, or else the published ones.

    Raises:
        MissingDataError: Files are missing, or differ from the published ones.
    """
    folder = datasets_folder() / name
    if folder.is_dir():
        if absent := [file for file in wanted if not (folder / file).is_file()]:
            raise task.missing(f"there is no {', '.join(absent)} in {folder}")
        return {file: folder / file for file in wanted}
    try:
        return find(name)
    except (FileNotFoundError, ValueError) as error:
        raise task.missing(str(error).split("\n")[0].rstrip(".")) from None


def in_splits(sentences: list[Sentence]) -> dict[str, list[Sentence]]:
    """Sentences by split: those of a group stay together, and each text occurs once."""
    groups = {edition: {one.group for one in sentences if one.edition == edition} for edition in EDITIONS}
    split_of = {(edition, group): name for edition, of in groups.items() for group, name in held_out(of).items()}
    seen = set[str]()
    found = dict[str, list[Sentence]]()
    for name in reversed(SPLITS):
        found[name] = [one for one in sentences if split_of[one.edition, one.group] == name and one.text not in seen]
        found[name] = list({one.text: one for one in found[name]}.values())
        seen |= {one.text for one in found[name]}
    return found


def held_out(groups: Collection[str]) -> dict[str, str]:
    """The split of each group, always the same."""
    order = np.random.default_rng(0).permutation(sorted(groups)).tolist()
    ends = np.round(np.cumsum(list(HELD_OUT.values())) * len(order)).astype(int)
    parts = zip((*HELD_OUT, "train"), np.split(order, ends), strict=True)
    return {group: name for name, part in parts for group in part.tolist()}


def rated(task: StoredTask, edition: str, file: Path) -> Iterator[Sentence]:
    """The sentences of a file, whose lines have an id, a rating and a text; ids start with the review's number, if any."""
    for number, line in enumerate(file.read_bytes().decode(errors="replace").rstrip().split("\n"), start=1):
        try:
            name, rating, text = line.split("\t")
            text = " ".join(unescape(text).split())
            yield Sentence(edition, name.split("_")[0] if "_" in name else text, float(rating), text)
        except ValueError:
            raise task.missing(
                f"line {number} of {file} is not an id, a rating and a text with tabs between: {line!r:.80}"
            ) from None
