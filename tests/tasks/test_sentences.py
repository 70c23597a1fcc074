"""Sentences with ratings: which split and which class each is in, and files that are missing or no such."""

import re

import pytest

from nastoolkit.published import DATA_SETS
from nastoolkit.tasks import SPLITS, TASKS, MissingDataError, load_task
from nastoolkit.tasks.sentences import CLEAR, EDITIONS, Sentence, in_splits, vader_sentences

VADER = [f"vader-{edition}" for edition in EDITIONS]


@pytest.fixture
def folder(tmp_path, monkeypatch, rated_sentences):
    for name in ("NASTOOLKIT_DATASETS", "NASTOOLKIT_DATA", "NASTOOLKIT_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "cache" if name == "NASTOOLKIT_CACHE" else tmp_path))
    rated_sentences(tmp_path / "vader", 60)
    return tmp_path / "vader"


def test_no_text_is_in_two_splits_and_a_review_in_one(folder):
    found = vader_sentences(TASKS["vader-nyt"]())
    texts, groups = ([{key(one) for one in found[name]} for name in SPLITS] for key in (text_of, group_of))
    assert sum(map(len, texts)) == len(set().union(*texts)) == 4 * 60
    assert sum(map(len, groups)) == len(set().union(*groups)) == 2 * 60 + 2 * 20
    assert [len([one for one in found[name] if one.edition == "movies"]) for name in SPLITS] == [42, 6, 12]


def text_of(sentence):
    return sentence.text


def group_of(sentence):
    return sentence.edition, sentence.group


def test_a_text_of_several_editions_is_in_the_test_split_alone():
    def of(edition, n):
        return [Sentence(edition, str(group), 1.0, f"text {group}") for group in range(n)]

    found = in_splits(of("tweets", 40) + of("nyt", 40))
    texts = [{one.text for one in found[name]} for name in SPLITS]
    assert sum(map(len, texts)) == sum(map(len, found.values())) == len(set().union(*texts)) == 40


def test_ratings_near_zero_are_of_no_class(folder):
    task = load_task("vader-movies")
    for name in SPLITS:
        clear = [one for one in vader_sentences(task)[name] if one.edition == "movies" and abs(one.rating) >= CLEAR]
        assert task.split(name).targets.tolist() == [one.rating > 0 for one in clear]
        said = task.vocabulary.texts(task.split(name).inputs[0].tolist())
        assert said == [one.text.lower() for one in clear]


def test_all_editions_and_the_masked_words_have_one_vocabulary(folder):
    tasks = [TASKS[name]() for name in (*VADER, "masked-vader")]
    assert len({task.vocabulary.fingerprint for task in tasks}) == 1
    (folder / EDITIONS["nyt"]).write_text("1_1\t0.5\tOther words than before.")
    assert TASKS["vader-movies"]().vocabulary.fingerprint != tasks[0].vocabulary.fingerprint


@pytest.mark.parametrize("line", ["1 2.0 no tabs", "1\tgood\tno number", "1\t2.0\ttoo\tmany"])
def test_a_line_that_is_none_is_named(folder, line):
    (folder / EDITIONS["tweets"]).write_text(f"1\t2.0\tFine.\n{line}\n")
    with pytest.raises(
        MissingDataError, match=r"task 'vader-movies': line 2 of .*tweets_GroundTruth.txt is not an id, a rating"
    ):
        TASKS["vader-movies"]().split("train")


def test_an_edition_that_is_missing_is_named(folder):
    (folder / EDITIONS["nyt"]).unlink()
    with pytest.raises(MissingDataError, match="there is no nytEditorialSnippets_.* in .*\n.*nastoolkit fetch vader"):
        TASKS["vader-nyt"]().split("train")


@pytest.mark.parametrize("name", ["vader-amazon", "masked-vader", "tatoeba-en-de"])
def test_data_that_are_nowhere_are_told_with_the_way_to_get_them(tmp_path, monkeypatch, name):
    for variable in ("NASTOOLKIT_DATASETS", "NASTOOLKIT_DATA", "NASTOOLKIT_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path))
    source = "tatoeba-en-de" if "tatoeba" in name else "vader"
    with pytest.raises(MissingDataError, match=f"task '{name}': .* is not at .*\n.*nastoolkit fetch {source}"):
        TASKS[name]().split("test")


def test_another_file_than_the_published_one_is_told(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path / "nowhere"))
    (folder / next(iter(DATA_SETS["vader"].sha256))).write_text("changed")
    with pytest.raises(MissingDataError, match=re.escape("_README_.txt is not the published file")):
        TASKS["vader-movies"]().split("train")


def test_the_published_sentences(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    found = vader_sentences(TASKS["vader-movies"]())
    counts = {name: [sum(one.edition == edition for one in found[name]) for edition in EDITIONS] for name in SPLITS}
    assert {name: sum(of_split) for name, of_split in counts.items()} == {"train": 16484, "validation": 2355, "test": 4780}
    clear = [one for name in SPLITS for one in found[name] if one.edition == "movies" and abs(one.rating) >= CLEAR]
    assert len(clear) == 10_070 and 0.49 < sum(one.rating > 0 for one in clear) / len(clear) < 0.51
