"""Equation 1 in closed form, where its gradients go, and what a supernet of slices has of the pre-trained network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from nastoolkit.families.bert import SMALL, BertFamily
from nastoolkit.families.masked_bert import MaskedBertFamily
from nastoolkit.supernets import Supernet, with_new_head
from nastoolkit.systems.instatune import InstaTuneLoss, LargestAndRandom, elastic_space, strong_teacher
from nastoolkit.taps import taps
from nastoolkit.tasks import Classification, Split
from nastoolkit.training import Recipe, Step, fit
from nastoolkit.training.losses import soft_cross_entropy
from nastoolkit.training.passes import Passes

TABLE = replace(SMALL, dim=16, dims=(8, 16), head_dim=8, layers=(1, 2), heads=(1, 2), ffn=(8, 16), n_classes=3, dropout=0.0)
FAMILY = BertFamily("text-bert", replace(TABLE, vocabulary=40, length=6))
SPACE = elastic_space(FAMILY.space)


class Topics(Classification):
    """Which of three topics random texts are from."""

    name, n_classes = "topics", 3

    def batch(self, step, size, seed=0, rows=None):
        generator = torch.Generator().manual_seed(1000 * seed + step)
        input_ids = torch.randint(40, (size, 6), generator=generator)
        targets = torch.randint(3, (size,), generator=generator)
        return Split((input_ids, torch.ones_like(input_ids), torch.zeros_like(input_ids)), targets)


class OtherWords(Topics):
    """The same with words of its own."""

    class vocabulary:  # noqa: N801
        """A vocabulary of another text."""

        fingerprint = "another"


@pytest.fixture
def teacher():
    return strong_teacher(Supernet(FAMILY, seed=7), SPACE, Topics())


def distance(outputs, target, temperature):
    """The cross-entropy of logits with softened others, and its gradient by the first."""
    logs, wanted = log_softmax(outputs / temperature, axis=1), softmax(target / temperature, axis=1)
    value = -(temperature**2) * (wanted * logs).sum(axis=1).mean()
    return value, temperature * (np.exp(logs) - wanted) / len(outputs)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("is_supernet", [True, False])
def test_equation_1_and_its_gradients_in_closed_form(gamma, temperature, is_supernet):
    rng = np.random.default_rng(0)
    outputs, first, taught = rng.normal(size=(3, 5, 3))
    targets = rng.integers(3, size=5)
    x, logits = torch.tensor(taught), torch.tensor(outputs, requires_grad=True)
    criterion = InstaTuneLoss(torch.nn.Identity(), gamma, alpha=0.3, temperature=temperature)  # which says its inputs
    step = Step(logits, torch.tensor(targets), x, first=None if is_supernet else torch.tensor(first))
    loss = criterion(Topics().loss)(step)
    loss.backward()
    hard = distance(outputs, np.where(np.eye(3)[targets], 0.0, -np.inf), 1.0)
    parts = [(0.3, hard), (0.7 * gamma, distance(outputs, taught, temperature))]
    parts += [] if is_supernet else [(0.7 * (1 - gamma), distance(outputs, first, temperature))]
    value, gradient = (sum(weight * part[which] for weight, part in parts) for which in (0, 1))
    np.testing.assert_allclose(loss.detach(), value)
    np.testing.assert_allclose(logits.grad, gradient, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_gradients_flow_through_every_term_and_never_into_a_target(teacher, gamma):
    supernet, sampler = Supernet(FAMILY).train(), LargestAndRandom(SPACE, seed=3)
    batch = Topics().batch(0, 4)
    criterion = InstaTuneLoss(teacher, gamma)
    Passes(supernet, Topics(), sampler, criterion, Recipe(1))(0, batch)
    found = {name: weight.grad.clone() for name, weight in supernet.named_parameters() if weight.grad is not None}
    supernet.zero_grad()
    (largest, _), (random, _) = sampler.draw(0)
    whole, part = supernet(batch.inputs, largest), supernet(batch.inputs, random)
    taught = teacher(batch.inputs).detach()
    soft = gamma * (soft_cross_entropy(whole, taught) + soft_cross_entropy(part, taught))
    soft = soft + (1 - gamma) * soft_cross_entropy(part, whole.detach())
    (0.3 * (Topics().loss(whole, batch.targets) + Topics().loss(part, batch.targets)) + 0.7 * soft).backward()
    for name, weight in supernet.named_parameters():
        assert (weight.grad is None) == (name not in found)
        if weight.grad is not None:
            torch.testing.assert_close(found[name], weight.grad, rtol=1e-4, atol=1e-6)
    assert all(weight.grad is None for weight in teacher.parameters())


def test_a_teacher_is_frozen_and_sub_networks_learn(teacher):
    before = [weight.clone() for weight in teacher.state_dict().values()]
    supernet = Supernet(FAMILY)
    losses = fit(supernet, Topics(), LargestAndRandom(SPACE), InstaTuneLoss(teacher), Recipe(30, 8), progress=False)
    assert all(map(torch.equal, before, teacher.state_dict().values())) and not teacher.training
    assert losses[-5:].mean() < losses[:5].mean()


def test_a_step_has_the_largest_network_and_random_ones_that_keep_their_width():
    paths = [path for step in range(50) for path, _ in LargestAndRandom(SPACE, n_random=2).draw(step)]
    assert (np.array(paths[::3]) == FAMILY.space.largest).all()
    assert {FAMILY.space.decode(path)["dim"] for path in paths} == {16}
    assert len(np.unique(paths, axis=0)) > SPACE.size / 2
    other = LargestAndRandom(SPACE, n_random=2, seed=1).draw(0)
    assert not np.array_equal([path for path, _ in other], paths[:3])


@torch.inference_mode()
def test_slices_of_the_pretrained_network_are_it_at_full_size_and_its_first_parts_below():
    words = Supernet(MaskedBertFamily("text-bert-words", replace(TABLE, vocabulary=40, length=6)), seed=5).eval()
    tuned = with_new_head(words, 3)
    assert tuned.family.fingerprint == FAMILY.fingerprint
    x, seen = words.family.example_inputs(SPACE.largest, 3), {}
    for name, supernet, inputs in (("before", words, x), ("after", tuned, x[:3])):
        network = supernet.extract(SPACE.largest)
        with taps({name: network.encoder[-1]}, seen.__setitem__):
            network(inputs)
    assert torch.equal(seen["before"], seen["after"])
    whole = words.shared.state_dict()
    for genotype in SPACE.sample(5, np.random.default_rng(0)):
        for name, weight in tuned.extract(genotype).state_dict().items():
            if name.startswith(("embeddings", "encoder")):
                assert torch.equal(weight, whole[name][tuple(map(slice, weight.shape))])


def test_what_cannot_be_is_refused_in_a_sentence(teacher):
    with pytest.raises(ValueError, match=r"^a share gamma of 1.0 for the teacher needs a teacher: give one, or make gamma 0$"):
        InstaTuneLoss()
    with pytest.raises(ValueError, match=r"^alpha must be between 0 and 1, got 1.3$"):
        InstaTuneLoss(teacher, alpha=1.3)
    with pytest.raises(ValueError, match=r"^gamma must be between 0 and 1, got -1$"):
        InstaTuneLoss(teacher, gamma=-1)
    with pytest.raises(ValueError, match=r"^the temperature must be above 0, got 0$"):
        InstaTuneLoss(teacher, temperature=0)
    with pytest.raises(ValueError, match=r"^n_random must be at least 1, got 0$"):
        LargestAndRandom(SPACE, n_random=0)


def test_a_teacher_of_another_task_is_refused():
    of_others = Supernet(FAMILY.with_classes(5))
    with pytest.raises(ValueError, match=r"^the teacher is for another task: networks of 'text-bert' have 5 outputs"):
        strong_teacher(of_others, SPACE, Topics())
    other = Supernet(BertFamily("text-bert", TABLE))
    other.vocabulary = "its own"
    with pytest.raises(ValueError, match=r"^the teacher is for another task: .* tokens of another vocabulary"):
        strong_teacher(other, SPACE, OtherWords())


def test_runs_with_another_share_or_teacher_are_others(teacher, tmp_path):
    def train(criterion):
        fit(Supernet(FAMILY), Topics(), LargestAndRandom(SPACE), criterion, Recipe(1, 4), False, tmp_path / "run.pt")

    train(InstaTuneLoss(teacher))
    train(InstaTuneLoss(teacher))
    other = strong_teacher(Supernet(FAMILY, seed=8), SPACE, Topics())
    for criterion in (InstaTuneLoss(other), InstaTuneLoss(teacher, gamma=0.0), InstaTuneLoss(teacher, alpha=0.5)):
        with pytest.raises(ValueError, match=r"is of another run \(.*(teacher|gamma|alpha) was"):
            train(criterion)
