"""Runs a task on many items in local processes, with results that do not depend on how many processes there are.

Items are cut into fixed chunks by position alone. Workers are started afresh (`spawn`, on every system) with the
threads of BLAS and OpenMP held to one, since two processes with many threads each would only wait for one another and
since the order of a threaded sum is not fixed. An item that raises becomes a `Failure`; the others go on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from oreflow.core.errors import OreflowError, UsageError
from oreflow.core.threads import BLAS_VARIABLES

Item = TypeVar("Item")
Result = TypeVar("Result")

THREAD_VARIABLES = (*BLAS_VARIABLES, "POLARS_MAX_THREADS")
"""Environment variables that hold a worker's libraries to one thread; read when the libraries are loaded."""


class EnsembleError(OreflowError):
    """A worker process ended before its work was done."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an item's task raised.

    Attributes:
        kind: the exception's class, as `ZeroDivisionError`.
        message: what it said.
        trace: the traceback, for whoever mends it.
    """

    kind: str
    message: str
    trace: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


def run_ensemble(
    task: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    chunk: int = 8,
    progress: Callable[[int], None] | None = None,
) -> tuple[Result | Failure, ...]:
    """Apply a task to every item, in processes of their own, and return the results in the order of the items.

    Args:
        task: a function of one item that depends on nothing else; it must survive pickling (a function of a module,
            or `functools.partial` of one) and is sent once to each worker, so that large inputs belong in the partial.
        items: what to work on; each must survive pickling.
        workers: number of processes; None for one a core; 0 for none, that is in this process and its threads.
        chunk: items that one process takes at a time; results do not depend on it.
        progress: called in this process with the number of items done so far, after each chunk.

    Returns:
        One result an item, or a `Failure` where the task raised an exception.

    Raises:
        UsageError: workers below 0 or chunk below 1.
        EnsembleError: a worker process ended, as for want of memory.
        KeyboardInterrupt: passed on after the workers have been ended.

    Example:
        >>> run_ensemble(abs, [-1, 2], workers=0)
        (1, 2)
    """
    if chunk < 1 or (workers is not None and workers < 0):
        raise UsageError(f"workers = {workers}, chunk = {chunk}; expected workers from 0 and chunk from 1")
    report = progress or _report_nothing
    pieces = [items[begin : begin + chunk] for begin in range(0, len(items), chunk)]
    if workers == 0:
        return _run_here(task, pieces, report)
    count = min(usable_cores() if workers is None else workers, max(len(pieces), 1))
    return _run_in_processes(task, pieces, count, report)


def usable_cores() -> int:
    """Return the number of cores that this process may use.

    Returns:
        At least 1.

    Example:
        >>> usable_cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run_here(
    task: Callable[[Item], Result], pieces: Sequence[Sequence[Item]], report: Callable[[int], None]
) -> tuple[Result | Failure, ...]:
    rows: list[Result | Failure] = []
    for piece in pieces:
        rows.extend(_attempt(task, item) for item in piece)
        report(len(rows))
    return tuple(rows)


def _run_in_processes(
    task: Callable[[Item], Result], pieces: Sequence[Sequence[Item]], count: int, report: Callable[[int], None]
) -> tuple[Result | Failure, ...]:
    rows: list[list[Result | Failure]] = [[] for _ in pieces]
    others = set(multiprocessing.active_children())
    with _one_thread_each():
        pool = ProcessPoolExecutor(
            count, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(task,)
        )
        try:
            positions: dict[Future[list[Result | Failure]], int] = {
                pool.submit(_run_piece, piece): position for position, piece in enumerate(pieces)
            }
            done = 0
            for future in as_completed(positions):
                position = positions[future]
                rows[position] = future.result()
                done += len(rows[position])
                report(done)
        except BrokenProcessPool as error:
            raise EnsembleError(
                f"one of {count} worker processes ended before its work was done, as for want of memory; try fewer "
                "workers, or none (0), which runs in the main process; a script that starts workers needs the guard "
                "if __name__ == '__main__'"
            ) from error
        except BaseException:
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return tuple(row for piece in rows for row in piece)


_task: Callable[[Any], Any] | None = None


def _start_worker(task: Callable[[Any], Any]) -> None:
    """Keep the task for all chunks; Ctrl-C is the parent's to handle."""
    global _task
    _task = task
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_piece(piece: Sequence[Any]) -> list[Any]:
    if _task is None:
        raise EnsembleError("a worker process was started without its task")
    return [_attempt(_task, item) for item in piece]


def _attempt(task: Callable[[Item], Result], item: Item) -> Result | Failure:
    try:
        return task(item)
    except Exception as error:  # noqa: BLE001 - whatever a task raises is a row of the ensemble, shown to the user
        return Failure(type(error).__name__, str(error), traceback.format_exc())


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Hold the libraries of processes started inside to one thread; this process has loaded its own already."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _report_nothing(done: int) -> None:
    del done
