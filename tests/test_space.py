import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.space import Choice, SearchSpace, genotype_keys
from nastoolkit.twins import Twins

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
def twins(draw, choices, gene):
    """Random twins of a choice, which depend on up to two earlier ones."""
    given = sorted(draw(st.sets(st.integers(0, gene - 1), max_size=2))) if gene else []
    shape = [len(choices[other].options) for other in (*given, gene)]
    groups = np.random.default_rng(draw(st.integers(0, 2**32))).integers(3, size=shape)
    first = (groups[..., :, None] == groups[..., None, :]).argmax(-1)
    return Twins(choices[gene].name, tuple(choices[other].name for other in given), first)


@st.composite
def spaces(draw):
    """Small random spaces: conditions nest, options are twins, and some are taken out by a restriction."""
    choices = []
    for gene in range(draw(st.integers(1, 5))):
        options = tuple(range(10, 10 + draw(st.integers(1, 3))))
        when = None
        if choices and draw(st.booleans()):
            parent = draw(st.sampled_from(choices))
            when = (parent.name, tuple(draw(st.lists(st.sampled_from(parent.options), unique=True))))
        choices.append(Choice(f"c{gene}", options, when))
    space = SearchSpace(choices).merge(draw(twins(choices, gene)) for gene in draw(st.sets(st.integers(0, len(choices) - 1))))
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


WIDTHS = SearchSpace([Choice("width", (1, 2, 3)), Choice("expand", (4, 5, 6, 7))]).merge(
    [
        Twins("width", (), np.array([0, 1, 1])),
        Twins("expand", ("width",), np.array([[0, 1, 1, 0], [0, 1, 2, 3], [0, 1, 2, 3]])),
    ]
)


def test_twins_are_one_subnetwork():
    assert WIDTHS.canonical(np.array([[2, 3], [0, 3], [0, 2], [1, 1]])).tolist() == [[1, 3], [0, 0], [0, 1], [1, 1]]
    assert WIDTHS.size == WIDTHS.n_different == 2 + 4
    assert WIDTHS.decode(WIDTHS.encode({"width": 3, "expand": 4})) == {"width": 2, "expand": 4}
    assert WIDTHS.fingerprint == SearchSpace(WIDTHS.choices).fingerprint
    sampled = {tuple(row) for row in WIDTHS.sample(500, np.random.default_rng(0)).tolist()}
    assert sampled == {(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (1, 3)}


def test_a_restriction_keeps_the_subnetworks_that_have_a_twin_in_it():
    restricted = WIDTHS.restrict({"width": (1, 3), "expand": (6, 7)})
    assert restricted.size == 2 + 2 and restricted.allowed == ((0, 2), (2, 3))
    rows = np.array([[0, 0], [0, 1], [1, 2], [1, 3]])  # with expansions 7 and 6, 6, 7 or their first twins
    np.testing.assert_array_equal(restricted.canonical(rows), rows)
    np.testing.assert_array_equal(restricted.canonical(np.array([[0, 3], [0, 2], [2, 2], [2, 3]])), rows)
    assert restricted.repair(np.array([[0.1, 0.2], [2.0, 0.0], [1.2, 1.0]])).tolist() == [[0, 0], [1, 2], [1, 2]]
    with pytest.raises(ValueError, match="'expand'.*leaves out"):
        restricted.canonical(np.array([1, 0]))


def test_a_published_size_may_count_twins_apart():
    space = SearchSpace([Choice("width", (1, 2, 3))], counts_twins=True).merge([Twins("width", (), np.array([0, 0, 2]))])
    assert (
        (space.size, space.n_different) == (3, 2) == (space.restrict({"width": (1, 2)}).size + 1, len(every_genotype(space)))
    )
    assert repr(space) == "SearchSpace(1 choices, 3 sub-networks, 2 of them different)"


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
        ([("a", (1,)), ("a", (2,))], "two choices are named 'a'"),
        ([("a", ())], "different options"),
        ([("a", (1, 1))], "different options"),
        ([("a", (1,), ("b", (1,))), ("b", (1,))], "not an earlier choice"),
        ([("a", (1,)), ("b", (1,), ("a", (2,)))], "its options are"),
    ],
)
def test_choices_that_make_no_sense(choices, message):
    with pytest.raises(ValueError, match=message):
        SearchSpace(Choice(*choice) for choice in choices)


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
    with pytest.raises(ValueError, match=r"options of 'kernel' must be all numbers or all texts"):
        Choice("kernel", options)


def test_options_are_not_numbers_and_texts_at_once():
    with pytest.raises(ValueError, match=r"options of 'kernel' must be all numbers or all texts, got \(3, 'five'\)"):
        Choice("kernel", (3, "five"))
    assert SearchSpace([Choice("kernel", (3, 4.5))]).size == SearchSpace([Choice("kernel", ("a", "b"))]).size == 2


SCALARS = (
    st.none() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=2) | st.lists(st.integers(), max_size=1)
)
OPTIONS = st.lists(SCALARS, max_size=3).map(tuple)
CHOICES = st.tuples(st.sampled_from("abc"), OPTIONS, st.none() | st.tuples(st.sampled_from("abcd"), OPTIONS))


@given(
    st.lists(CHOICES, min_size=1, max_size=4),
    st.dictionaries(st.sampled_from("abcd"), OPTIONS),
    st.dictionaries(st.text(max_size=1), SCALARS),
)
def test_what_makes_no_sense_is_a_value_error(choices, restriction, options):
    try:
        space = SearchSpace(Choice(*choice) for choice in choices).restrict(restriction)
        assert space.size == len(every_genotype(space))
        assert (space.canonical(space.sample(3, np.random.default_rng(0))) >= 0).all()
        space.encode(options)
    except ValueError:
        pass


@given(st.lists(st.floats() | st.integers() | st.booleans() | st.text(max_size=1) | st.none(), max_size=6))
def test_a_list_is_a_genotype_only_if_it_is_all_small_integers(genes):
    try:
        genotype = CHAIN.canonical(np.array(genes))
    except (ValueError, OverflowError):
        return
    assert genotype.dtype == np.int64 and len(genes) == 5
    assert all(type(gene) is int and 0 <= gene < 3 for gene in genes)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.uint64, np.int32])
def test_genotypes_of_any_integer_type_are_taken(kind):
    for taken in (CHAIN.check, CHAIN.check_one, CHAIN.canonical):
        np.testing.assert_array_equal(found := taken(np.array([2, 1, 2, 1, 0], dtype=kind)), [2, 1, 2, 1, 0])
        assert found.dtype == np.int64
    assert CHAIN.alive(np.array([[1, 1, 2, 1, 0], [2, 1, 0, 0, 0]], dtype=kind)).tolist() == [
        [True, True, False, False, True],
        [True, True, True, False, True],
    ]


def test_the_place_of_what_is_wrong_is_told():
    with pytest.raises(ValueError, match=r"^gene 'block3.kernel' is 5, out of range 0..2 \(an index into \(3, 5, 7\)\)$"):
        CHAIN.canonical(np.array([[2, 0, 0, 0, 0], [2, 5, 0, 0, 0], [9, 9, 9, 9, 9]]))
    with pytest.raises(ValueError, match=r"^genotypes must have shape \(n, 5\) in this space, got \(1, 1, 5\)$"):
        CHAIN.check(np.zeros((1, 1, 5), dtype=int))
    with pytest.raises(ValueError, match=r"^genotypes must be integers \(indices of options\), got float64$"):
        CHAIN.alive(np.zeros(5))
    restricted = CHAIN.restrict({"width": ("wide",)})
    with pytest.raises(ValueError, match=r"^a genotype uses an option of 'width' that this restricted space leaves out$"):
        restricted.canonical(np.array([[2, 0, 0, 0, 1], [2, 0, 0, 0, 0]]))


def test_repair_takes_the_nearest_option_that_is_left():
    space = SearchSpace([Choice("a", tuple(range(10)))]).restrict({"a": (2, 3, 7)})
    points = np.array([-np.inf, -5, 0, 2.4, 2.6, 4.4, 5, 5.6, 7, 99, np.inf])[:, None]
    assert space.repair(points)[:, 0].tolist() == [2, 2, 2, 2, 3, 3, 3, 7, 7, 7, 7]  # 5 is as near to 3: the smaller one
    assert space.repair(points).dtype == np.int64
    whole = SearchSpace([Choice("a", (1, 2, 3, 4)), Choice("b", (1, 2))])
    assert whole.repair(np.array([[-9.0, 0.2], [99, 99], [2.6, 0.6]])).tolist() == [[0, 0], [3, 1], [3, 1]]
    with pytest.raises(ValueError, match="^there is no genotype near a NaN$"):
        space.repair(np.array([[1.0], [np.nan]]))


def test_samples_are_uniform_over_the_options_that_are_left():
    space = SearchSpace([Choice("a", (1, 2, 3, 4)), Choice("b", (1, 2))]).restrict({"a": (2, 3, 4)})
    sampled = space.sample(6000, np.random.default_rng(0))
    assert sampled.shape == (6000, 2) and sampled.dtype == np.int64
    counts = np.unique(sampled, axis=0, return_counts=True)[1]
    assert len(counts) == 6 and (900 < counts).all() and (counts < 1100).all()


def test_restrictions_add_up_and_leave_the_space_as_it_was():
    once = CHAIN.restrict({"block3.kernel": (3, 5)})
    twice = once.restrict({"block3.kernel": (7, 5), "width": ["narrow", "narrow"]})
    assert twice.allowed == ((0, 1, 2), (1,), (0, 1, 2), (0, 1), (0,))
    assert once.allowed[1] == (0, 1) and CHAIN.allowed[1] == (0, 1, 2) and CHAIN.allowed[4] == (0, 1)
    with pytest.raises(ValueError, match=r"^the restriction leaves 'block3.kernel' without an option$"):
        once.restrict({"block3.kernel": (7,)})
    with pytest.raises(ValueError, match=r"^'depth' has no option 9; its options are \(2, 3, 4\)$"):
        CHAIN.restrict({"depth": (2, 9)})
    with pytest.raises(ValueError, match=r"^unknown choices \['height'\]; this space has \['depth', 'block3.kernel'"):
        CHAIN.restrict({"height": (2,)})


def test_names_sizes_and_what_it_says():
    space = SearchSpace(
        [Choice("depth", (2, 3, 4)), Choice("kernel", (3, 5, 7), ("depth", (3, 4))), Choice("width", ("a", "b"))]
    )
    assert space.names == ("depth", "kernel", "width") and space.n_genes == 3
    assert repr(space) == "SearchSpace(3 choices, 14 sub-networks)" and type(space.size) is int
    assert SearchSpace(Choice(f"c{i}", range(5)) for i in range(60)).size == 5**60
    assert SearchSpace([]).size == 1 and SearchSpace([]).sample(2, np.random.default_rng(0)).shape == (2, 0)


def test_fingerprints_stay_so_that_stores_do():
    choices = [
        Choice("depth", (2, 3, 4)),
        Choice("block3.kernel", (3, 5, 7), ("depth", (3, 4))),
        Choice("width", ("narrow", "wide")),
    ]
    assert SearchSpace(choices).fingerprint == "8ab9e845b0f765df"


def test_the_least_and_the_greatest_option_may_stand_anywhere():
    space = SearchSpace([Choice("a", (5, 7, 3, 4)), Choice("b", ("m", "z", "a"))])
    assert (space.smallest.tolist(), space.largest.tolist()) == ([2, 0], [1, 2])  # texts have no order but that of the options
    part = space.restrict({"a": (5, 4), "b": ("m", "a")})
    assert (part.smallest.tolist(), part.largest.tolist()) == ([3, 0], [0, 2]) and part.largest.dtype == np.int64


def test_a_choice_of_two_options_may_not_be_left_out():
    with pytest.raises(ValueError, match=r"^no option given for \['depth'\]$"):
        SearchSpace([Choice("depth", (1, 2)), Choice("width", (8,))]).encode({})


def test_one_hot_of_one_genotype_is_a_row():
    features = CHAIN.one_hot(np.array([1, 2, 0, 0, 1]))
    assert features.tolist() == [[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]] and features.dtype == np.float64


def test_dead_choices_may_be_given_and_are_ignored():
    options = {"depth": 2, "block3.kernel": 7, "block4.kernel": 5, "block4.shift": 1, "width": "wide"}
    assert CHAIN.encode(options).tolist() == [0, 0, 0, 0, 1]
    with pytest.raises(ValueError, match="'block3.kernel' has no option 9"):
        CHAIN.encode({**options, "block3.kernel": 9})


def test_a_space_larger_than_any_float_says_its_size():
    hundreds, thousands = (SearchSpace(Choice(f"c{i}", range(64)) for i in range(n)) for n in (200, 2500))
    assert repr(hundreds) == "SearchSpace(200 choices, 1.72e+361 sub-networks)"
    assert thousands.size_in_words == "2.82e+4515 sub-networks"  # Python writes no integer of more than 4,300 digits
    assert CHAIN.restrict({"depth": (4,)}).size_in_words == "30 sub-networks"


def test_options_may_come_in_anything_that_can_be_gone_through():
    choices = [
        Choice("depth", range(1, 5)),
        Choice("kernel", [3, 5], ("depth", range(3, 5))),
        Choice("width", {7}, ["depth", {4}]),
    ]
    assert choices[0].options == (1, 2, 3, 4) and choices[1].when == ("depth", (3, 4)) and choices[2].when == ("depth", (4,))
    plain = [
        Choice("depth", (1, 2, 3, 4)),
        Choice("kernel", (3, 5), ("depth", (3, 4))),
        Choice("width", (7,), ("depth", (4,))),
    ]
    assert choices == plain and hash(choices[1]) == hash(plain[1])
    assert SearchSpace(choices).fingerprint == SearchSpace(plain).fingerprint


@pytest.mark.parametrize("nothing", [0, None, np.nan, np.float32("nan"), pd.NA, 0.0])
def test_nothing_may_be_given_for_dead_choices(nothing):
    options = {"depth": 2, "block3.kernel": nothing, "block4.kernel": nothing, "block4.shift": nothing, "width": "wide"}
    assert CHAIN.encode(options).tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_nothing_is_no_option_of_a_live_choice(nothing):
    with pytest.raises(ValueError, match=r"^no option given for \['width'\]$"):
        CHAIN.encode({"depth": 2, "width": nothing})
    assert SearchSpace([Choice("norm", ("None", "nan"))]).encode({"norm": "nan"}).tolist() == [1]
    with pytest.raises(ValueError, match="has no option 0"):
        CHAIN.encode({"depth": 0, "width": "wide"})


def test_names_say_kind_place_and_role():
    kernel, alone = Choice("stage1.block3.kernel", (3, 5)), Choice("kernel0", (3, 5), kind="size")
    assert (kernel.kind, kernel.place, kernel.role) == ("kernel", "stage1.block3", "stage.block.kernel")
    assert (alone.kind, alone.place, alone.role, Choice("7", (1,)).kind) == ("size", "", "kernel", "choice")
