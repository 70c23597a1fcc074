"""What pages ask for and complain of: no request may leave this machine."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page

LOOPBACK = ("127.0.0.1", "localhost")
# The browser finds no other host, so that a page which needs one fails here as it does without a network.
OFFLINE = f"--host-resolver-rules=MAP * ~NOTFOUND, {', '.join(f'EXCLUDE {host}' for host in LOOPBACK)}"


@dataclass
class Guard:
    """Addresses of other machines that were asked for, uncaught exceptions, and errors in the console."""

    outside: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Note what all pages of a context do from now on."""
        context.on("request", lambda request: self._request(request.url))
        context.on("weberror", lambda error: self.exceptions.append(str(error.error)))
        context.on("console", lambda message: self.console.append(message.text) if message.type == "error" else None)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._request(socket.url)))

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in LOOPBACK:
            self.outside.append(url)


def width_of(page: Page) -> int:
    """How wide the page is, in CSS pixels; more than the window means that it scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth")
