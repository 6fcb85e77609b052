"""Progress: silent for short work, lines on a pipe, a bar on a terminal; never on stdout."""

from __future__ import annotations

import io
import time

import pytest

from oreflow.cli import progress as module
from oreflow.cli.progress import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_short_work_shows_nothing() -> None:
    stream = io.StringIO()
    with progress("solving", 3, stream=stream) as done:
        for step in range(1, 4):
            done(step)
    assert stream.getvalue() == ""


def test_long_work_on_a_pipe_prints_lines_with_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(module, "LINE_SECONDS", 0.0)
    with progress("solving", 4) as done:
        done(1)
        time.sleep(0.3)
        done(2)
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = captured.err.splitlines()
    assert first.startswith("solving: 1 of 4, ")
    assert second.startswith("solving: 2 of 4, ")
    assert second.endswith(" s left")


def test_lines_come_no_faster_than_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.05)
    stream = io.StringIO()
    with progress("solving", 0, stream=stream) as done:
        time.sleep(0.3)
        for step in range(100):
            done(step)
    assert stream.getvalue() == "solving: 0\n"


def test_long_work_on_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.05)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress("[solving]", 4, stream=stream) as done:
        time.sleep(0.4)
        done(3)
        time.sleep(0.3)
    assert "[solving]" in stream.getvalue()
    assert "3/4" in stream.getvalue()


def test_an_error_in_the_work_is_passed_on() -> None:
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), progress("solving", 1, stream=stream):
        raise ZeroDivisionError
    assert stream.getvalue() == ""
