"""Two levels that learn in turns, from examples of their own, and go on alike from a copy."""

import numpy as np
import pytest
import torch


def weights_and_alphas(search):
    return search.mixture.supernet.fingerprint, torch.stack([value.detach() for value in search.logits.values])


def test_both_levels_learn_and_fixed_alphas_stay_at_zero(search_of):
    learnt, fixed = search_of(), search_of(rate=0.0)
    before = learnt.mixture.supernet.fingerprint
    for search in (learnt, fixed):
        search.train(2)
    assert len({before, learnt.mixture.supernet.fingerprint, fixed.mixture.supernet.fingerprint}) == 3
    assert (weights_and_alphas(learnt)[1] != 0).all() and (weights_and_alphas(fixed)[1] == 0).all()


def test_the_levels_and_accuracies_see_different_examples(search_of, monkeypatch):
    search, seen = search_of("skip_connect"), []
    batch = type(search.task).batch
    monkeypatch.setattr(
        type(search.task), "batch", lambda self, *given: (seen.append(set(given[3].tolist())), batch(self, *given))[1]
    )
    search.train(3)
    of_alphas, of_weights = set.union(*seen[::2]), set.union(*seen[1::2])
    assert len(seen) == 6 and not of_alphas & of_weights
    assert not of_weights & set(search.held.rows.tolist()) and len(search.held) == 40


def test_a_copy_goes_on_alike_and_leaves_the_original(search_of):
    search = search_of()
    search.train(2)
    copy, kept = search.copy(), weights_and_alphas(search)
    copy.train(2)
    assert weights_and_alphas(search)[0] == kept[0] and torch.equal(weights_and_alphas(search)[1], kept[1])
    search.train(2)
    (one, alphas), (other, others) = map(weights_and_alphas, (search, copy))
    assert one == other != kept[0] and torch.equal(alphas, others)


def test_a_decided_edge_has_one_operation_whose_alpha_learns_no_more(search_of):
    search = search_of()
    search.decided["node2.input1"] = 1
    search.train(1)
    search.tune(2)
    assert search.shares()["node2.input1"].tolist() == [0, 1] and search.n_taken == 3
    values = dict(zip(search.logits.names, search.logits.values, strict=True))
    assert [name for name, value in values.items() if (value == 0).all()] == ["node2.input1"]
    assert search.of_weights.torch_optimizer.param_groups[0]["lr"] == pytest.approx(0.01)


def test_a_supernet_of_decided_edges_is_the_discrete_network(search_of):
    search, cell = search_of("skip_connect"), np.array([0, 1, 1, 0, 1, 0])
    search.decided = dict(zip(search.logits.names, map(int, cell), strict=True))
    outputs = search.mixture.supernet(search.held.inputs, cell)
    accuracy, minus_loss = search.judged(search.shares())
    assert accuracy == search.task.score(outputs, search.held.targets)
    assert minus_loss == pytest.approx(-search.task.loss(outputs, search.held.targets).item(), rel=1e-5)


def test_accuracies_with_noise_repeat(search_of):
    search = search_of()
    assert search.judged(search.shares()) == search.judged(search.shares())
