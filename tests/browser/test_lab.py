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


def test_jupyters_own_settings_are_the_safe_ones():
    from jupyter_server.serverapp import ServerApp  # which make test, run without a lab, has not

    server = ServerApp()
    assert server.ip in ("localhost", "127.0.0.1", "::1") and not server.allow_remote_access
    provider = server.identity_provider_class(parent=server)
    assert len(provider.token) >= 32 and provider.auth_enabled
