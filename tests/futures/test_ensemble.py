"""Ensembles: the same rows whatever the workers and chunks, failures as rows, a clean end when interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.futures import tasks

from oreflow.core.errors import UsageError
from oreflow.futures.ensemble import THREAD_VARIABLES, EnsembleError, Failure, Workers, run_ensemble, usable_cores


@given(st.lists(st.floats(allow_nan=False), max_size=40), st.integers(1, 50))
def test_rows_keep_the_order_of_the_items_and_do_not_depend_on_chunks(items: list[float], chunk: int) -> None:
    done: list[int] = []
    rows = run_ensemble(tasks.square, items, workers=0, chunk=chunk, progress=done.append)
    assert rows == tuple(item * item for item in items)
    assert done == [min(end, len(items)) for end in range(chunk, len(items) + chunk, chunk)]


def test_results_are_the_same_bits_with_any_number_of_workers() -> None:
    items = list(range(12))
    one = run_ensemble(tasks.solve_random, items, workers=1, chunk=3)
    two = run_ensemble(tasks.solve_random, items, workers=2, chunk=5)
    assert all(isinstance(row, bytes) for row in one)
    assert one == two


def test_workers_are_processes_of_their_own_with_one_thread() -> None:
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    done: list[int] = []
    rows = run_ensemble(tasks.describe_worker, [0.2] * 4, workers=2, chunk=1, progress=done.append)
    processes = {row[0] for row in rows if not isinstance(row, Failure)}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert all(row[1] == dict.fromkeys(THREAD_VARIABLES, "1") for row in rows if not isinstance(row, Failure))
    assert done == [1, 2, 3, 4]
    assert {name: os.environ.get(name) for name in THREAD_VARIABLES} == before


@pytest.mark.parametrize("workers", [0, 1])
def test_an_exception_is_a_row_and_the_others_go_on(workers: int) -> None:
    rows = run_ensemble(tasks.invert, [1.0, 0.0, 4.0], workers=workers, chunk=2)
    assert (rows[0], rows[2]) == (1.0, 0.25)
    assert isinstance(rows[1], Failure)
    assert (rows[1].kind, rows[1].message) == ("ZeroDivisionError", "float division by zero")
    assert str(rows[1]) == "ZeroDivisionError: float division by zero"
    assert "in invert" in rows[1].trace


def test_a_partial_carries_what_all_items_share() -> None:
    assert run_ensemble(partial(tasks.scale, 3.0), [1.0, 2.0], workers=1) == (3.0, 6.0)


@pytest.mark.parametrize("count", [0, 2])
def test_ensembles_submitted_together_share_their_workers(count: int) -> None:
    done: list[int] = []
    with Workers(count) as workers:
        squares = workers.submit(tasks.square, [1.0, 2.0, 3.0], chunk=2)
        inverses = workers.submit(tasks.invert, [2.0, 0.0], chunk=1)
        places = [workers.submit(tasks.describe_worker, [0.2] * 4, chunk=1) for _ in range(2)]
        assert squares.results(done.append) == (1.0, 4.0, 9.0)
        first, second = inverses.results()
        processes = [{row[0] for row in p.results() if not isinstance(row, Failure)} for p in places]
    assert sorted(done)[-1] == 3
    assert (first, isinstance(second, Failure)) == (0.5, True)
    assert processes[0] == processes[1]
    assert len(processes[0]) == max(count, 1)


def test_workers_get_ready_as_they_start_and_a_failure_of_that_is_left_to_the_tasks() -> None:
    with Workers(1, ready=partial(tasks.remember, "case")) as workers:
        workers.start()
        assert workers.submit(tasks.recall, ["case", "other"]).results() == (True, False)
    with Workers(1, ready=partial(tasks.invert, 0.0)) as workers:
        workers.start()
        assert workers.submit(tasks.invert, [4.0]).results() == (0.25,)


def test_no_more_workers_than_wanted() -> None:
    assert (Workers(8, most=3).count, Workers(2, most=3).count, Workers(0, most=3).count) == (3, 2, 0)
    assert Workers(8, most=0).count == 1


def test_nothing_to_do_gives_no_rows() -> None:
    assert run_ensemble(tasks.square, [], workers=2) == ()


def test_a_worker_that_dies_is_an_error_in_words() -> None:
    with pytest.raises(EnsembleError, match=r"worker processes ended before its work was done.*try fewer workers"):
        run_ensemble(tasks.end_process, [9], workers=1)


@pytest.mark.parametrize(
    ("wrong", "said"), [({"workers": -1}, "expected workers from 0"), ({"chunk": 0}, "expected chunk from 1")]
)
def test_wrong_numbers_are_refused(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run_ensemble(tasks.square, [1.0], workers=wrong.get("workers"), chunk=wrong.get("chunk", 1))


def test_there_is_a_core() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
def test_an_interrupted_ensemble_ends_at_once_and_leaves_no_worker(tmp_path: Path) -> None:
    script = tmp_path / "long.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from tests.futures import tasks\n"
        "from oreflow.futures.ensemble import run_ensemble\n"
        "def tell(done):\n"
        "    print('working', flush=True)\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        run_ensemble(tasks.wait, [0.0, 60.0, 60.0], workers=2, chunk=1, progress=tell)\n"
        "    except KeyboardInterrupt:\n"
        "        import multiprocessing\n"
        "        sys.exit(130 + len(multiprocessing.active_children()))\n",
        encoding="utf-8",
    )
    program = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stdout.readline() == b"working\n"
    start = time.monotonic()
    program.send_signal(signal.SIGINT)
    _, complaint = program.communicate(timeout=30)
    assert program.returncode == 130, complaint
    assert time.monotonic() - start < 10
