"""``nastoolkit explore``: the explorer as a page in the browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from nastoolkit.cli.notebooks import carried
from nastoolkit.support.extras import needed


def explore(
    folder: Annotated[Path, typer.Option(help="Folder that keeps what is measured.")] = Path("nastoolkit-explorer"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8866,
    browser: Annotated[bool, typer.Option(help="Open a browser, too.")] = True,
) -> None:
    """Open the explorer in the browser: a control for every choice of a network, and searches to watch.

    The page is for this machine only, at the address that is printed.
    """
    needed("voila", "the explorer as a page")
    folder.mkdir(parents=True, exist_ok=True)
    notebook = shutil.copy(carried("notebooks") / "explorer.ipynb", folder)
    options = ["--template=offline", "--token", "--Voila.ip=127.0.0.1", f"--port={port}", "--show_tracebacks=True"]
    command = [sys.executable, "-m", "voila", str(notebook), *options, *([] if browser else ["--no-browser"])]
    environment = os.environ | {"JUPYTER_PATH": str(carried("experiments/app"))}
    raise typer.Exit(subprocess.call(command, env=environment))
