"""Which students there are, in which supernets, and what they take from the teacher."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES
from nastoolkit.families.bert import BASE_THIN, SMALL, SMALL_THIN, BertFamily
from nastoolkit.supernets import Supernet
from nastoolkit.systems.autodistil.students import PARTS, SandwichOf, at_random, sub_spaces, take_from_teacher

PARAMS = {  # in millions, by [Xu2022]'s Table 1, and by comments in the settings of its code, which say "around"
    "tiny": ((4, 10), (4.354644, 10.566675)),
    "small": ((12, 28), (12.270077, 27.842492)),
    "base": ((39, 79), (38.503232, 79.335680)),
}
FOUND = {  # [Xu2022], Table 6: layers, channels, ratio, heads; millions of params, GMACs
    "Agnostic": ((11, 352, 4.0, 10), 26.8, 2.13),
    "ProxyB": ((12, 544, 3.0, 9), 50.1, 4.40),
    "ProxyS": ((11, 352, 4.0, 8), 26.1, 2.02),
    "ProxyT": ((7, 160, 3.5, 10), 6.88, 0.27),
}
TINY = {"vocabulary": 30, "positions": 12, "length": 12, "head_dim": 4, "dropout": 0.0}


def thin(**sizes):
    return BertFamily("text-bert-thin", replace(SMALL_THIN, **TINY, dim=12, dims=(4, 8, 12), **sizes))


def teacher_of(**sizes):
    table = replace(SMALL, **TINY | {"dim": 16, "dims": (), "layers": (4,), "heads": (4,), "ffn": (64,)} | sizes)
    supernet = Supernet(BertFamily("text-bert", table), seed=1)
    return supernet.extract(supernet.family.largest)


def counted_as_published(layers, dim, ratio, heads):
    """Params and MACs of a student whose heads have a twelfth of its channels: so the published numbers are counted."""
    family = BertFamily("x", replace(BASE_THIN, dim=dim, dims=(dim,), head_dim=dim // 12, ratios=(ratio,), heads=(heads,)))
    genotype = family.space.encode({"dim": dim, "layers": layers, "heads": heads, "ratio": ratio})
    return float(family.params(genotype)) / 1e6, float(family.macs(genotype)) / 1e9


def test_the_papers_sub_spaces_have_256_students_each():
    found = sub_spaces(FAMILIES["bert-base-thin"](), PARTS["bert-base-thin"])
    assert {name: len(students) for name, students in found.items()} == {"tiny": 256, "small": 256, "base": 256}


@pytest.mark.parametrize("name", PARAMS)
def test_the_papers_sub_spaces_have_the_published_params(name):
    family = FAMILIES["bert-base-thin"]()
    space, (table1, code) = family.space.restrict(PARTS["bert-base-thin"][name]), PARAMS[name]
    ends = [space.decode(end) for end in (space.smallest, space.largest)]
    params = [counted_as_published(end["layers"], end["dim"], end["ratio"], end["heads"])[0] for end in ends]
    assert params == pytest.approx(code, rel=0.02)
    assert params == pytest.approx(table1, abs=0.8)


@pytest.mark.parametrize("name", FOUND)
def test_the_papers_students_have_the_published_costs(name):
    student, params, gmacs = FOUND[name]
    assert counted_as_published(*student) == (pytest.approx(params, rel=0.025), pytest.approx(gmacs, rel=0.05))


def test_students_are_in_the_order_of_their_macs_and_in_one_sub_space_each():
    family = FAMILIES["text-bert-thin"]()
    found = sub_spaces(family, PARTS["text-bert-thin"])
    assert len(np.unique(np.concatenate([*found.values()]), axis=0)) == family.space.size == 288
    for students in found.values():
        assert (np.diff(family.macs(students)) >= 0).all()


def test_parts_at_random_have_all_students_and_sizes_of_all_kinds():
    family = FAMILIES["text-bert-thin"]()
    students = np.concatenate([*sub_spaces(family, PARTS["text-bert-thin"]).values()])
    found = at_random(family, students, 3, seed=5)
    assert [len(part) for part in found.values()] == [96, 96, 96]
    assert np.array_equal(np.unique(np.concatenate([*found.values()]), axis=0), np.unique(students, axis=0))
    assert all({family.space.decode(one)["dim"] for one in part} == {16, 24, 32, 40, 48, 56} for part in found.values())
    assert not np.array_equal(found["random 0"], at_random(family, students, 3, seed=6)["random 0"])


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"dim": ()}, "sub-space 'a' has no students of 'text-bert-thin': the restriction leaves 'dim' without an option"),
        ({"dim": (17,)}, "sub-space 'a' has no students of 'text-bert-thin': .*17"),
        ({"width": (16,)}, "sub-space 'a' has no students of 'text-bert-thin': .*width"),
        ({"layers": (1, 2)}, "sub-space 'b' has students of another one: every student has one supernet"),
    ],
)
def test_a_partition_that_is_none_is_told(part, message):
    with pytest.raises(ValueError, match=message):
        sub_spaces(FAMILIES["text-bert-thin"](), {"a": part, "b": {"dim": (16,)}})


def test_every_step_has_the_ends_and_random_students():
    students = np.arange(40)[:, None]
    sampler = SandwichOf(students, n_random=2, seed=3)
    drawn = [[int(genotype[0]) for genotype, weight in sampler.draw(step) if weight == 1] for step in range(200)]
    assert all(paths[:2] == [39, 0] and len(paths) == 4 for paths in drawn)
    assert {one for paths in drawn for one in paths[2:]} == set(range(40)) and drawn[3] != drawn[4]
    assert [int(genotype[0]) for genotype, _ in SandwichOf(students, seed=3).draw(7)] == drawn[7]


@pytest.mark.parametrize(("depth", "kept"), [(1, [0]), (2, [0, 2]), (3, [0, 1, 2]), (4, [0, 1, 2, 3])])
def test_students_begin_with_the_teachers_layers_and_first_heads(depth, kept):
    teacher, family = teacher_of(), thin()
    supernet = Supernet(family)
    take_from_teacher(supernet, teacher)
    theirs = teacher.state_dict()
    weights = supernet.weights(family.space.encode({"dim": 8, "layers": depth, "heads": 2, "ratio": 2.0}))
    layers = dict.fromkeys(name.split(".")[1] for name in weights if name.startswith("encoder."))
    assert len(layers) == depth
    for layer, number in zip(layers, kept, strict=True):
        ours, own = f"encoder.{layer}.attention.query.weight", theirs[f"encoder.layer{number + 1}.attention.query.weight"]
        assert torch.equal(weights[ours], own[:8, :8])  # two heads of four channels
        hidden = theirs[f"encoder.layer{number + 1}.ffn.project.weight"]
        assert torch.equal(weights[f"encoder.{layer}.ffn.project.weight"], hidden[:8, :16])
    assert torch.equal(weights["embeddings.tokens.weight"], theirs["embeddings.tokens.weight"][:, :8])


def test_a_shallower_supernet_takes_layers_at_even_distances_as_the_code_does():
    teacher = teacher_of(layers=(12,))
    supernet = Supernet(thin(layers=(4, 7)))
    take_from_teacher(supernet, teacher)
    theirs = [teacher.state_dict()[f"encoder.layer{number}.ffn.expand.bias"][:48] for number in range(1, 13)]
    ours = [supernet.shared.state_dict()[f"encoder.layer{number}.ffn.expand.bias"] for number in range(1, 8)]
    taken = [next(number for number, weight in enumerate(theirs) if torch.equal(weight, own)) for own in ours]
    assert taken == [int(i / (7 / 12)) for i in range(7)] == [0, 1, 3, 5, 6, 8, 10]


def test_the_widest_student_of_the_teachers_size_is_the_teacher():
    family, teacher = thin(), teacher_of(dim=12, heads=(4,), ffn=(48,)).eval()
    supernet = Supernet(family).eval()
    take_from_teacher(supernet, teacher)
    supernet.shared.classifier.load_state_dict(teacher.classifier.state_dict())
    x = family.example_inputs(family.largest, 3)
    torch.testing.assert_close(supernet(x, family.largest), teacher(x))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"vocabulary": 31}, "the teacher has 31 tokens and its students 30: they need the same vocabulary"),
        ({"head_dim": 8}, "heads of the teacher have 8 channels and those of its students 4: take equal ones"),
        ({"dim": 8}, r"students have embeddings.tokens.weight of \(30, 12\), and the teacher only \(30, 8\)"),
    ],
)
def test_a_teacher_that_does_not_fit_is_told(sizes, message):
    supernet = Supernet(thin())
    before = supernet.fingerprint
    with pytest.raises(ValueError, match=message):
        take_from_teacher(supernet, teacher_of(**sizes))
    assert supernet.fingerprint == before
