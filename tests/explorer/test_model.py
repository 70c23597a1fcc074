import numpy as np
import pytest

from nastoolkit.explorer import Model
from nastoolkit.explorer.model import LEAST_FITTED, genes_of
from nastoolkit.families import FAMILIES
from nastoolkit.history import History


@pytest.fixture
def looked_at(model):
    """The model after a study of 30 sub-networks whose accuracy is their number of parameters, in thousands."""
    genotypes = np.unique(model.space.sample(30, np.random.default_rng(1)), axis=0)
    values = np.stack([model.family.params(genotypes) / 1e3, model.table.latency_ms(genotypes)], axis=1)
    model.add(History(model.space, model.objectives, genotypes, values))
    return model


def test_it_begins_with_the_largest_network_accuracy_and_latency(model):
    assert model.genotype.tolist() == model.space.largest.tolist()
    assert [o.name for o in model.objectives] == ["accuracy_top1", "latency_ms"]
    assert model.hardware == "fast" and model.budget == pytest.approx(np.mean(model.cost_range))


def test_a_choice_changes_one_gene_and_what_depends_on_it(model):
    depth = model.space.names.index("stage1.depth")
    model.choose(depth, 0)
    expected = model.space.largest.copy()
    expected[depth] = 0
    assert model.genotype.tolist() == model.space.canonical(expected).tolist()
    assert not model.space.alive(model.genotype)[model.space.names.index("stage1.block2.kernel")]


def test_it_tells_of_a_new_genotype_once_and_of_the_same_one_never(model):
    told = []
    model.observe(lambda change: told.append(change["new"].tolist()), "genotype")
    model.show(model.space.smallest)
    model.show(model.space.smallest)
    assert told == [model.space.smallest.tolist()]


def test_another_table_changes_the_latencies_of_the_study_and_the_budget(looked_at):
    before, budget = looked_at.study.values[:, 1], looked_at.budget
    looked_at.run = looked_at.study
    looked_at.hardware = "slow"
    np.testing.assert_allclose(looked_at.study.values[:, 1], 2 * before)
    assert looked_at.budget == pytest.approx(2 * budget) and looked_at.run is None


@pytest.mark.parametrize("quality", ["accuracy_top1", "mmacs", "params"])
@pytest.mark.parametrize("cost", ["latency_ms", "mmacs", "params"])
def test_no_objective_is_maximised_and_minimised(looked_at, quality, cost):
    if cost in looked_at.costs:
        looked_at.cost = cost
    looked_at.quality = quality
    assert looked_at.cost != quality and looked_at.cost in looked_at.costs
    assert looked_at.cost == cost or cost == quality
    assert len(looked_at.study.front()) >= 1


def test_within_the_budget_the_best_is_found(looked_at):
    study = looked_at.study
    looked_at.budget = float(np.median(study.values[:, 1]))
    affordable = study.values[:, 1] <= looked_at.budget
    assert looked_at.within_budget().values[0, 0] == study.values[affordable, 0].max()
    looked_at.budget = study.values[:, 1].min() - 1
    assert len(looked_at.within_budget()) == 0


def test_networks_without_accuracy_are_no_part_of_the_front_until_they_are_measured(looked_at):
    best = looked_at.space.largest
    unknown = History(looked_at.space, looked_at.objectives, best[None], np.array([[np.nan, 1.0]]))
    looked_at.add(unknown)
    assert genes_of(best) in looked_at.measured and best.tolist() not in looked_at.study.front().genotypes.tolist()
    looked_at.note_accuracy(best, 1e6)
    assert best.tolist() in looked_at.study.front().genotypes.tolist()
    looked_at.add(unknown)
    assert looked_at.measured[genes_of(best)] == 1e6


def test_accuracy_is_predicted_from_what_was_measured(looked_at):
    genotypes, values = looked_at.known
    held_out, fitted = genotypes[-1], slice(0, len(values) - 1)
    looked_at.measured = {genes_of(g): v for g, v in zip(genotypes[fitted], values[fitted], strict=True)}
    looked_at.show(held_out)
    assert looked_at.accuracy_measured is None
    assert looked_at.accuracy_predicted == pytest.approx(values[-1], abs=0.2 * np.ptp(values))
    looked_at.measured = dict(list(looked_at.measured.items())[: LEAST_FITTED - 1])
    assert looked_at.accuracy_predicted is None


def test_measured_latencies_belong_to_their_hardware(model):
    model.note_latency(model.genotype, "slow", 3.0)
    assert model.latency_measured is None
    model.hardware = "slow"
    assert model.latency_measured == 3.0


def test_the_space_is_what_all_tables_measured(tiny, table_of):
    tables = {"all": table_of(tiny), "part": table_of(tiny, within={"stage1.depth": [1]})}
    model = Model(tiny, tables)
    assert model.space.size == tiny.space.restrict({"stage1.depth": [1]}).size
    model.hardware = "part"
    assert np.isfinite(model.cost_range).all()


def test_tables_of_another_family_are_refused(tiny, narrow, table_of):
    with pytest.raises(ValueError, match="'other'.*'tiny'"):
        Model(tiny, {"other": table_of(narrow)})


def test_without_tables_and_weights_capacity_is_weighed_against_size(any_model):
    assert any_model.quality == "mmacs" and any_model.cost == "params" and any_model.table is None
    assert any_model.accuracy_predicted is None and any_model.latency_measured is None
    assert set(FAMILIES) >= {any_model.family.name}
