import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.space import Choice, SearchSpace, genotype_keys

CHAIN = SearchSpace(
    [
        Choice("depth", (2, 3, 4)),
        Choice("block3.kernel", (3, 5, 7), when=("depth", (3, 4))),
        Choice("block4.kernel", (3, 5, 7), when=("depth", (4,))),
        Choice("block4.shift", (0, 1), when=("block4.kernel", (5, 7))),
        Choice("width", ("narrow", "wide")),
    ]
)


@st.composite
def spaces(draw):
    """Small random spaces: conditions nest, and some options are taken out by a restriction."""
    choices = []
    for gene in range(draw(st.integers(1, 5))):
        options = tuple(range(10, 10 + draw(st.integers(1, 3))))
        when = None
        if choices and draw(st.booleans()):
            parent = draw(st.sampled_from(choices))
            when = (parent.name, tuple(draw(st.lists(st.sampled_from(parent.options), unique=True))))
        choices.append(Choice(f"c{gene}", options, when))
    space = SearchSpace(choices)
    restricted = draw(st.lists(st.sampled_from(choices), unique=True))
    return space.restrict({c.name: draw(st.lists(st.sampled_from(c.options), min_size=1, unique=True)) for c in restricted})


def every_genotype(space):
    """By brute force: all index vectors that the space accepts, in canonical form."""
    found = set()
    for genes in itertools.product(*[range(len(choice.options)) for choice in space.choices]):
        try:
            found.add(tuple(space.canonical(np.array(genes)).tolist()))
        except ValueError:
            continue
    return found


@given(spaces())
def test_size_counts_every_subnetwork_once(space):
    assert space.size == len(every_genotype(space))


@given(spaces(), st.integers(0, 2**32))
def test_samples_are_canonical_and_reach_every_subnetwork(space, seed):
    sampled = space.sample(3000, np.random.default_rng(seed))
    np.testing.assert_array_equal(space.canonical(sampled), sampled)
    seen = set(map(tuple, sampled.tolist()))
    assert seen <= every_genotype(space)
    if space.size <= 12:  # the rarest of them has a probability of 1/243 or more
        assert seen == every_genotype(space)


@given(spaces(), st.data())
def test_repair_gives_the_nearest_allowed_genotype(space, data):
    point = np.array([data.draw(st.floats(-3, 5)) for _ in space.choices])
    repaired = space.repair(point[None])
    np.testing.assert_array_equal(space.canonical(repaired), repaired)
    np.testing.assert_array_equal(space.repair(repaired), repaired)


@given(spaces(), st.integers(0, 2**32))
def test_decode_and_encode_are_inverse(space, seed):
    for genotype in space.sample(5, np.random.default_rng(seed)):
        np.testing.assert_array_equal(space.encode(space.decode(genotype)), genotype)


@given(spaces(), st.integers(0, 2**32))
def test_one_hot_marks_the_option_of_every_live_gene(space, seed):
    genotypes = space.sample(5, np.random.default_rng(seed))
    features = space.one_hot(genotypes)
    ends = np.cumsum([len(choice.options) for choice in space.choices])
    blocks = np.split(features, ends[:-1], axis=1)
    alive = space.alive(genotypes)
    for gene, block in enumerate(blocks):
        np.testing.assert_array_equal(block.sum(axis=1), alive[:, gene])
        rows = np.flatnonzero(alive[:, gene])
        np.testing.assert_array_equal(block[rows].argmax(axis=1), genotypes[rows, gene])


def test_dead_genes_are_zero():
    genotype = CHAIN.canonical(np.array([0, 2, 2, 1, 1]))
    assert genotype.tolist() == [0, 0, 0, 0, 1]
    assert CHAIN.decode(genotype) == {"depth": 2, "width": "wide"}
    assert CHAIN.size == (1 + 3 + 3 * (1 + 2 + 2)) * 2


def test_a_restriction_keeps_the_meaning_of_genotypes():
    restricted = CHAIN.restrict({"depth": (3, 4), "block3.kernel": (7,)})
    assert restricted.fingerprint == CHAIN.fingerprint
    assert restricted.size == (1 + 1 + 2 + 2) * 2
    genotype = restricted.sample(1, np.random.default_rng(0))[0]
    assert CHAIN.decode(genotype) == restricted.decode(genotype)
    assert restricted.smallest.tolist() == [1, 2, 0, 0, 0]
    with pytest.raises(ValueError, match="'depth'.*leaves out"):
        restricted.canonical(np.zeros(5, dtype=int))
    with pytest.raises(ValueError, match="without an option"):
        restricted.restrict({"depth": (2,)})


def test_the_fingerprint_depends_on_what_genotypes_mean():
    renamed = SearchSpace([Choice("deepness", (2, 3, 4))])
    assert renamed.fingerprint != SearchSpace([Choice("depth", (2, 3, 4))]).fingerprint
    assert renamed.fingerprint == SearchSpace([Choice("deepness", (2, 3, 4))]).fingerprint


def test_extremes():
    assert CHAIN.decode(CHAIN.largest) == {
        "depth": 4,
        "block3.kernel": 7,
        "block4.kernel": 7,
        "block4.shift": 1,
        "width": "wide",
    }
    assert CHAIN.decode(CHAIN.smallest) == {"depth": 2, "width": "narrow"}


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([Choice("a", (1,)), Choice("a", (2,))], "two choices are named 'a'"),
        ([Choice("a", ())], "different options"),
        ([Choice("a", (1, 1))], "different options"),
        ([Choice("a", (1,), when=("b", (1,))), Choice("b", (1,))], "no earlier choice"),
        ([Choice("a", (1,)), Choice("b", (1,), when=("a", (2,)))], "its options are"),
    ],
)
def test_choices_that_make_no_sense(choices, message):
    with pytest.raises(ValueError, match=message):
        SearchSpace(choices)


@pytest.mark.parametrize(
    ("genotypes", "message"),
    [
        (np.array([0, 0, 3, 0, 0]), "'block4.kernel' is 3, out of range"),
        (np.array([0, 0, 0, 0, -1]), "'width' is -1, out of range"),
        (np.zeros((2, 4), dtype=int), r"shape \(n, 5\)"),
        (np.zeros(5), "integers"),
    ],
)
def test_genotypes_that_make_no_sense(genotypes, message):
    with pytest.raises(ValueError, match=message):
        CHAIN.canonical(genotypes)


def test_options_that_make_no_sense():
    with pytest.raises(ValueError, match="unknown choices.*'height'"):
        CHAIN.encode({"height": 1})
    with pytest.raises(ValueError, match="'depth' has no option 5"):
        CHAIN.encode({"depth": 5, "width": "wide"})
    with pytest.raises(ValueError, match="no option given for.*block3.kernel"):
        CHAIN.encode({"depth": 3, "width": "wide"})


def test_a_choice_of_one_option_may_be_left_out():
    space = SearchSpace([Choice("resolution", (32,)), Choice("depth", (1, 2))])
    assert space.encode({"depth": 2}).tolist() == space.encode({"resolution": 32, "depth": 2}).tolist() == [0, 1]


def test_keys_tell_genotypes_apart():
    genotypes = CHAIN.sample(500, np.random.default_rng(0))
    assert len(set(genotype_keys(genotypes))) == len(np.unique(genotypes, axis=0))
    assert genotype_keys(genotypes) == genotype_keys(genotypes.astype(np.int32))


def test_what_takes_one_genotype_says_so_when_it_gets_several():
    space = SearchSpace([Choice("depth", (2, 3))])
    with pytest.raises(ValueError, match=r"takes one genotype, of shape \(1,\), got \(2, 1\)"):
        space.decode(np.array([[0], [1]]))


@pytest.mark.parametrize("options", [tuple(np.array([3, 5])), ((1, 2), (3, 4)), (None,)])
def test_options_are_plain_numbers_or_texts(options):
    with pytest.raises(ValueError, match=r"options of 'kernel' must be Python numbers or texts"):
        SearchSpace([Choice("kernel", options)])
