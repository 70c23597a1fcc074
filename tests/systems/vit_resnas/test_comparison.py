"""What the study's jobs tell, and that searches keep to their band of MACs."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.families import FAMILIES
from nastoolkit.systems.vit_resnas import (
    ARMS,
    MANY,
    ONE,
    RANDOM,
    SEARCHED,
    UNIFORM,
    Problem,
    RowMasked,
    alone,
    gains,
    inherited,
    of_equal_macs,
    uniformly_scaled,
)
from nastoolkit.systems.vit_resnas.comparison import BAND, judged, searched

pytestmark = pytest.mark.usefixtures("few_digits")
PROBLEM = {"task_name": "few", "image_size": 32, "family_name": "digits-multi-stage-vit"}
TRAINING = {"n_steps": 16, "batch_size": 8, "learning_rate": 0.003}
HOW = {"training": TRAINING, "warm_up": 0.5, "n_paths": 4, "n_judged": 3, "n_images": 40, "device": "cpu"}
SPACE = FAMILIES["digits-multi-stage-vit"]().space


@pytest.mark.parametrize("arm", ARMS)
def test_a_job_tells_what_it_cost_and_what_sub_networks_inherit(arm):
    rows = inherited(PROBLEM, arm, 100, levels=[0.5], budget=6, population=3, **HOW)
    spent, *networks, found = rows
    family = Problem(**PROBLEM).family()
    assert spent["passes"] == 16 and 16 * 8 * family.mmacs(SPACE.smallest) < 1000 * spent["gmacs"]
    assert 1000 * spent["gmacs"] <= 16 * 8 * family.mmacs(SPACE.largest) + 1e-9
    assert (spent["spread"] > 0) == (arm in (ONE, MANY))
    assert [row["network"] for row in networks] == [0, 1, 2]
    assert all(0 <= row["accuracy"] <= 100 and row["nll"] > 0 for row in networks)
    genotype, budget = SPACE.encode(found["found"]), family.mmacs(uniformly_scaled(SPACE, 0.5))
    assert family.mmacs(genotype) == found["mmacs"] and BAND * budget <= found["mmacs"] <= budget


def test_arms_have_the_same_weights_and_data_at_first():
    one, many = (inherited(PROBLEM, arm, 100, levels=[], budget=3, population=3, **HOW) for arm in (ONE, MANY))
    again = inherited(PROBLEM, MANY, 100, levels=[], budget=3, population=3, **HOW)
    assert many == again and one[1:] != many[1:] and many[0]["gmacs"] > one[0]["gmacs"]


def test_a_search_takes_the_best_of_its_band():
    supernet, task = RowMasked(Problem(**PROBLEM).family()).eval(), Problem(**PROBLEM).task
    best = searched(supernet, task, 0.5, 12, 4, 0, 40)
    budget = supernet.family.mmacs(uniformly_scaled(SPACE, 0.5))
    assert BAND * budget <= supernet.family.mmacs(best) <= budget
    assert judged(supernet, task, best, 40)["nll"] > 0


@pytest.mark.parametrize(("level", "dim", "heads"), [(0.0, 16, 2), (0.5, 24, 3), (1.0, 32, 4)])
def test_uniformly_scaled_networks_have_all_layers_and_one_level(level, dim, heads):
    options = SPACE.decode(uniformly_scaled(SPACE, level))
    assert options["stage1.dim"] == dim and all(options[f"stage{n}.layer2.depth"] == 1 for n in (1, 2, 3))
    assert {options[f"stage{n}.layer{m}.heads"] for n in (1, 2, 3) for m in (1, 2)} == {heads}


def test_networks_alone_are_deeper_or_without_skip_as_asked():
    how = {"seed": 100, "training": TRAINING, "options": None, "device": "cpu"}
    (shallow,), (deep,), (plain,) = (
        alone(PROBLEM, has_skip=skip, depth=depth, **how) for skip, depth in ((True, 1), (True, 2), (False, 1))
    )
    assert shallow["mmacs"] == plain["mmacs"] < deep["mmacs"] < 2 * shallow["mmacs"]
    assert shallow["nll"] != plain["nll"]
    (small,) = alone(PROBLEM, has_skip=True, depth=1, **(how | {"options": SPACE.decode(SPACE.smallest)}))
    assert small["mmacs"] == pytest.approx(Problem(**PROBLEM).family().mmacs(SPACE.smallest))


def test_gains_are_those_of_means_over_networks():
    rows = [
        {"task": "few", "seed": 0, "arm": arm, "network": number, "accuracy": base + number, "nll": nll}
        for arm, base, nll in ((ONE, 50, 1.0), (MANY, 52, np.exp(-0.05)))
        for number in (0, 1)
    ]
    found = pd.DataFrame([*rows, {"task": "few", "seed": 0, "arm": ONE, "gmacs": 1.0}])
    (row,) = gains(found, MANY, ONE).to_dict("records")
    assert row == {"task": "few", "seed": 0, "points": pytest.approx(2), "percent": pytest.approx(5)}


def test_rivals_have_as_many_macs_as_what_was_found():
    family, found = Problem(**PROBLEM).family(), SPACE.decode(SPACE.smallest)
    rivals = of_equal_macs(PROBLEM, 0.5, 0, found)
    macs = {name: family.macs(SPACE.encode(options)) for name, options in rivals.items()}
    assert rivals[SEARCHED] == found and rivals[UNIFORM] == SPACE.decode(uniformly_scaled(SPACE, 0.5))
    assert BAND * macs[UNIFORM] <= macs[RANDOM] <= macs[UNIFORM] and rivals != of_equal_macs(PROBLEM, 0.5, 1, found)
    with pytest.raises(ValueError, match="^none of 10,000 random networks has 97.5 to 100 % of the MACs at level 1.0: try"):
        of_equal_macs(PROBLEM, 1.0, 0, found)


def test_another_family_is_refused():
    with pytest.raises(ValueError, match="^'digits-vit' is not a family of multi-stage ViTs, such as digits-multi-stage-vit$"):
        Problem(task_name="few", image_size=32, family_name="digits-vit")
