"""JupyterLab and Voila, processes of their own on free ports of this machine, with tokens, ended with the ``with`` block."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import papermill
from profiles import fitting_values, profile_values

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
QUIET = {"fetchNews": "false", "checkForUpdates": False}  # else JupyterLab asks whether it may fetch its news


@dataclass(frozen=True)
class Server:
    """A server's port on this machine, and the token that it asks for."""

    port: int
    token: str

    @classmethod
    def on_a_free_port(cls) -> "Server":
        """One that does not run yet."""
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            return cls(probe.getsockname()[1], secrets.token_hex(16))

    def url(self, path: str) -> str:
        """The address of a path, with the token."""
        return f"http://{HOST}:{self.port}/{path}?token={self.token}"

    def options(self, application: str) -> list[str]:
        """Where an application listens, and that it opens no window."""
        settings = {"ip": HOST, "port": self.port, "port_retries": 0, "open_browser": False}
        return [f"--{application}.{name}={value}" for name, value in settings.items()]


def write_notebook(name: str, folder: Path, **settings: object) -> Path:
    """A copy of ``notebooks/<name>.ipynb`` in ``folder`` with the values of its smoke profile, then ``settings``."""
    output = {"output_dir": str(folder / f"{Path(name).name}_output")}
    values = fitting_values(name, output | profile_values(name, "smoke", ROOT) | settings, {}, ROOT)
    path = folder / f"{Path(name).name}.ipynb"
    papermill.execute_notebook(str(ROOT / "notebooks" / f"{name}.ipynb"), str(path), values, prepare_only=True)
    return path


@contextmanager
def jupyterlab(folder: Path) -> Iterator[Server]:
    """JupyterLab on the notebooks of a folder, with no settings of the user's."""
    server, settings = Server.on_a_free_port(), folder / ".jupyter"
    notifications = settings / "lab" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notifications.parent.mkdir(parents=True)
    notifications.write_text(json.dumps(QUIET))
    own = {"JUPYTERLAB_SETTINGS_DIR": settings / "lab", "JUPYTERLAB_WORKSPACES_DIR": settings / "workspaces"}
    options = ["--allow-root", "--expose-app-in-browser", f"--IdentityProvider.token={server.token}"]
    with _running(server, ["jupyterlab", *options, *server.options("ServerApp")], folder, own):
        yield server


@contextmanager
def voila(notebook: Path) -> Iterator[Server]:
    """Voila on one notebook, as ``make app`` starts it; it runs the notebook anew for each visitor."""
    server = Server.on_a_free_port()
    options = [notebook.name, "--template=offline", f"--token={server.token}", *server.options("Voila")]
    with _running(server, ["voila", *options], notebook.parent, {"JUPYTER_PATH": ROOT / "experiments" / "app"}):
        yield server


@contextmanager
def _running(server: Server, arguments: Sequence[str], folder: Path, environment: Mapping[str, Path]) -> Iterator[None]:
    directories = {f"JUPYTER_{name.upper()}_DIR": folder / ".jupyter" / name for name in ("config", "runtime")}
    own = {name: str(path) for name, path in {**directories, **environment}.items()}
    log = folder / f"{arguments[0]}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=folder, env=os.environ | own, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait(process, server.port, log)
        yield
    finally:
        process.terminate()  # it ends its kernels first
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)
        process.kill()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nothing answers on port {port}:\n{log.read_text()[-2000:]}")
