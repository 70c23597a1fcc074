"""Masked words: which tokens are changed and how, and a supernet that learns them first and sentences afterwards."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit import TASKS, Accuracy
from nastoolkit.families import FAMILIES
from nastoolkit.families.bert import SMALL
from nastoolkit.families.masked_bert import MaskedBertFamily, n_masked
from nastoolkit.families.translator import EOS, N_SPECIAL, PAD
from nastoolkit.supernets import Supernet, load_supernet, save_supernet, with_new_head
from nastoolkit.tasks.help_topics import help_topics, windows
from nastoolkit.tasks.masked_words import masked
from nastoolkit.tasks.vocabulary import MASK, SIZE, START, sentence_inputs
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation

SHORT = [[100 + n + place for place in range(n)] for n in (1, 7, 20, 46)]


@pytest.fixture
def small():
    """A supernet that is quickly trained on masked words."""
    table = replace(SMALL, dim=32, dims=(16, 32), head_dim=8, layers=(1, 2), heads=(1, 2), ffn=(16, 32), dropout=0.0)
    return Supernet(MaskedBertFamily("text-bert-words", table))


def train(supernet, task, n_steps, **how):
    recipe = Recipe(n_steps=n_steps, batch_size=16, **how)
    return fit(supernet, task, Sandwich(supernet.family.space, 1), in_place_distillation, recipe, progress=False)


def test_words_alone_are_masked_and_a_seventh_of_them():
    texts = sentence_inputs(SHORT * 200, 48)
    split = masked(texts, np.random.default_rng(0))
    changed, places = split.inputs[0], split.inputs[3]
    assert places.shape == split.targets.shape == (800, n_masked(48))
    assert (split.targets != PAD).sum(1).tolist() == [1, 2, 3, 7] * 200
    told = split.targets != PAD
    own = texts[0].gather(1, places)
    assert torch.equal(own[told], split.targets[told]) and (own[told] >= N_SPECIAL).all()
    kept = torch.ones_like(changed, dtype=torch.bool).scatter_(1, places, False)
    assert torch.equal(changed[kept], texts[0][kept])
    assert torch.equal(changed.gather(1, places)[~told], own[~told])
    assert all(torch.equal(part, twin) for part, twin in zip(split.inputs[1:3], texts[1:], strict=True))


def test_of_the_words_to_tell_most_are_a_mask():
    texts = sentence_inputs([SHORT[3]] * 2000, 48)
    split = masked(texts, np.random.default_rng(0))
    now, told = split.inputs[0].gather(1, split.inputs[3]), split.targets != PAD
    shares = [(what[told]).double().mean().item() for what in (now == MASK, now == split.targets)]
    assert shares == pytest.approx([0.8, 0.1], abs=0.02)
    others = now[told & (now != MASK) & (now != split.targets)]
    assert others.min() >= N_SPECIAL and others.max() < SIZE and len(others.unique()) > 1000


def test_a_text_without_words_has_none_to_tell():
    split = masked(sentence_inputs([[]], 48), np.random.default_rng(0))
    assert (split.targets == PAD).all() and split.inputs[0][0, :3].tolist() == [START, EOS, PAD]


def test_evaluation_has_always_the_same_masks_and_training_new_ones():
    task = TASKS["masked-words"]()
    (one,), (other,) = (list(task.split("test").batches(5, n=5)) for _ in range(2))
    assert torch.equal(one.inputs[0], other.inputs[0])
    rows = np.arange(5)
    assert not torch.equal(task.batch(0, 5, rows=rows).inputs[0], task.batch(1, 5, rows=rows).inputs[0])


def test_what_is_padded_counts_nothing():
    task = TASKS["masked-words"]()
    targets = torch.tensor([[5, 6, PAD], [7, PAD, PAD]])
    logits = torch.randn(2, 3, 10, generator=torch.Generator().manual_seed(0), requires_grad=True)
    task.loss(logits, targets).backward()
    assert (logits.grad.abs().sum(-1) > 0).tolist() == [[True, True, False], [True, False, False]]
    assert task.score(torch.tensor([[5, 9, PAD], [7, PAD, PAD]]), targets) == pytest.approx(200 / 3)


def test_topics_are_cut_without_a_paragraph_in_two():
    found = help_topics()
    assert len({len(of_split) for of_split in found.values()}) == 1
    longest = {name: [" ".join(text.split()[:30]) for text in texts[:12]] for name, texts in found.items()}
    assert not any(piece in " ".join(found["train"]) for piece in longest["test"] + longest["validation"])


def test_windows_do_not_overlap_and_short_rows_are_one():
    assert windows([[1, 2, 3, 4, 5, 6, 7], [8], []], 3) == [[1, 2, 3], [4, 5, 6], [8]]


def test_a_supernet_learns_words_first_and_topics_afterwards(small):
    words, topics = TASKS["masked-words"](), TASKS["help-topics"]()
    losses = train(small, words, 40, learning_rate=3e-3)
    assert losses[-5:].mean() < losses[:5].mean() - 1 and losses[0] == pytest.approx(np.log(SIZE), abs=1)
    assert Accuracy(small, words, n_images=50)(small.family.space.smallest)[0, 0] > 0
    adapted = with_new_head(small, topics.n_classes)
    assert adapted.vocabulary == words.vocabulary.fingerprint == topics.vocabulary.fingerprint
    assert np.isfinite(train(adapted, topics, 2)).all()
    assert Accuracy(adapted, topics, n_images=50)(adapted.family.space.largest).shape == (1, 1)


def test_words_of_another_vocabulary_are_refused_also_after_saving(small, tmp_path, monkeypatch, rated_sentences):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    rated_sentences(tmp_path / "vader", 60)
    monkeypatch.setitem(FAMILIES, "text-bert-words", lambda: small.family)
    train(small, TASKS["masked-words"](), 1)
    loaded = load_supernet("text-bert-words", save_supernet(small, tmp_path / "words.safetensors"))
    assert loaded.vocabulary == small.vocabulary and loaded.fingerprint == small.fingerprint
    before = loaded.fingerprint
    for refused in (lambda: train(loaded, TASKS["masked-vader"](), 1), lambda: Accuracy(loaded, TASKS["masked-vader"]())):
        with pytest.raises(ValueError, match="trained on tokens of another vocabulary than that of task 'masked-vader'"):
            refused()
    with pytest.raises(ValueError, match="another vocabulary"):
        train(with_new_head(loaded, 2), TASKS["vader-movies"](), 1)
    assert loaded.fingerprint == before


def test_a_vocabulary_that_is_too_small_is_told(small):
    family = MaskedBertFamily("text-bert-words", replace(small.family.table, vocabulary=300))
    with pytest.raises(ValueError, match="has 300 tokens, and task 'help-topics' 4,096"):
        train(with_new_head(Supernet(family), 12), TASKS["help-topics"](), 1)


def test_a_supernet_that_tells_words_is_told_how_it_tells_topics(small):
    with pytest.raises(ValueError, match=r"'help-topics' are 12 different ones: with_new_head\(supernet, 12\)"):
        train(small, TASKS["help-topics"](), 1)
