"""AT-NAS, a reconstruction: steps against ones made by hand, populations, searches on a task, and the rows of a job."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from nastoolkit import TASKS
from nastoolkit.search.sampling import sample_new
from nastoolkit.supernets import Supernet
from nastoolkit.systems import at_nas
from nastoolkit.systems.at_nas import (
    AT_NAS,
    BEST,
    BEST_OF_RANDOM,
    LARGEST,
    MEDIAN,
    N_JUDGING,
    N_TASKS,
    RANDOM,
    SCRATCH,
    Adaptation,
    Learner,
    Meta,
    Trial,
    chains_for,
    compare,
    drawn,
    episodes_of,
    evolve,
    meta_learn,
    next_generation,
    steps_to,
    summary,
)

TASK = TASKS["turned-digits"]()
SHOTS = {"n_classes": 3, "n_support": 4, "n_query": 2}
SIZES = {"image_size": 8, "kernels": [1, 3], "widths": [2, 4]}
META = {"n_iterations": 4, "n_inner": 2, "n_codes": 4, "every": 2}
ADAPTATION = {"n_generations": 2, "n_codes": 3, "n_steps": 2, "scratch": 3, "n_episodes": 3, "n_scratch": 2}


def learner(rate=0.2, sizes=SIZES):
    return Learner(Supernet(chains_for(TASK, 3, sizes)).train(), TASK, rate)


def episodes(seed=0):
    return episodes_of(TASK, SHOTS, seed)


def by_hand(own, genotype, episode, n_steps):
    """Loss on the query images after steps of plain gradient descent on a copy, and the copy with that loss's gradients."""
    shape = own.supernet.family.input_shape(genotype)
    support, query = episode.support.at(shape), episode.query.at(shape)
    copy = own.supernet.extract(genotype).train()
    optimiser = torch.optim.SGD(copy.parameters(), own.rate)
    for _ in range(n_steps):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(copy(support.inputs), support.targets).backward()
        optimiser.step()
    optimiser.zero_grad()
    loss = torch.nn.functional.cross_entropy(copy(query.inputs), query.targets)
    loss.backward()
    return loss.item(), copy


@pytest.mark.parametrize("n_steps", [0, 3])
def test_the_inner_loop_is_plain_gradient_descent_on_a_copy(n_steps):
    own, episode = learner(), episodes()["train"].draw(0)
    genotype = own.supernet.family.space.sample(1, np.random.default_rng(3))[0]
    loss = own.loss(genotype, episode.support, episode.query, n_steps)
    assert loss.item() == pytest.approx(by_hand(own, genotype, episode, n_steps)[0], rel=1e-5)


def test_shared_weights_follow_the_gradient_at_the_end_of_the_inner_loop():
    own, episode = learner(), episodes()["train"].draw(1)
    largest = own.supernet.family.largest
    _, copy = by_hand(own, largest, episode, 3)
    own.loss(largest, episode.support, episode.query, 3).backward()
    for (name, shared), adapted in zip(own.supernet.shared.named_parameters(), copy.parameters(), strict=True):
        torch.testing.assert_close(shared.grad, adapted.grad, rtol=1e-4, atol=1e-6, msg=name)


def test_an_iteration_is_a_step_of_adam_along_the_mean_of_its_tasks():
    own, twin, groups, meta = learner(), learner(), episodes(), Meta(**META | {"n_iterations": 1})
    largest = own.supernet.family.largest
    meta_learn(own, groups["train"], groups["validation"], meta, largest)
    copies = [by_hand(twin, largest, groups["train"].draw(number), meta.n_inner)[1] for number in range(N_TASKS)]
    optimiser = torch.optim.Adam(twin.supernet.parameters(), meta.meta_rate)
    for shared, *adapted in zip(twin.supernet.shared.parameters(), *(copy.parameters() for copy in copies), strict=True):
        shared.grad = sum(weight.grad for weight in adapted) / N_TASKS
    optimiser.step()
    for ours, theirs in zip(own.supernet.parameters(), twin.supernet.parameters(), strict=True):
        strong = theirs.grad.abs() > 1e-4  # a first step of Adam has the same length however small the gradient is
        torch.testing.assert_close(ours[strong], theirs[strong], rtol=1e-3, atol=1e-5)


def test_learning_helps_with_new_episodes():
    own = learner(rate=0.1, sizes={"image_size": 14, "kernels": [3], "widths": [12]})
    groups = episodes_of(TASK, SHOTS | {"n_query": 8}, 0)
    largest, new = own.supernet.family.largest, [groups["train"].draw(number) for number in range(1000, 1030)]
    before = np.mean([own.accuracy(largest, episode, 3) for episode in new])
    meta_learn(own, groups["train"], groups["validation"], Meta(n_iterations=40, meta_rate=0.01), largest)
    assert np.mean([own.accuracy(largest, episode, 3) for episode in new]) > before + 5


def test_a_population_has_different_networks_and_is_ranked_by_episodes_of_other_classes():
    own, groups, meta = learner(), episodes(), Meta(**META)
    population = meta_learn(own, groups["train"], groups["validation"], meta)
    assert population.shape == (4, own.supernet.family.space.n_genes) == np.unique(population, axis=0).shape
    judging = [groups["validation"].draw(number) for number in range(3 * N_JUDGING, 4 * N_JUDGING)]  # of the last iteration
    fitness = [np.mean([own.accuracy(one, episode, meta.n_inner) for episode in judging]) for one in population]
    assert fitness == sorted(fitness, reverse=True)


def test_a_fixed_network_leaves_all_others_weights_alone():
    own, groups = learner(), episodes()
    smallest, shared = own.supernet.family.space.smallest, own.supernet.shared
    before = {name: weight.detach().clone() for name, weight in shared.named_parameters()}
    meta_learn(own, groups["train"], groups["validation"], Meta(**META), smallest)
    changed = shared.layer1.conv.weight != before["layer1.conv.weight"]
    assert changed[:2, :, 1, 1].all() and changed.sum() == 2  # one pixel of two filters


def test_sub_networks_come_from_the_population_or_from_everywhere():
    space, rng = chains_for(TASK, 3, SIZES).space, np.random.default_rng(0)
    population = space.sample(2, rng)
    among = [(drawn(space, population, rng) == population).all(axis=1).any() for _ in range(400)]
    assert 0.7 < np.mean(among) < 0.9


@pytest.mark.parametrize("n", [2, 5])
def test_the_better_half_stays_and_has_new_children(n):
    space, rng = chains_for(TASK, 3, SIZES).space, np.random.default_rng(1)
    ranked = sample_new(space, n, rng, set())
    after = next_generation(space, ranked, rng)
    assert after.shape == ranked.shape and len(np.unique(after, axis=0)) == n
    np.testing.assert_array_equal(after[: (n + 1) // 2], ranked[: (n + 1) // 2])


def test_evolution_judges_nothing_twice_and_gives_the_best_so_far():
    space, judged, bests = chains_for(TASK, 3, SIZES).space, [], []

    def judge(genotype):
        judged.append(genotype)
        return float(genotype.sum())

    first = np.unique(space.sample(6, np.random.default_rng(2)), axis=0)
    for best in evolve(space, first, judge, 4, np.random.default_rng(3)):
        assert best.sum() == max(genotype.sum() for genotype in judged)
        bests.append(best.sum())
    assert len(np.unique(judged, axis=0)) == len(judged) == 4 * len(first)
    assert bests == sorted(bests) and bests[-1] > bests[0]


def test_a_judge_sees_no_query_image_and_no_image_that_teaches():
    own, episode = learner(), episodes()["test"].draw(0)
    judge = Trial(episodes()["test"], 2, Adaptation(**ADAPTATION)).judge
    genotype = own.supernet.family.largest
    value = judge(own, episode, 2)(genotype)
    other = replace(episode, query=replace(episode.query, inputs=episode.query.inputs + 1))
    assert judge(own, other, 2)(genotype) == value
    support = episode.support
    assert value == -own.loss(genotype, support[:6], support[6:], 2).item()
    assert set(support[:6].rows.tolist()).isdisjoint(support[6:].rows.tolist())


@pytest.fixture(scope="module")
def rows():
    return [pd.DataFrame(compare("turned-digits", seed, SIZES, SHOTS, META, ADAPTATION)) for seed in (0, 0, 1)]


def test_a_job_has_rows_for_every_arm_and_repeats(rows):
    one, again, other = rows
    pd.testing.assert_frame_equal(one, again)
    assert not one.accuracy.equals(other.accuracy)
    assert list(one.arm.unique()) == [MEDIAN, LARGEST, RANDOM, BEST_OF_RANDOM, BEST, AT_NAS, SCRATCH]
    assert one.groupby("arm").episode.nunique().to_dict() == {arm: 2 if arm == SCRATCH else 3 for arm in one.arm.unique()}
    assert one.accuracy.between(0, 100).all() and one[one.arm == MEDIAN].mmacs.nunique() == 1


def test_steps_are_those_of_judging_and_of_learning_in_the_end(rows):
    steps = {arm: sorted(own.steps.unique().tolist()) for arm, own in rows[0].groupby("arm")}
    assert steps[MEDIAN] == steps[LARGEST] == steps[RANDOM] == steps[BEST] == [2]
    assert steps[BEST_OF_RANDOM] == [2 + 6 * 2] and steps[AT_NAS] == [2 + 3 * 2, 2 + 2 * 3 * 2]
    assert steps[SCRATCH] == [3 * number for number in steps[AT_NAS]]


def test_an_arm_without_a_search_learns_as_its_network_does(rows):
    own, groups = learner(rate=Meta().inner_rate), episodes()
    largest = own.supernet.family.largest
    meta_learn(own, groups["train"], groups["validation"], Meta(**META), largest)
    found = [own.accuracy(largest, groups["test"].draw(number), 2) for number in range(3)]
    assert rows[0][rows[0].arm == LARGEST].accuracy.tolist() == found


def curve(arm, seed, points):
    return [{"arm": arm, "seed": seed, "episode": 0, "steps": k, "accuracy": v, "mmacs": 1.0} for k, v in points.items()]


def test_steps_until_arms_are_as_accurate_as_another_in_the_end():
    lines = [curve(SCRATCH, seed, {50: 60.0, 100: 70.0}) for seed in range(3)]
    lines += [curve(BEST, 0, {5: 71.0}), curve(BEST, 1, {5: 69.0}), curve(BEST, 2, {5: 69.0})]
    lines += [curve(AT_NAS, seed, {10: 69.0, 20: last}) for seed, last in enumerate((80.0, 70.0, 69.0))]
    found = pd.DataFrame([row for line in lines for row in line])
    reached = steps_to(found, [BEST, AT_NAS])
    assert reached.low.tolist() == [5, 20, 20] and reached.high.tolist() == [5, 20, np.inf]
    assert steps_to(found, [SCRATCH]).low.tolist() == [100] * 3
    ends = summary(found).set_index(["arm", "seed"])
    assert ends.accuracy[AT_NAS].tolist() == [80, 70, 69] and ends.steps[SCRATCH].tolist() == [100] * 3


class OneClass(type(TASK)):
    """All images have the same class."""

    class_groups = None

    def read(self):
        return {name: replace(split, targets=torch.zeros_like(split.targets)) for name, split in super().read().items()}


def test_what_gives_no_episodes_is_told(monkeypatch):
    how = {"sizes": SIZES, "meta": META, "adaptation": ADAPTATION, "seed": 0}
    monkeypatch.setitem(TASKS, "one-class", OneClass)
    with pytest.raises(ValueError, match="^episodes have 3 classes, and there are 1 in task 'turned-digits'$"):
        compare("one-class", shots=SHOTS, **how)
    with pytest.raises(
        ValueError, match="^episodes need 203 examples of each class, and class 0 of task 'turned-digits' has 89$"
    ):
        compare("turned-digits", shots=SHOTS | {"n_query": 199}, **how)
    with pytest.raises(ValueError, match="^2 held-out images of a class leave none of its 2 to learn from$"):
        compare("turned-digits", shots=SHOTS | {"n_support": 2}, **how)
    with pytest.raises(ValueError, match="^episodes need classes, and task 'number-words' has none$"):
        compare("number-words", shots=SHOTS, **how)
    with pytest.raises(ValueError, match="^n_codes must be at least 2, got 1$"):
        Meta(n_codes=1)


def test_the_module_says_everywhere_that_it_is_a_reconstruction():
    assert "reconstruction" in at_nas.__doc__.splitlines()[0] and "reconstruction" in at_nas.CARD.claim
