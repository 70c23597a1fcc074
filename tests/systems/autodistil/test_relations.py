"""Relations between tokens, by their dense formula, and students that learn them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit import TASKS
from nastoolkit.families.bert import SMALL, SMALL_THIN, BertFamily
from nastoolkit.supernets import Supernet
from nastoolkit.systems.autodistil.relations import Relations, Unlabelled, last_states, relation_loss, relations
from nastoolkit.systems.autodistil.students import SandwichOf, take_from_teacher
from nastoolkit.training import Recipe, fit

SMALLER = {"head_dim": 4, "dropout": 0.0, "layers": (1, 2)}


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def dense(states, n_heads, mask, kind):
    """Equation 4, one pair of tokens at a time."""
    n, length, channels = states.shape
    width, found = channels // n_heads, np.zeros((n, n_heads, length, length))
    for text, head, i in np.ndindex(n, n_heads, length):
        of = slice(head * width, (head + 1) * width)
        scores = [float(states[text, i, of] @ states[text, j, of]) / width**0.5 for j in range(length)]
        seen = mask[text].numpy().astype(bool)
        exps = np.where(seen, np.exp(scores), 0.0)
        found[text, head, i] = np.where(seen, scores, 0.0) if kind == "scores" else exps / exps.sum()
    return found


@pytest.mark.parametrize("kind", ["softmax", "scores"])
@pytest.mark.parametrize(("channels", "n_heads"), [(12, 3), (14, 4), (5, 5)])
def test_relations_are_their_dense_formula(channels, n_heads, kind):
    states, mask = random(2, 6, channels), torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    found = relations(states, n_heads, mask, kind)
    np.testing.assert_allclose(found, dense(states, n_heads, mask, kind), atol=1e-5)


def test_relations_of_no_kind_or_of_too_many_heads_are_told():
    mask = torch.ones(1, 3)
    with pytest.raises(ValueError, match="compared as softmax or as scores, got 'cosine'"):
        relations(random(1, 3, 8), 2, mask, "cosine")
    with pytest.raises(ValueError, match="a student has 8 channels of queries, too few for 12 relation heads"):
        relations(random(1, 3, 8), 12, mask)


@pytest.fixture
def teacher():
    supernet = Supernet(BertFamily("text-bert", replace(SMALL, **SMALLER, dim=16, dims=(), heads=(4,), ffn=(64,))), seed=1)
    return supernet.extract(supernet.family.largest)


@pytest.fixture
def supernet(teacher):
    family = BertFamily("text-bert-thin", replace(SMALL_THIN, **SMALLER, dim=12, dims=(8, 12), heads=(2, 4)))
    begun = Supernet(family)
    take_from_teacher(begun, teacher)
    return begun


@pytest.fixture(scope="module")
def texts():
    return Unlabelled(TASKS["masked-words"]())


@pytest.mark.parametrize("kind", ["softmax", "scores"])
def test_the_loss_is_that_of_queries_keys_and_values_of_the_last_layers(teacher, supernet, texts, kind):
    batch, genotype = texts.batch(0, 3), supernet.family.space.smallest
    criterion, losses = Relations(teacher, supernet.family, 2, kind), []
    expected = 0.0
    for part in ("query", "key", "value"):
        seen = []
        for network, layer in ((supernet.extract(genotype), 1), (teacher, 2)):
            handle = network.get_submodule(f"encoder.layer{layer}.attention.{part}").register_forward_hook(
                lambda module, inputs, outputs, seen=seen: seen.append(outputs.detach())
            )
            network(batch.inputs)
            handle.remove()
        own, wanted = (dense(states, 2, batch.inputs[1], kind) for states in seen)
        expected += ((own - wanted) ** 2).sum(-1).mean()

    def noted(task_loss):
        return lambda step: losses.append(criterion.of_step(step)) or losses[-1]

    noted.features = criterion.features
    fit(supernet, texts, SandwichOf(genotype[None], 0), noted, Recipe(1, 3, learning_rate=0.0), progress=False)
    assert [loss.item() for loss in losses] == pytest.approx([expected] * 2, rel=1e-4)
    assert relation_loss(supernet, genotype[None], batch, criterion).tolist() == pytest.approx([expected], rel=1e-4)


def test_the_teacher_itself_has_no_loss_and_learns_nothing(teacher, texts):
    inputs = texts.batch(0, 4).inputs
    assert Relations(teacher, BertFamily("x", SMALL), 4).loss(inputs, last_states(teacher, inputs)).item() == 0
    assert not any(states.requires_grad for states in last_states(teacher, inputs))


def test_students_learn_relations(teacher, supernet, texts):
    criterion, space = Relations(teacher, supernet.family, 2), supernet.family.space
    students, held_out, before = np.stack([space.smallest, space.largest]), texts.split("test")[:20], teacher.state_dict()
    untrained = relation_loss(supernet, students, held_out, criterion)
    weights = {name: weight.clone() for name, weight in before.items()}
    fit(supernet, texts, SandwichOf(students, 0), criterion, Recipe(20, 8, learning_rate=1e-2), progress=False)
    assert (relation_loss(supernet, students, held_out, criterion) < 0.8 * untrained).all()
    assert all(torch.equal(weight, weights[name]) for name, weight in teacher.state_dict().items())
    assert supernet.vocabulary == TASKS["masked-words"]().vocabulary.fingerprint


def test_texts_are_the_tasks_own_without_its_questions(texts):
    batch, whole = texts.batch(3, 5, seed=1), texts.task.batch(3, 5, seed=1)
    assert len(batch.inputs) == 3 and all(torch.equal(*pair) for pair in zip(batch.inputs, whole.inputs, strict=False))
    assert len(texts.split("test")) == len(texts.task.split("test"))
    with pytest.raises(NotImplementedError):
        texts.loss(batch.targets, batch.targets)


def test_what_tells_runs_apart(teacher, supernet):
    settings = [Relations(teacher, supernet.family, 2, kind).settings for kind in ("softmax", "scores")]
    assert settings[0] != settings[1] and settings[0]["teacher"] == settings[1]["teacher"]
