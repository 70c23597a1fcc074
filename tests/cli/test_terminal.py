"""What commands print: tables on a terminal, plain lines elsewhere, JSON for programs; and how they end."""

import json
import os
import pty
import re
import sys
from contextlib import suppress

import pandas as pd
import pytest
import typer

from nastoolkit.cli.terminal import run, show, show_frame

FRONT = [{"accuracy_top1": 91.23456, "genotype": "0,1,2"}, {"accuracy_top1": 90.0, "genotype": ",".join("3" * 60)}]
RESULT = {"evaluations": 12, "error": float("nan"), "front": FRONT, "files": ["a[b].onnx"], "nothing": []}
FRAME = pd.DataFrame({"linas": ["2 [1, 4]"], "nsga2": ["-"]}, index=["evaluations to 5 (low)"])


@pytest.fixture
def printed(monkeypatch):
    """What a function prints to a real terminal of 60 columns."""

    def collect(function, *arguments):
        main, end = pty.openpty()
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.setenv("TERM", "xterm")
        with os.fdopen(end, "w") as terminal, monkeypatch.context() as context:
            context.setattr(sys, "stdout", terminal)
            function(*arguments)
        parts = []
        with suppress(OSError):  # its end
            while part := os.read(main, 1 << 16):
                parts.append(part)
        os.close(main)
        return re.sub(r"\x1b\[[\d;]*m", "", b"".join(parts).decode().replace("\r\n", "\n"))  # bold print

    return collect


def test_a_terminal_gets_tables_that_fit_and_lose_nothing(printed):
    text = printed(show, RESULT, False)
    assert "┃" in text and max(map(len, text.splitlines())) <= 60
    cells = text.replace("│", " ").split()
    assert {"evaluations", "12", "nan", "91.23", "0,1,2", "a[b].onnx"} <= set(cells)
    assert text.count("3,") == 59  # the long genotype is folded, not cut


def test_elsewhere_it_is_plain_lines(capsys):
    show(RESULT, False)
    assert capsys.readouterr().out.splitlines() == [
        "evaluations: 12",
        "error: nan",
        "front:",
        "  accuracy_top1=91.23  genotype=0,1,2",
        f"  accuracy_top1=90  genotype={','.join('3' * 60)}",
        "files:",
        "  a[b].onnx",
        "nothing:",
    ]


def test_json_is_one_object_on_a_terminal_too(printed):
    assert json.loads(printed(show, RESULT, True)) == {**RESULT, "error": None}


def test_a_frame_is_drawn_on_a_terminal_and_plain_elsewhere(printed, capsys):
    text = printed(show_frame, FRAME)
    assert "┃" in text and {"linas", "nsga2", "2", "[1,", "4]", "(low)"} <= set(
        text.replace("│", " ").replace("┃", " ").split()
    )
    show_frame(FRAME)
    assert capsys.readouterr().out == f"{FRAME.to_string()}\n"


@pytest.mark.parametrize(
    ("advice", "told"),
    [("run it again", "run it again"), (None, "interrupted; run the same command again to start anew")],
)
def test_ctrl_c_ends_a_command_with_how_to_go_on(monkeypatch, capsys, advice, told):
    app = typer.Typer()

    @app.command()
    def wait() -> None:
        raise KeyboardInterrupt(*[advice] if advice else [])  # test_interrupts.py sends the signal

    monkeypatch.setattr(sys, "argv", ["wait"])
    with pytest.raises(SystemExit) as ended:
        run(app)
    out, err = capsys.readouterr()
    assert ended.value.code == 130 and not out and err.strip() == told


def test_an_ordinary_end_is_one(monkeypatch):
    app = typer.Typer()
    app.command()(lambda: None)
    monkeypatch.setattr(sys, "argv", ["nothing"])
    with pytest.raises(SystemExit) as ended:
        run(app)
    assert ended.value.code == 0
