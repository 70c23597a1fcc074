"""The links of a built site, read from its files: which lead nowhere, and which files it would fetch from other servers."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
NOT_FETCHED = {"canonical", "search", "next", "prev", "index", "author", "license"}  # kinds of <link>


@dataclass
class Page(HTMLParser):
    """What a page links to, what it fetches when it opens, and its ids."""

    path: Path
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag's id and addresses."""
        attributes = {name: value for name, value in attrs if value}
        self.ids |= {attributes[name] for name in ("id", "name") if name in attributes}
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        address = attributes.get(FETCHED.get(tag, ""))
        if address and attributes.get("rel") not in NOT_FETCHED:
            self.fetched.append(address)


def read_site(folder: Path) -> dict[Path, Page]:
    """All pages of a site, by their resolved paths."""
    return {path: Page(path) for path in sorted(folder.resolve().rglob("*.html"))}


def broken(site: dict[Path, Page]) -> list[str]:
    """Links to files or ids that are not there; addresses of other servers are not asked."""
    pairs = [(page, address) for page in site.values() for address in [*page.links, *page.fetched]]
    return sorted({f"{page.path.name}: {address}" for page, address in pairs if not _leads(site, page, address)})


def fetched_elsewhere(site: dict[Path, Page]) -> list[str]:
    """Scripts, styles, fonts and images that pages fetch from other servers."""
    return sorted({address for page in site.values() for address in page.fetched if urlsplit(address).netloc})


def _leads(site: dict[Path, Page], page: Page, address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return True
    target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    fragment_is_there = not parts.fragment or target not in site or unquote(parts.fragment) in site[target].ids
    return target.is_file() and fragment_is_there
