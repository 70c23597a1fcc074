"""Distances between gradients against a dense formula, partitions against brute force, and what cannot be split."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.supernets import Supernets
from nastoolkit.systems.gradient_matching import best_partition, disagreements, matched_split, random_split
from nastoolkit.systems.gradient_matching.ranking import passes_to_split
from nastoolkit.systems.gradient_matching.splitting import SMALLEST_WITHIN, UNSEEN, whole_choices
from nastoolkit.tasks.digits import Digits

FREE, CONVS = ("skip_connect", "avg_pool_3x3"), ("nor_conv_1x1", "nor_conv_3x3")
TABLE = replace(DIGITS, channels=2, image_size=8, n_stages=1, n_nodes=3, operations=FREE + CONVS)
CELLS, TASK = CellsFamily("cells", TABLE), Digits()


def symmetric(numbers, n):
    upper = np.zeros((n, n))
    upper[np.triu_indices(n, 1)] = numbers[: n * (n - 1) // 2]
    return upper + upper.T


@given(st.integers(2, 7), st.lists(st.floats(0, 2), min_size=21, max_size=21))
def test_the_best_partition_is_that_of_brute_force(n, numbers):
    distances, least = symmetric(numbers, n), min(2, n // 2)
    sides = [side for side in product((0, 1), repeat=n) if least <= sum(side) <= n - least]
    pairs = [(a, b) for a in range(n) for b in range(a)]
    within = {side: sum(distances[a, b] for a, b in pairs if side[a] == side[b]) for side in sides}
    group, cut, inside = best_partition(distances)
    assert inside == pytest.approx(min(within.values())) and cut + inside == pytest.approx(np.triu(distances).sum())
    assert within[tuple(int(option in group) for option in range(n))] == pytest.approx(inside) and 2 * len(group) <= n


@pytest.mark.parametrize("n", [0, 1])
def test_one_option_is_not_split(n):
    with pytest.raises(ValueError, match=f"^a split needs at least two options, got {n}$"):
        best_partition(np.zeros((n, n)))


def test_the_choice_is_that_of_the_largest_cut_or_of_the_least_distance_within():
    wide, near = symmetric([0.5, 1, 1, 1, 1, 0.5], 4), symmetric([0.1, 0.6, 0.2, 0.6, 0.2, 0.2], 4)
    assert best_partition(wide) == ([0, 1], 4, 1) and best_partition(near)[1:] == pytest.approx((1.6, 0.3))
    assert matched_split({"wide": wide, "near": near}) == ("wide", [0, 1])
    assert matched_split({"wide": wide, "near": near}, SMALLEST_WITHIN) == ("near", [0, 1])
    with pytest.raises(ValueError, match="^unknown rule 'largest'; known: largest cut, smallest distance within$"):
        matched_split({"wide": wide}, "largest")


def test_distances_are_those_of_a_dense_formula_and_nothing_changes():
    supernets, counted = Supernets(CELLS, seed=1).eval(), []
    supernets.split(0, "node2.input0", FREE)
    before = supernets.fingerprint

    class Counting(Digits):
        def loss(self, *args, **kwargs):
            counted.append(1)
            return super().loss(*args, **kwargs)

    found = disagreements(supernets, 1, Counting(), n_repeats=2, batch_size=4, seed=5)
    assert supernets.fingerprint == before and not supernets.training and all(p.grad is None for p in supernets.parameters())
    assert set(found) == {"node1.input0", "node2.input1"} and len(counted) == 2 * (2 * 3 + 1)
    supernets.train()
    for repeat, (name, distances) in product(range(2), found.items()):
        (path,) = CELLS.space.restrict({"node2.input0": CONVS}).sample(1, np.random.default_rng([5, repeat]))
        batch, rows = TASK.batch(UNSEEN + repeat, 4, 5).at((1, 8, 8)), []
        for option in range(4):
            path[CELLS.space.names.index(name)] = option
            supernets.zero_grad()
            TASK.loss(supernets(batch.inputs, path), batch.targets).backward()
            others = [p for key, p in supernets.shared[1].named_parameters() if f".{name}." not in key]
            rows.append(torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in others]))
        wanted = [[1 - torch.cosine_similarity(a, b, 0).item() for a in rows] for b in rows]
        np.testing.assert_allclose(distances[repeat], wanted, atol=1e-5)


def test_the_passes_that_splits_take_are_known_before():
    assert passes_to_split(CELLS, 1, 5) == 5 * (3 * 3 + 1)
    assert passes_to_split(CELLS, 2, 5) == 5 * (3 * 3 + 1) + 2 * 5 * (2 * 3 + 1)


def test_a_choice_is_split_once_and_a_copy_without_a_whole_one_is_refused():
    supernets = Supernets(CELLS)
    for left in (2, 1, 0):
        name, group = random_split(supernets, 0, np.random.default_rng(left))
        assert len(group) == 2
        supernets.split(0, name, [CELLS.space.choices[0].options[place] for place in group])
        if left:
            assert len(whole_choices(supernets, 0)) == left and name not in whole_choices(supernets, 0)
    with pytest.raises(ValueError, match="^copy 0 cannot be split: no choice has two options or more, all of them left$"):
        whole_choices(supernets, 0)
    assert set(whole_choices(supernets, 1)) == set(CELLS.space.names) - set(supernets.parts[1])


def test_a_slot_with_one_option_is_not_split():
    supernets = Supernets(CellsFamily("one", replace(TABLE, operations=("nor_conv_3x3",))))
    for split in (
        whole_choices,
        lambda *of: random_split(*of, np.random.default_rng(0)),
        lambda *of: disagreements(*of, TASK, 1),
    ):
        with pytest.raises(ValueError, match="^copy 0 cannot be split: no choice has two options or more, all of them left$"):
            split(supernets, 0)
    with pytest.raises(ValueError, match="^splitting copy 0 by 'node1.input0' at .* leaves a copy without sub-networks"):
        supernets.split(0, "node1.input0", ["nor_conv_3x3"])


def test_random_splits_are_all_of_those_that_there_may_be():
    supernets = Supernets(CELLS)
    found = [random_split(supernets, 0, np.random.default_rng(seed)) for seed in range(200)]
    assert len({(name, *group) for name, group in found}) == 3 * 6
