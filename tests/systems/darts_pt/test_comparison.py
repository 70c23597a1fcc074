"""What a job of the study tells."""

import pandas as pd

from nastoolkit.systems.darts_pt.comparison import PICKS, all_cells, code, family_of, search_and_pick
from nastoolkit.tasks import load_task

HOW = {"batch_size": 8, "learning_rate": 0.1, "alpha_rate": 0.1, "n_tuning": 1, "n_strength": 1, "n_held": 20, "device": "cpu"}


def test_a_space_of_two_operations_has_64_cells(sizes_of):
    space = family_of(load_task("few"), sizes_of("skip_connect")).space
    cells = all_cells(space)
    assert len(cells) == space.size == 64 and min(cells) == "000000" and max(cells) == "111111"
    assert all(code(cell) == name for name, cell in cells.items())


def test_a_job_tells_of_picks_of_operations_and_of_the_way(sizes_of):
    sizes = {**sizes_of("noise"), "n_nodes": 3}
    one, same = (pd.DataFrame(search_and_pick("few", sizes, 100, 4, n_looks=3, **HOW)) for _ in range(2))
    pd.testing.assert_frame_equal(one, same)
    cells = all_cells(family_of(load_task("few"), sizes).space)
    assert one.arm.dropna().tolist() == list(PICKS) and set(one.cell.dropna()) <= set(cells)
    assert one.step.dropna().tolist() == [2, 3, 4] and one.gap.dropna().abs().max() < 1
    assert one.edge.notna().sum() == 6 and one.accuracy.dropna().between(0, 100).all()
