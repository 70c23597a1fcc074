"""Jobs tell of every task, and refuse what they do not know."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.systems.exssnet import (
    EXSSNET,
    NAIVE,
    NEW,
    SSNET,
    TOLD,
    fading,
    learn_stream,
)
from nastoolkit.systems.exssnet.streams import PERMUTED, RELATED


def test_a_job_tells_of_every_task():
    given = {"seed": 1, "hidden": [40, 30], "n_steps": 20, "mask_rate": 0.01, "weight_rate": 0.01}
    rows = learn_stream(EXSSNET, 0.3, stream={"kind": RELATED, "n_tasks": 4}, transfer=TOLD, **given)
    assert [row["task"] for row in rows] == [0, 1, 2, 3] and all(row["changed"] == 0 for row in rows)
    assert all(row["accuracy"] == row["learnt"] > 20 and row["seconds"] > 0 for row in rows)
    assert [row.get("is_related") for row in rows] == [None, None, 1, 1] and all(0 <= row["early"] <= 100 for row in rows)
    assert rows[0]["free"] == 1 and rows[1]["free"] == pytest.approx(0.7, abs=0.01)
    naive = learn_stream(NAIVE, 0.3, stream={"kind": PERMUTED, "n_tasks": 2}, **given)
    assert naive[0]["changed"] > 0 == naive[1]["changed"] and naive[1]["free"] == 0 and naive[0]["early"] is None


@pytest.mark.parametrize(
    ("arm", "transfer", "words"), [("SSNeT", NEW, "unknown arm 'SSNeT'"), (SSNET, "knn", "unknown transfer")]
)
def test_what_is_not_known_is_told(arm, transfer, words):
    with pytest.raises(ValueError, match=f"^{words}.*; known: "):
        learn_stream(arm, 0.1, 0, {"kind": PERMUTED, "n_tasks": 2}, [40], 10, 0.01, 0.01, transfer)


def test_what_is_left_is_held_against_independent_masks():
    rows = pd.DataFrame({"density": 0.1, "task": [0, 1, 0, 1], "free": [1, 0.9, 1, 0.92]})
    found = fading(rows).set_index(["masks", "task"]).free
    assert found.to_dict() == pytest.approx(
        {("learnt", 0): 100, ("learnt", 1): 91, ("independent", 0): 100, ("independent", 1): 90}
    )
    assert np.isfinite(found).all()
