"""Sub-words: learned from texts, kept, and the same everywhere; texts are what their tokens say."""

import pytest

from nastoolkit.families.translator import EOS, PAD
from nastoolkit.tasks import vocabulary
from nastoolkit.tasks.vocabulary import MASK, SPECIAL, START, sentence_inputs, vocabulary_of

TEXTS = ["A fresh plot, a dull film", "a fresh film and a fresh plot", "Größe und Maß"] * 3


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_special_tokens_have_the_numbers_of_the_translators():
    assert [SPECIAL.index(name) for name in ("<s>", "<pad>", "</s>", "<mask>")] == [START, PAD, EOS, MASK]


@pytest.mark.parametrize("text", ["a fresh plot", "Größe 中文 🙂", "<s> <mask> </s>", "two\nlines", ""])
def test_any_text_has_tokens_which_say_the_text(text):
    words = vocabulary_of(TEXTS, 300, lower_case=False)
    rows = words.numbers([text])
    assert words.texts(rows) == [text] and all(token >= len(SPECIAL) for token in rows[0])


def test_what_often_stands_together_is_one_token():
    words = vocabulary_of(TEXTS, 300)
    (row, other) = words.numbers(["Fresh film", "fresh film"])
    assert len(row) == 2 and row == other
    assert len(vocabulary_of(TEXTS, 300, lower_case=False).numbers(["Fresh"])[0]) > 1


def test_it_is_learned_once_and_kept(cache, monkeypatch):
    first = vocabulary_of(TEXTS, 300)
    monkeypatch.setattr(vocabulary, "learned", None)
    assert vocabulary_of(TEXTS, 300).fingerprint == first.fingerprint
    with pytest.raises(TypeError):
        vocabulary_of(TEXTS[1:], 300)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe"])
def test_a_damaged_file_is_learned_anew(cache, damage):
    first = vocabulary_of(TEXTS, 300)
    (file,) = cache.glob("vocabulary-*.json")
    file.write_bytes(damage)
    assert vocabulary_of(TEXTS, 300).fingerprint == first.fingerprint
    assert len(file.read_bytes()) > 100


def test_where_nothing_can_be_kept_it_is_learned_at_every_call(cache):
    cache.write_text("a file")
    assert vocabulary_of(TEXTS, 300).fingerprint == vocabulary_of(TEXTS, 300).fingerprint


def test_texts_have_other_vocabularies():
    marks = {vocabulary_of(texts, size).fingerprint for texts in (TEXTS, ["other words"]) for size in (270, 300)}
    assert len(marks) >= 3


def test_sentences_are_cut_and_padded():
    input_ids, mask, types = sentence_inputs([[7, 8, 9, 10], [5], []], 5)
    assert input_ids.tolist() == [[START, 7, 8, 9, EOS], [START, 5, EOS, PAD, PAD], [START, EOS, PAD, PAD, PAD]]
    assert mask.tolist() == [[1] * 5, [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]] and not types.any()
