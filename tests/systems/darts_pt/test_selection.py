"""Masks that are not renormalised, picks by closed forms, and what is told of each operation."""

import numpy as np
import pytest
import torch

from nastoolkit.supernets.mixtures import without
from nastoolkit.systems.darts_pt import by_magnitude, by_perturbation, pick, pick_step_by_step, strengths

EDGE = "node2.input0"


def told(search, monkeypatch, answer):
    """Have a search judge shares by a function of them, and note them."""
    seen = []
    monkeypatch.setattr(search, "judged", lambda shares: (seen.append(shares), answer(shares))[1])
    return seen


def test_a_masked_share_is_zero_and_not_given_to_the_others(search_of, monkeypatch):
    search = search_of()
    search.train(2)
    seen, before = told(search, monkeypatch, lambda shares: (0.0, 0.0)), search.shares()
    by_perturbation(search, EDGE)
    for option, shares in enumerate(seen):
        assert shares[EDGE][option] == 0 and shares[EDGE][1 - option] == before[EDGE][1 - option]
        assert shares[EDGE].sum() < 1
        assert all(torch.equal(shares[edge], before[edge]) for edge in before if edge != EDGE)
    assert len(seen) == 2


@pytest.mark.parametrize("missed", [0, 1])
def test_the_operation_that_is_missed_most_is_kept_whatever_its_alpha(missed, search_of, monkeypatch):
    search = search_of()
    search.logits.values[search.logits.names.index(EDGE)].data = torch.tensor([0.0, 3.0])
    told(search, monkeypatch, lambda shares: (50.0 + 10 * float(shares[EDGE][missed] > 0), -1.0))
    assert by_perturbation(search, EDGE) == missed and by_magnitude(search, EDGE) == 1


@pytest.mark.parametrize("worse", [0, 1])
def test_among_equal_accuracies_the_loss_decides(worse, search_of, monkeypatch):
    search = search_of()
    told(search, monkeypatch, lambda shares: (50.0, -1.0 - float(shares[EDGE][worse] == 0)))
    assert by_perturbation(search, EDGE) == worse


def test_the_largest_alphas_are_picked(search_of):
    search, wanted = search_of(), [0, 1, 1, 0, 1, 0]
    for value, option in zip(search.logits.values, wanted, strict=True):
        value.data[option] = 0.1
    assert pick(search).tolist() == wanted
    assert [by_magnitude(search, edge) for edge in search.logits.names] == wanted


def test_edges_are_decided_one_after_the_other_and_the_search_is_left_as_it_is(search_of):
    search, seen = search_of(), []
    search.train(1)
    before = search.mixture.supernet.fingerprint

    def choose(own, edge):
        seen.append((edge, len(own.decided), own.n_taken, own.mixture.supernet.fingerprint))
        return len(own.decided) % 2

    cell = pick_step_by_step(search, choose, 2)
    edges, n_decided, steps, weights = zip(*seen, strict=True)
    assert sorted(edges) == sorted(search.logits.names) != list(edges) and n_decided == (0, 1, 2, 3, 4, 5)
    assert steps == (1, 3, 5, 7, 9, 11) and len(set(weights)) == 6
    assert cell.tolist() == [edges.index(edge) % 2 for edge in search.logits.names]
    assert search.mixture.supernet.fingerprint == before and not search.decided


def test_each_operation_has_its_share_its_drop_and_its_discretised_accuracy(search_of):
    search = search_of("skip_connect")
    search.train(2)
    alphas = [value.clone() for value in search.logits.values]
    rows = strengths(search, 1)
    assert [(row["edge"], row["option"]) for row in rows] == [(edge, n) for edge in search.logits.names for n in (0, 1)]
    np.testing.assert_allclose(np.reshape([row["share"] for row in rows], (6, 2)).sum(axis=1), 1, rtol=1e-6)
    shares = search.shares()
    whole, masked = search.judged(shares)[0], search.judged(without(shares, rows[3]["edge"], 1))[0]
    assert rows[3]["drop"] == whole - masked
    alone = search.copy()
    alone.decided[rows[3]["edge"]] = 1
    alone.tune(1, learns_alphas=False)
    assert rows[3]["discretised"] == alone.judged(alone.shares())[0]
    assert all(torch.equal(one, other) for one, other in zip(alphas, search.logits.values, strict=True))
