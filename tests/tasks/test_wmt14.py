import math
import re
from dataclasses import replace

import pytest
import torch

from nastoolkit.families.hat import NUMBER_WORDS, HATFamily
from nastoolkit.families.translator import EOS, PAD
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import load_supernet
from nastoolkit.tasks import MissingDataError
from nastoolkit.tasks.beam_search import BeamSearch
from nastoolkit.tasks.translation import up_to_end
from nastoolkit.tasks.wmt14 import LENGTH, UNKNOWN, Dictionary, Wmt14

N_WORDS = 14  # with the special ones, of the stand-in


@pytest.fixture
def folder(tmp_path, translations):
    translations(tmp_path / "wmt14-en-de", 50, 20)
    return tmp_path / "wmt14-en-de"


@pytest.fixture
def task(folder):
    return Wmt14(folder)


def tokens(dictionary, *sentences):
    return dictionary.tokens(list(sentences))


def test_numbers_are_those_of_fairseq():
    dictionary = Dictionary(["the 10", "hou@@ 7", "se 7", "madeupWort0000 0"])
    (row,) = tokens(dictionary, "the hou@@ se se mouse").tolist()
    assert len(dictionary) == 8 and row[:6] == [4, 5, 6, 6, UNKNOWN, EOS] and set(row[6:]) == {PAD} and len(row) == LENGTH


@pytest.mark.parametrize(
    ("text", "words"),
    [("hou@@ se", "house"), ("se hou@@ hou@@ se se", "se houhouse se"), ("se hou@@", "se hou"), ("", ""), ("x", "<unk>")],
)
def test_subwords_join_to_words(text, words):
    dictionary = Dictionary(["hou@@ 7", "se 7"])
    assert dictionary.sentences(tokens(dictionary, text)) == [words]


def test_what_stands_behind_the_end_is_not_read():
    dictionary = Dictionary(["a 7", "b 7"])
    assert dictionary.sentences(torch.tensor([[4, EOS, 5, 5], [5, 5, 4, 4], [EOS, PAD, PAD, PAD]])) == ["a", "b b a a", ""]


def test_a_dictionary_of_another_network_is_no_riddle():
    with pytest.raises(ValueError, match=r"no token 9 in a dict.en.txt of 6: the network has another one"):
        Dictionary(["a 7", "b 7"]).sentences(torch.tensor([[9]]))


def test_a_line_ends_where_its_file_says_and_nowhere_else(folder):
    for language in ("en", "de"):
        (folder / f"newstest2013.tok.bpe.32000.{language}").write_text("Wort0 \u2028 \x85 Wort1\nWort2\n")
    first, second = Wmt14(folder).split("validation").targets.tolist()
    assert first[:3] == [4, 5, EOS] and second[:2] == [6, EOS]


def test_long_sentences_are_cut_and_keep_their_end(task):
    (row,) = task._dictionary.tokens(["Wort0 " * 999]).tolist()
    assert len(row) == LENGTH and row[-1] == EOS and EOS not in row[:-1]


def test_the_decoder_reads_what_it_should_have_said_before(task):
    batch = next(task.split("validation").batches(100))
    for fed, wanted in zip(batch.inputs[1].tolist(), batch.targets.tolist(), strict=True):
        end = wanted.index(EOS)
        assert fed[0] == EOS and fed[1 : end + 1] == wanted[:end] and set(fed[end + 1 :]) <= {PAD}


def bleu(task, said, wanted):
    return task.score(*(tokens(task._dictionary, *texts) for texts in (said, wanted)))


def test_bleu_in_closed_form(task):
    said, wanted = "Wort0 Wort1 Wort2 Wort3 Wort4 Wort5", "Wort0 Wort1 Wort2 Wort3 Wort4 Wort6 Wort7"
    precisions = [5 / 6, 4 / 5, 3 / 4, 2 / 3]
    assert bleu(task, [said], [wanted]) == pytest.approx(100 * math.exp(1 - 7 / 6) * math.prod(precisions) ** 0.25)
    assert bleu(task, [wanted, said], [wanted, said]) == pytest.approx(100)


def test_compounds_count_as_several_words(folder):
    with (folder / "dict.en.txt").open("a") as file:
        file.write("xx-xx 1\nxx-yy 1\n- 1\n")
    said, wanted = "Wort0 Wort1 xx-xx Wort2 -", "Wort0 Wort1 xx-yy Wort2 -"  # 7 words each, taken apart
    precisions = [6 / 7, 4 / 6, 2 / 5, 1 / 4]
    assert bleu(Wmt14(folder), [said], [wanted]) == pytest.approx(100 * math.prod(precisions) ** 0.25)


def test_an_unknown_word_is_none_that_is_wanted(task):
    wanted = "Wort0 Wort1 Wort2 Wort3 never-seen"
    assert bleu(task, [wanted], [wanted]) < 100


@pytest.fixture(scope="module")
def supernet():
    """One that translates something, as random ones do not: these words are its numbers."""
    return load_supernet("number-words-transformer").eval()


@pytest.fixture
def numbers(folder, supernet):
    """The task with as many words as the supernet has."""
    with (folder / "dict.en.txt").open("a") as file:
        file.writelines(f"more{i} 1\n" for i in range(supernet.family.table.vocabulary - N_WORDS))
    task = Wmt14(folder)
    task.search = BeamSearch(12, eos=EOS, pad=PAD, beam=4)
    return task


def test_padding_behind_the_longest_source_changes_no_translation(numbers, supernet):
    network = supernet.extract(supernet.family.space.largest)
    batch = next(numbers.split("test").batches(100))
    said = numbers.predict(network, batch.inputs)
    assert torch.equal(said, numbers.search(network, batch.inputs[0])) and len(said.unique(dim=0)) > 10


def test_accuracy_is_the_bleu_of_sentences_translated_one_by_one(numbers, supernet):
    network, split = supernet.extract(supernet.family.space.largest), numbers.split("validation")
    alone = torch.cat([numbers.predict(network, sentence.inputs) for sentence in split.batches(1)])
    wanted = [" ".join(numbers._dictionary.words[token] for token in row) for row in up_to_end(alone)]
    file = numbers.folder / "newstest2013.tok.bpe.32000.de"
    file.write_text("\n".join([*wanted[:-3], "another", "one", "here"]))
    accuracy = Accuracy(supernet, Wmt14(numbers.folder), "validation", batch_size=7)
    accuracy.task.search = numbers.search
    value = accuracy(supernet.family.space.largest)
    assert value == accuracy.task.score(alone, accuracy.task.split("validation").targets) and 50 < value < 100
    assert accuracy.settings["measurement"] == "bleu" and len(alone.unique(dim=0)) > 10


def test_a_network_of_a_smaller_dictionary_is_told(task, supernet_of):
    family = HATFamily("hat-wmt", replace(NUMBER_WORDS, vocabulary=N_WORDS - 1))
    network = supernet_of(family).eval().extract(family.space.smallest)
    with pytest.raises(ValueError, match=r"dict.en.txt has 14 words, the network \[13\]: it has another one"):
        task.predict(network, next(task.split("test").batches(2)).inputs)


def test_what_is_missing_is_named_with_where_it_comes_from(tmp_path, folder):
    (folder / "dict.en.txt").unlink()
    (folder / "newstest2014.tok.bpe.32000.de").unlink()
    with pytest.raises(MissingDataError, match=r"no newstest2014.tok.bpe.32000.de, dict.en.txt in .*\n.*google.*dropbox"):
        Wmt14(folder).split("validation")


def test_what_is_no_text_is_refused(folder):
    (folder / "dict.en.txt").write_bytes(b"\xff\xfe 7\n")
    with pytest.raises(MissingDataError, match=r"dict.en.txt is not a text in UTF-8"):
        Wmt14(folder).split("validation")


def test_files_of_different_lengths_are_refused(folder):
    with (folder / "newstest2013.tok.bpe.32000.de").open("a") as file:
        file.write("Wort0\n")
    with pytest.raises(MissingDataError, match=re.escape("have 20 and 21 lines: one of them is not whole")):
        len(Wmt14(folder).split("validation"))
