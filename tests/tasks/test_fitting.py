"""A task and a family that do not fit are refused before anything is measured or trained."""

import pytest

from nastoolkit.families import FAMILIES
from nastoolkit.measurements import NASWOT, Accuracy, StandAloneAccuracy
from nastoolkit.supernets import Supernet, load_supernet, with_new_head
from nastoolkit.tasks import TASKS
from nastoolkit.tasks.fitting import cells_for, check_inputs, check_outputs
from nastoolkit.training import Fixed, Recipe, fit, in_place_distillation

RECIPE = Recipe(n_steps=1, batch_size=4)
OTHER_CLASSES = {"digits-3589": 4, "digits-rotated": 9, "digits-sums": 19}
ITSELF = {"digits-mbv3": "digits", "digits-resnet50": "digits-few", "number-words-transformer": "number-words"}
ITSELF |= {"text-bert-words": "masked-words"}


def train(supernet, task):
    return fit(supernet, task, Fixed(supernet.family.space.smallest), in_place_distillation, RECIPE, progress=False)


@pytest.mark.parametrize("name", OTHER_CLASSES)
def test_other_classes_are_refused_with_the_way_out(name):
    supernet, task, n = load_supernet("digits-mbv3"), TASKS[name](), OTHER_CLASSES[name]
    before = supernet.fingerprint
    message = rf"'digits-mbv3' have 10 outputs.*'{name}' are {n} different ones: with_new_head\(supernet, {n}\)"
    for refused in (
        lambda: Accuracy(supernet, task),
        lambda: StandAloneAccuracy(supernet.family, task, RECIPE),
        lambda: train(supernet, task),
    ):
        with pytest.raises(ValueError, match=message):
            refused()
    assert supernet.fingerprint == before
    adapted = with_new_head(supernet, n)
    assert Accuracy(adapted, task).supernet is adapted and train(adapted, task).shape == (1,)


@pytest.mark.parametrize("name", ITSELF)
def test_what_fits_is_taken(name):
    family, task = FAMILIES[name](), TASKS[ITSELF[name]]()
    check_inputs(family, task, task.batch(0, 2).inputs)
    check_outputs(family, task)


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("hat-iwslt", "number-words", "have 6632 outputs, and the targets of task 'number-words' are 59 different ones$"),
        ("bert-base", "number-words", "have 2 outputs"),
        ("number-words-transformer", "digits", "have 59 outputs.* 10 different ones$"),
        ("ofa-mbv3-w1.0", "digits", "have 1000 outputs.*: with_new_head"),
    ],
)
def test_other_outputs_are_refused(name, task, message):
    with pytest.raises(ValueError, match=message):
        check_outputs(FAMILIES[name](), TASKS[task]())


@pytest.mark.parametrize(
    ("name", "task"),
    [("vit-b16", "digits"), ("ofa-resnet50", "digits"), ("digits-mbv3", "number-words"), ("bert-base", "number-words")],
)
def test_other_inputs_are_refused(name, task):
    data = TASKS[task]()
    with pytest.raises(ValueError, match=f"'{name}' takes inputs .* task '{task}' has"):
        check_inputs(FAMILIES[name](), data, data.batch(0, 2).inputs)


def test_a_proxy_needs_no_classes_but_inputs_that_fit(tiny):
    supernet = Supernet(tiny)
    assert NASWOT(supernet, TASKS["digits-sums"](), n_inputs=8)(tiny.space.smallest).shape == (1, 1)
    with pytest.raises(ValueError, match="takes inputs"):
        NASWOT(supernet, TASKS["number-words"](), n_inputs=8)(tiny.space.smallest)


def test_cells_are_made_for_the_images_and_classes_of_a_task():
    family = cells_for(TASKS["digits-3589"](), image_size=8, channels=2, n_cells=1)
    assert family.input_shape(family.space.smallest) == (1, 8, 8) and family.n_outputs == 4
    with pytest.raises(ValueError, match="the networks need a task with classes of images, and 'number-words' has none"):
        cells_for(TASKS["number-words"](), image_size=8, channels=2, n_cells=1)
