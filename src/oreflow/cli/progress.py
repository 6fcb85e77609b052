"""Progress on stderr, with the time left, for whatever takes over two seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SILENT_SECONDS = 2.0
"""Nothing is shown for work that ends sooner, s."""

LINE_SECONDS = 10.0
"""Where stderr is no terminal, a plain line is printed at most this often, s."""


@contextmanager
def progress(description: str, total: int, *, stream: TextIO | None = None) -> Iterator[Callable[[int], None]]:
    """Show how far a piece of work is and how long it will still take, on stderr, from two seconds on.

    A terminal gets a bar; a file or a pipe gets a plain line at most every ten seconds.

    Args:
        description: what is being done, as "200 draws of 7 proposals".
        total: steps of the whole work; 0 where it is not known.
        stream: where to print; stderr when None.

    Yields:
        A function to call with the number of steps done so far (not the steps since the last call).

    Example:
        >>> with progress("solving", 2) as done:
        ...     done(1)
        ...     done(2)
    """
    display = _Display(description, total, sys.stderr if stream is None else stream)
    timer = threading.Timer(SILENT_SECONDS, display.show)
    timer.daemon = True
    timer.start()
    try:
        yield display.update
    finally:
        timer.cancel()
        display.close()


class _Display:
    """The state of one progress display; its timer and the worker's calls meet under a lock."""

    def __init__(self, description: str, total: int, stream: TextIO) -> None:
        self._description = description
        self._total = total
        self._stream = stream
        self._start = time.monotonic()
        self._done = 0
        self._last_line = 0.0
        self._shown = False
        self._closed = False
        self._bar: tuple[Progress, TaskID] | None = None
        self._lock = threading.Lock()

    def show(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._shown = True
            if self._stream.isatty():
                self._bar = _start_bar(self._description, self._total, self._done, self._stream)
            else:
                self._print_line()

    def update(self, done: int) -> None:
        with self._lock:
            self._done = done
            if self._bar is not None:
                bar, task = self._bar
                bar.update(task, completed=done)
            elif self._shown and time.monotonic() - self._last_line >= LINE_SECONDS:
                self._print_line()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._bar is not None:
                self._bar[0].stop()

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        elapsed = self._last_line - self._start
        text = f"{self._description}: {self._done}" + (f" of {self._total}" if self._total else "")
        if self._total and self._done > 0:
            text += f", {elapsed * (self._total - self._done) / self._done:.0f} s left"
        print(text, file=self._stream, flush=True)


def _start_bar(description: str, total: int, done: int, stream: TextIO) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(file=stream),
        transient=True,
    )
    task = bar.add_task(description, total=total or None, completed=done)
    bar.start()
    return bar, task
