import numpy as np
import pytest

from nastoolkit.explorer import Model
from nastoolkit.explorer.choices import Choices, groups_of
from nastoolkit.families import FAMILIES


def test_every_gene_has_one_control_in_one_group(any_model):
    groups = groups_of(any_model.space)
    genes = [gene for rows in groups.values() for row in rows.values() for gene in row]
    assert sorted(genes) == list(range(any_model.space.n_genes))
    for gene, control in enumerate(Choices(any_model).controls):
        assert [text for text, _ in control.options] == [str(o) for o in any_model.space.choices[gene].options]


def test_groups_follow_the_names():
    groups = groups_of(FAMILIES["digits-resnet50"]().space)
    assert list(groups) == ["network", "stage1", "stage2", "stage3"]
    assert set(groups["network"]) == {"", "stem"} and set(groups["stage1"]) == {"", "block1", "block2", "block3"}


def test_controls_follow_the_model_and_the_dead_ones_are_disabled(any_model):
    controls = Choices(any_model).controls
    for genotype in [any_model.space.smallest, *any_model.space.sample(5, np.random.default_rng(0))]:
        any_model.show(genotype)
        alive = any_model.space.alive(genotype)
        assert [not control.disabled for control in controls] == alive.tolist()
        assert all(control.value == option for control, option, live in zip(controls, genotype, alive, strict=True) if live)


def test_the_model_follows_a_control(model):
    controls = Choices(model).controls
    gene = model.space.names.index("stage2.depth")
    controls[gene].value = 0
    assert model.genotype[gene] == 0 and controls[model.space.names.index("stage2.block2.kernel")].disabled
    controls[gene].value = 1
    assert model.genotype[gene] == 1 and not controls[model.space.names.index("stage2.block2.kernel")].disabled


def test_options_that_no_table_knows_are_not_offered(tiny, table_of):
    model = Model(tiny, {"part": table_of(tiny, within={"stage1.depth": [1], "stage1.block1.kernel": [5]})})
    controls = dict(zip(model.space.names, Choices(model).controls, strict=True))
    assert [text for text, _ in controls["stage1.block1.kernel"].options] == ["5"]
    controls["stage1.block1.expand"].value = 1
    assert model.space.decode(model.genotype)["stage1.block1.expand"] == tiny.space.choices[3].options[1]


@pytest.mark.parametrize("kind", ["SelectionSlider", "ToggleButtons"])
def test_there_are_sliders_and_buttons(model, kind):
    assert kind in {type(control).__name__ for control in Choices(model).controls}
