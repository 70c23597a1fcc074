import numpy as np

from nastoolkit.search.genomes import Genomes
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace(
    [Choice("depth", (1, 2)), Choice("size", (1, 2, 3, 4, 5)), Choice("kernel", (3, 5, 7), when=("depth", (2,)))]
).restrict({"size": (1, 4, 5)})


def rng():
    return np.random.default_rng(0)


def test_places_are_as_wide_as_each_other():
    """Also those of options that are no neighbours, as others between them were taken out."""
    points = np.stack([np.zeros(3000), np.linspace(-0.5, 2.5, 3000), np.zeros(3000)], axis=1)
    genotypes = Genomes(SPACE).genotypes(points)
    np.testing.assert_allclose(np.bincount(genotypes[:, 1], minlength=5), [1000, 0, 0, 1000, 1000], atol=1)


def test_every_allowed_option_is_drawn_as_often():
    drawn = Genomes(SPACE).draw(3000, rng()).astype(int)
    for column, n in zip(drawn.T, (2, 3, 3), strict=True):
        np.testing.assert_allclose(np.bincount(column, minlength=n) / 3000, 1 / n, atol=0.04)


def test_a_genome_that_was_asked_for_is_remembered_once():
    genomes = Genomes(SPACE)
    points = np.array([[0.2, 1.9, 2.0], [1.0, 0.0, 1.0]])
    asked = genomes.ask_for(points)
    assert asked.tolist() == [[0, 4, 0], [1, 0, 1]]
    np.testing.assert_array_equal(genomes.of(asked[::-1], rng()), points[::-1])
    assert genomes.of(asked, rng())[0, :2].tolist() == [0.0, 2.0]


def test_the_dead_genes_of_others_are_drawn():
    others = np.tile([[0, 3, 0]], (3000, 1))
    points = Genomes(SPACE).of(others, rng())
    assert (points[:, :2] == [0, 1]).all()
    np.testing.assert_allclose(np.bincount(points[:, 2].astype(int), minlength=3) / 3000, 1 / 3, atol=0.04)


def test_genotypes_and_their_genomes_are_the_same_subnetworks():
    genotypes, genomes = SPACE.sample(100, rng()), Genomes(SPACE)
    np.testing.assert_array_equal(genomes.genotypes(genomes.of(genotypes, rng())), genotypes)
