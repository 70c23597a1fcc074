from collections import Counter

import numpy as np
import pytest
import torch
from num2words import num2words

from nastoolkit.families import FAMILIES
from nastoolkit.families.translator import EOS, PAD
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import load_supernet
from nastoolkit.tasks import SPLITS, number_words
from nastoolkit.tasks.number_words import GERMAN, N_DIGITS, N_NUMBERS, VOCABULARY, NumberWords, english, german_pieces

TASK, NAME = NumberWords(), "number-words-transformer"


def english_words(tokens):
    return [" ".join(VOCABULARY[token] for token in row if token not in (PAD, EOS)) for row in tokens.tolist()]


def test_pieces_join_to_the_german_word():
    rng = np.random.default_rng(0)
    random = [rng.integers(10 ** (n_digits - 1), 10**n_digits, size=500).tolist() for n_digits in N_DIGITS]
    round_ones = [digit * 10**zeros for digit in range(1, 10) for zeros in range(9)]
    for number in [*range(1, 1001), *sum(random, []), *round_ones, 777_777_777]:
        word = num2words(number, lang="de")
        pieces = german_pieces(word)
        assert "".join(pieces) == word and set(pieces) <= set(GERMAN) and len(pieces) < number_words.TARGET_LENGTH


@pytest.mark.parametrize(
    ("number", "words", "pieces"),
    [
        (1, "one", "eins"),
        (123, "one hundred twenty-three", "ein|hundert|drei|und|zwan|zig"),
        (1016, "one thousand sixteen", "ein|tausend|sech|zehn"),
        (
            66_637,
            "sixty-six thousand six hundred thirty-seven",
            "sechs|und|sech|zig|tausend|sechs|hundert|sieben|und|drei|ßig",
        ),
        (1_000_000, "one million", "eine| Million"),
        (2_000_001, "two million one", "zwei| Millionen| |eins"),
    ],
)
def test_numbers_are_spelt_as_they_should_be(number, words, pieces):
    assert english(number) == words and german_pieces(num2words(number, lang="de")) == pieces.split("|")


def test_the_longest_numbers_just_fit():
    assert len(english(777_777_777).replace("-", " ").split()) + 1 == number_words.SOURCE_LENGTH
    assert len(german_pieces(num2words(777_777_777, lang="de"))) + 1 == number_words.TARGET_LENGTH


def test_the_vocabulary_has_every_token_once_and_no_idle_one():
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    (source, _), targets = TASK.split("train").inputs, TASK.split("train").targets
    used = {VOCABULARY[token] for token in torch.cat([source, targets], dim=1).unique().tolist()}
    assert set(VOCABULARY) - used <= {"<bos>", "<unk>", "eine", " Million"}
    assert VOCABULARY[PAD] == "<pad>" and VOCABULARY[EOS] == "<eos>"


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_spells_its_numbers_in_both_languages(name):
    (source, _), targets = TASK.split(name).inputs, TASK.split(name).targets
    chosen = number_words.numbers(name)
    assert number_words.german_words(targets) == [num2words(number, lang="de") for number in chosen]
    assert english_words(source) == [english(number).replace("-", " ") for number in chosen]


def test_every_number_is_in_one_split_alone():
    chosen = {name: number_words.numbers(name) for name in SPLITS}
    everything = [number for numbers in chosen.values() for number in numbers]
    assert len(set(everything)) == len(everything) and set(range(1, 100)) <= set(chosen["train"])
    for name in SPLITS:
        for n_digits in N_DIGITS:
            assert sum(len(str(number)) == n_digits for number in chosen[name]) == N_NUMBERS[name]


def test_a_batch_shows_numbers_of_the_training_split_alone():
    (source, _), allowed = TASK.batch(step=0, size=500).inputs, TASK.split("train").inputs[0]
    known = {row.numpy().tobytes() for row in allowed}
    drawn = [row.numpy().tobytes() for row in source]
    assert set(drawn) <= known and len(set(drawn)) > 200


def test_the_decoder_reads_what_it_should_have_said_before():
    (_, target_in), targets = TASK.split("validation").inputs, TASK.split("validation").targets
    for fed, wanted in zip(target_in.tolist(), targets.tolist(), strict=True):
        end = wanted.index(EOS)
        assert fed[0] == EOS and fed[1 : end + 1] == wanted[:end] and set(fed[end + 1 :]) <= {PAD}


def test_the_loss_is_the_mean_over_tokens_that_are_no_padding():
    targets = TASK.batch(step=0, size=9).targets
    logits = torch.randn(*targets.shape, len(VOCABULARY), generator=torch.Generator().manual_seed(0))
    losses = -logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    torch.testing.assert_close(TASK.loss(logits, targets), losses[targets != PAD].mean())


def test_predictions_come_from_the_source_alone():
    supernet = load_supernet(NAME)
    network = supernet.extract(supernet.family.space.smallest)
    source, target_in = TASK.split("test")[:20].inputs
    found = TASK.predict(network, (source, target_in))
    assert found.shape == (20, number_words.TARGET_LENGTH)
    assert torch.equal(found, TASK.predict(network, (source, torch.zeros_like(target_in))))
    assert not torch.equal(found, TASK.predict(network, (source.flip(0), target_in)))


def test_the_family_has_the_sizes_of_the_task():
    table = FAMILIES[NAME]().table
    assert (table.vocabulary, table.source_vocabulary) == (len(VOCABULARY), None)
    assert (table.source_length, table.target_length) == (number_words.SOURCE_LENGTH, number_words.TARGET_LENGTH)


def test_bleu_looks_at_characters_up_to_the_end():
    targets = TASK.split("test").targets[:50]
    behind = targets.masked_fill(targets == PAD, VOCABULARY.index("ein"))
    assert TASK.score(behind, targets) == pytest.approx(100)
    one_piece_wrong = targets.clone()
    one_piece_wrong[:, 0] = VOCABULARY.index("zwei")
    assert 80 < TASK.score(one_piece_wrong, targets) < 100
    assert TASK.score(torch.full_like(targets, PAD), targets) < 1


def test_bleu_in_closed_form():
    said, wanted = "einhundert", "eintausendeins"
    tokens = torch.full((2, 5), PAD)
    for row, word in zip(tokens, (said, wanted), strict=True):
        ids = [*map(VOCABULARY.index, german_pieces(word)), EOS]
        row[: len(ids)] = torch.tensor(ids)
    precisions = [clipped_precision(said, wanted, n) for n in range(1, 5)]
    assert precisions[3] == 0
    precisions[3] = 1 / (2 * (len(said) - 3))  # sacrebleu's exponential smoothing
    expected = 100 * np.exp(1 - len(wanted) / len(said)) * np.prod(precisions) ** 0.25
    assert TASK.score(tokens[:1], tokens[1:]) == pytest.approx(expected)


def clipped_precision(said, wanted, n):
    """Share of the n-grams said that are in the wanted word, each of which counts once."""
    grams, left = ([word[i : i + n] for i in range(len(word) - n + 1)] for word in (said, wanted))
    return sum((Counter(grams) & Counter(left)).values()) / len(grams)


def test_accuracy_measures_bleu_on_this_task(supernet_of):
    supernet = supernet_of(FAMILIES[NAME]())
    supernet.eval()
    ends = np.stack([supernet.family.space.smallest, supernet.family.space.largest])
    accuracy = Accuracy(supernet, TASK, "validation", batch_size=100)
    values = accuracy(ends)
    assert values.shape == (2, 1) and (values >= 0).all() and (values < 50).all()
    assert accuracy.settings["measurement"] == "bleu" and accuracy.settings["task"] == "number-words"
