from itertools import product

import numpy as np
import pytest
import torch

from nastoolkit.tasks.beam_search import BeamSearch

N_TOKENS, LENGTH, PAD, EOS = 5, 4, 1, 2
WORDS = (0, 3, 4)
SEQUENCES = [(*words, EOS) for n_words in range(LENGTH) for words in product(WORDS, repeat=n_words)]


class Toy:
    """Gives random logits for every prefix of every source, which is a number; counts the sources it is asked about."""

    def __init__(self, spread=1.5, ends_after=None):
        self.spread, self.ends_after, self.n_asked = spread, ends_after, []

    def encode(self, source):
        return [source.double(), source[:, 0]]

    def decode(self, target, memories, source, last=False):
        assert torch.equal(memories[0], source.double()) and torch.equal(memories[1], source[:, 0])
        self.n_asked.append(len(set(source.flatten().tolist())))
        return torch.stack([self.logits(row, int(number)) for row, number in zip(target.tolist(), source[:, 0], strict=True)])

    def logits(self, prefix, number):
        rows = [np.random.default_rng([number, *prefix[: end + 1]]).normal(size=N_TOKENS) for end in range(len(prefix))]
        logits = self.spread * torch.tensor(np.array(rows))
        if self.ends_after is not None:
            logits[self.ends_after[number] :, EOS] += 100
        return logits

    def score(self, sequence, number, length_penalty):
        log_probs = self.logits([EOS, *sequence[:-1]], number).log_softmax(-1)
        return float(log_probs[range(len(sequence)), sequence].sum()) / len(sequence) ** length_penalty


def search(beam, length_penalty=0.6):
    return BeamSearch(LENGTH, eos=EOS, pad=PAD, beam=beam, length_penalty=length_penalty)


def padded(sequence):
    return [*sequence, *[PAD] * (LENGTH - len(sequence))]


def greedy(toy, number):
    sequence = []
    while len(sequence) < LENGTH - 1:
        logits = toy.logits([EOS, *sequence], number)[-1]
        logits[PAD] = -torch.inf
        sequence.append(int(logits.argmax()))
        if sequence[-1] == EOS:
            return sequence
    return [*sequence, EOS]


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 2.0])
def test_a_beam_as_wide_as_there_are_sequences_finds_the_best_of_all(length_penalty):
    toy, source = Toy(), torch.arange(8)[:, None]
    found = search(len(SEQUENCES), length_penalty)(toy, source)
    best = [max(SEQUENCES, key=lambda sequence: toy.score(sequence, number, length_penalty)) for number in range(8)]
    assert found.tolist() == [padded(sequence) for sequence in best]
    assert len({len(sequence) for sequence in best}) > 1 or length_penalty != 0.6


def test_a_beam_of_one_is_greedy():
    toy, source = Toy(), torch.arange(40)[:, None]
    expected = [padded(greedy(toy, number)) for number in range(40)]
    assert search(1)(toy, source).tolist() == expected
    assert {row.index(EOS) for row in expected} == set(range(LENGTH))


def test_wider_beams_find_better_translations():
    toy, source = Toy(), torch.arange(30)[:, None]

    def mean_score(beam):
        rows = search(beam, length_penalty=0.0)(toy, source).tolist()
        return np.mean([toy.score(row[: row.index(EOS) + 1], number, 0.0) for number, row in enumerate(rows)])

    scores = [mean_score(beam) for beam in (1, 3, len(SEQUENCES))]
    assert scores[0] < scores[1] <= scores[2]


def test_a_larger_penalty_gives_longer_translations():
    toy, source = Toy(), torch.arange(30)[:, None]
    lengths = [(search(5, penalty)(toy, source) != PAD).sum().item() for penalty in (0.0, 1.0, 3.0)]
    assert lengths[0] < lengths[1] < lengths[2]


def test_a_translation_depends_on_its_own_source_alone():
    toy, source = Toy(), torch.arange(20)[:, None]
    together = search(3)(toy, source)
    assert torch.equal(together, torch.cat([search(3)(toy, source[start : start + 3]) for start in range(0, 20, 3)]))
    assert torch.equal(together.flip(0), search(3)(toy, source.flip(0)))


def test_every_translation_is_words_an_end_and_padding():
    for row in search(2)(Toy(spread=4.0), torch.arange(50)[:, None]).tolist():
        end = row.index(EOS)
        assert set(row[:end]) <= set(WORDS) and set(row[end + 1 :]) <= {PAD}


def test_sources_that_are_done_are_not_decoded_on():
    toy = Toy(ends_after=[0, 1, 1, 2])
    found = search(2)(toy, torch.arange(4)[:, None])
    assert [row.index(EOS) for row in found.tolist()] == [0, 1, 1, 2]
    assert toy.n_asked == [4, 3, 1]
