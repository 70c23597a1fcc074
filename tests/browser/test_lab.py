import pytest
from lab import errors, open_notebook, run_all_cells, show_cell

pytestmark = pytest.mark.browser


def test_the_quickstart_runs(lab, open_page, keep):
    page = open_page()
    open_notebook(page, lab, "quickstart")
    cells = run_all_cells(page, seconds=600)
    assert errors(cells) == []
    show_cell(page, "plot_hypervolume(")
    keep(page, "quickstart_lab")
