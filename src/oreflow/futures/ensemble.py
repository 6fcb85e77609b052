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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from oreflow.core.errors import OreflowError, UsageError
from oreflow.core.threads import BLAS_VARIABLES

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

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


class Workers:
    """Processes that stay for as many ensembles as are submitted, so that none waits for another's stragglers.

    Ensembles are worked on in the order of their submission; what is free takes the next chunk, whosever it is.

    Args:
        count: number of processes; None for one a core; 0 for none, that is in this process and its threads.
        most: no more processes than this are started, as where there are fewer items than cores.
        ready: called once in each process as it starts, as to load what all its tasks read; it must survive pickling.
            What it raises is left for the tasks to meet.

    Raises:
        UsageError: count below 0.

    Example:
        >>> with Workers(0) as workers:
        ...     halves, squares = workers.submit(abs, [-1, 2]), workers.submit(float, [3])
        ...     halves.results(), squares.results()
        ((1, 2), (3.0,))
    """

    def __init__(
        self, count: int | None = None, *, most: int | None = None, ready: Callable[[], object] | None = None
    ) -> None:
        if count is not None and count < 0:
            raise UsageError(f"workers = {count}; expected workers from 0")
        wanted = usable_cores() if count is None else count
        self.count = wanted if most is None or not wanted else max(1, min(wanted, most))
        self._ready = ready
        self._pool: ProcessPoolExecutor | None = None
        self._others: set[BaseProcess] = set()

    def __enter__(self) -> Workers:
        return self

    def submit(
        self, task: Callable[[Item], Result], items: Sequence[Item], *, chunk: int = 8
    ) -> Submitted[Item, Result]:
        """Hand over a task and its items, and return at once.

        Args:
            task: a function of one item that depends on nothing else; it must survive pickling (a function of a module,
                or `functools.partial` of one) and is sent with every chunk.
            items: what to work on; each must survive pickling.
            chunk: items that one process takes at a time; results do not depend on it.

        Raises:
            UsageError: chunk below 1.
        """
        if chunk < 1:
            raise UsageError(f"chunk = {chunk}; expected chunk from 1")
        pieces = [items[begin : begin + chunk] for begin in range(0, len(items), chunk)]
        if not self.count:
            return Submitted(task, pieces, None, 0)
        with _one_thread_each():  # the first piece starts the processes
            if self._pool is None:
                self._others = set(multiprocessing.active_children())
                self._pool = ProcessPoolExecutor(
                    self.count, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker,
                    initargs=(self._ready,),
                )  # fmt: skip
            return Submitted(task, pieces, [self._pool.submit(_run_piece, task, p) for p in pieces], self.count)

    def start(self) -> None:
        """Start the processes now, so that they are ready when the first items come; without it those start them."""
        self.submit(_nothing, [None])

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is None:
            return
        if kind is not None:
            for child in set(multiprocessing.active_children()) - self._others:
                child.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)


class Submitted(Generic[Item, Result]):
    """An ensemble that was handed to `Workers`."""

    def __init__(
        self,
        task: Callable[[Item], Result],
        pieces: Sequence[Sequence[Item]],
        futures: list[Future[list[Result | Failure]]] | None,
        count: int,
    ) -> None:
        self._task, self._pieces, self._futures, self._count = task, pieces, futures, count

    def results(self, progress: Callable[[int], None] | None = None) -> tuple[Result | Failure, ...]:
        """Wait for all items and return one result an item, in their order.

        Args:
            progress: called in this process with the number of items done so far, after each chunk.

        Returns:
            One result an item, or a `Failure` where the task raised an exception.

        Raises:
            EnsembleError: a worker process ended, as for want of memory.
        """
        report = progress or _report_nothing
        if self._futures is None:
            return _run_here(self._task, self._pieces, report)
        done = 0
        try:
            for future in as_completed(self._futures):
                done += len(future.result())
                report(done)
        except BrokenProcessPool as error:
            raise EnsembleError(
                f"one of {self._count} worker processes ended before its work was done, as for want of memory; try "
                "fewer workers, or none (0), which runs in the main process; a script that starts workers needs the "
                "guard if __name__ == '__main__'"
            ) from error
        return tuple(row for future in self._futures for row in future.result())


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
        task: as of `Workers.submit`.
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
    with Workers(workers, most=-(-len(items) // max(chunk, 1))) as crew:
        return crew.submit(task, items, chunk=chunk).results(progress)


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


def _start_worker(ready: Callable[[], object] | None) -> None:
    """Leave Ctrl-C to the parent, and get ready."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if ready is not None:
        with suppress(Exception):
            ready()


def _nothing(item: None) -> None:
    del item


def _run_piece(task: Callable[[Item], Result], piece: Sequence[Item]) -> list[Result | Failure]:
    return [_attempt(task, item) for item in piece]


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
