"""What each level of the search sees and changes, whose turn it is, and what it comes to."""

import numpy as np
import pytest
import torch

from nastoolkit.systems.leastereo.network import CONV, Design, StereoNet, StereoShape
from nastoolkit.systems.leastereo.search import FEATURES, MATCHING, StereoSearch, train
from nastoolkit.tasks.stereograms import Stereograms
from nastoolkit.training import Recipe

SHAPE = StereoShape(layers=(1, 2), n_levels=2, width=2, n_nodes=1, n_joined=1, stride=2, max_disparity=8)
RECIPE = Recipe(6, 2, 0.01, seed=3)


class FewStereograms(Stereograms):
    size = (8, 16)
    n_scenes = {"train": 12, "validation": 3, "test": 3}  # noqa: RUF012


def search_of(logit_rate=0.1, warm_up=0.34, recipe=RECIPE):
    torch.manual_seed(0)
    return StereoSearch(SHAPE, FewStereograms(), recipe, logit_rate, warm_up)


def logits_of(search):
    return [*search.alphas, *search.betas]


def test_weights_and_logits_see_different_halves_and_each_all_of_its_own(monkeypatch):
    search, seen, backward = search_of(), ([], []), StereoSearch._backward

    def noted(self, step, half):
        rows = self.halves[half]
        seen[half].extend(rows.tolist())
        return backward(self, step, half)

    monkeypatch.setattr(StereoSearch, "_backward", noted)
    search.learn()
    assert sorted({*seen[0]} | {*seen[1]}) == list(range(12)) and not set(seen[0]) & set(seen[1])
    assert (len(seen[0]), len(seen[1])) == (6 * 6, 4 * 6)  # logits wait for two of six steps


@pytest.mark.parametrize("still", ["weights", "logits"])
def test_a_level_changes_nothing_of_the_other(still):
    search = search_of(
        logit_rate=0.1 if still == "weights" else 0.0, recipe=RECIPE if still == "logits" else Recipe(6, 2, 0.0)
    )
    before = [parameter.detach().clone() for parameter in search.network.parameters()]
    search.learn()
    same = all(torch.equal(*pair) for pair in zip(before, search.network.parameters(), strict=True))
    assert same == (still == "weights")
    assert any(one.any() for one in logits_of(search)) == (still == "weights")


def test_one_after_the_other_takes_turns(monkeypatch):
    search, states = search_of(warm_up=0.0), []
    backward = StereoSearch._backward

    def noted(self, step, half):
        states.append([bool(one.any()) for one in logits_of(self)])
        return backward(self, step, half)

    monkeypatch.setattr(StereoSearch, "_backward", noted)
    search.learn(((FEATURES,), (MATCHING,)))
    assert states[0] == [False] * 4 and states[2] == [True, False] * 2 and states[6] == [True, False] * 2
    assert states[8] == [True] * 4


def test_a_search_repeats_and_gives_networks_that_can_be_trained():
    one, again = search_of(), search_of()
    one.learn(), again.learn()
    assert one.designs() == again.designs() and all(map(torch.equal, logits_of(one), logits_of(again)))
    features, matching = one.designs()
    assert (len(features.path), len(matching.path), len(features.edges)) == (1, 2, 2)
    network = StereoNet(SHAPE, (features, matching))
    train(network, one.task, RECIPE)
    assert torch.isfinite(network.eval()(one.task.split("test").inputs)).all()


def test_designs_are_those_of_the_logits():
    search = search_of()
    with torch.no_grad():
        search.betas[FEATURES][0, 0, 2] = 5  # from level 0 down
        search.betas[MATCHING][0, 0, 1] = 5  # stay
        search.betas[MATCHING][1, 0, 2] = 5
        search.alphas[FEATURES][:, CONV] = torch.tensor([1.0, -1.0])
    features, matching = search.designs()
    assert features == Design((1,), ((0, 0, CONV), (0, 1, 0))) and matching.path == (0, 1)


def test_training_lowers_the_loss():
    edges, task = ((0, 0, CONV), (0, 1, CONV)), FewStereograms()
    torch.manual_seed(0)
    network, data = StereoNet(SHAPE, (Design((0,), edges), Design((0, 0), edges))), task.split("train")
    before = task.loss(network(data.inputs), data.targets).item()
    train(network, task, Recipe(80, 6, 0.02))
    with torch.no_grad():
        assert task.loss(network(data.inputs), data.targets).item() < 0.9 * before


def test_halves_are_half_of_the_examples():
    halves = search_of().halves
    assert [len(half) for half in halves] == [6, 6] and np.array_equal(np.sort(np.concatenate(halves)), np.arange(12))
