import numpy as np
import pytest

from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.predictors.importance import gene_importance
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace(
    [
        Choice("idle", (1, 2, 3)),
        Choice("strong", (1, 2, 3)),
        Choice("weak", (1, 2, 3)),
        Choice("depth", (1, 2)),
        Choice("deep", (1, 2, 3), when=("depth", (2,))),
    ]
)


def measured(values_of, n=200, space=SPACE):
    genotypes = space.sample(n, np.random.default_rng(0))
    return History(space, (Objective("score", "max"),), genotypes, values_of(genotypes).astype(float)[:, None])


def test_what_matters_more_comes_first_and_what_does_not_has_none():
    frame = gene_importance(measured(lambda genes: 4 * genes[:, 1] + genes[:, 2]), "ridge")
    assert frame.choice.tolist()[:2] == ["strong", "weak"] and len(frame) == 5
    # two random options of three differ by 8/9 on average
    assert frame.importance[:2].tolist() == pytest.approx([4 * 8 / 9, 8 / 9], rel=0.15)
    assert (frame.importance[2:].abs() < 0.05).all() and (frame["std"] < 0.3).all()


def test_a_depth_that_brings_genes_to_life_brings_their_options_as_often_as_they_are_drawn():
    history = measured(lambda genes: np.where(genes[:, 3] == 1, genes[:, 4] - 1, 0), n=600)
    frame = gene_importance(history, "svr").set_index("choice")
    assert frame.importance["depth"] > 0.1 and frame.importance["deep"] > 0.3
    assert (frame.importance[["idle", "strong", "weak"]].abs() < 0.03).all()


def test_failed_rows_and_closed_choices_are_left_out():
    history = measured(lambda genes: np.where(genes[:, 0] == 2, np.nan, genes[:, 1]), space=SPACE.restrict({"weak": (2,)}))
    frame = gene_importance(history, "ridge")
    assert "weak" not in frame.choice.tolist() and frame.choice[0] == "strong" and np.isfinite(frame.importance).all()


def test_it_is_the_same_every_time_and_leaves_the_global_generator_alone():
    history, before = measured(lambda genes: genes[:, 1]), np.random.get_state()[1].tolist()
    first, second = (gene_importance(history, "ridge", seed=3) for _ in range(2))
    assert first.equals(second) and np.random.get_state()[1].tolist() == before


def test_what_cannot_be_done_is_told():
    with pytest.raises(ValueError, match="unknown predictor 'oracle'; known: .*ridge"):
        gene_importance(measured(lambda genes: genes[:, 1]), "oracle")
    with pytest.raises(ValueError, match="5 folds need at least 10 measured sub-networks, got 8"):
        gene_importance(measured(lambda genes: genes[:, 1], n=8))
