from pathlib import Path

import pytest
from guard import width_of
from site_links import broken, fetched_elsewhere, read_site

pytestmark = pytest.mark.browser
HTML = Path(__file__).resolve().parents[2] / "docs" / "_build" / "html"
SHOWN = {"docs_home": "index.html", "docs_lesson": "_notebooks/learn/*.html"}


@pytest.fixture(scope="module")
def site():
    if not (HTML / "index.html").exists():
        pytest.skip("the documentation is not built; make docs")
    return read_site(HTML)


def test_every_link_leads_somewhere(site):
    assert sum(len(page.links) for page in site.values()) > 1000
    assert broken(site) == []


def test_nothing_is_fetched_from_other_servers(site):
    assert fetched_elsewhere(site) == []


def test_the_site_opens_without_complaint_and_fits_a_phone(site, open_page, guard, phone):
    page = open_page(phone)
    wide = {}
    for path in site:
        page.goto(path.as_uri())
        if width_of(page) > phone["viewport"]["width"]:
            wide[path.relative_to(HTML).as_posix()] = width_of(page)
    assert wide == {}
    assert guard.exceptions + guard.console == []


@pytest.mark.parametrize("name", SHOWN)
def test_screenshots(site, open_page, phone, keep, name):
    path = min(HTML.glob(SHOWN[name]))
    for suffix, device in (("", None), ("_phone", phone)):
        page = open_page(device)
        page.goto(path.as_uri())
        keep(page, name + suffix)
