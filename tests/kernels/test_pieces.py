from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from kernels.blas_threads import _openblas_functions, one_blas_thread
from kernels.pieces import over_pieces, piece_size, usable_cores


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("piece", [1, 3, 10, 99])
def test_pieces_cover_every_item_once_in_order(piece: int, threads: int) -> None:
    answers = list(over_pieces(lambda rows: list(range(rows.start, rows.stop)), 23, piece=piece, threads=threads))
    assert [item for _, items in answers for item in items] == list(range(23))
    assert all(rows.stop - rows.start <= piece for rows, _ in answers)


def test_nothing_to_do_is_done() -> None:
    assert list(over_pieces(lambda rows: rows, 0, piece=5, threads=2)) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_piece_that_runs_out_of_memory_is_done_in_halves(threads: int) -> None:
    tried: list[int] = []
    lock = threading.Lock()

    def work(rows: slice) -> list[int]:
        with lock:
            tried.append(rows.stop - rows.start)
        if rows.stop - rows.start > 6:
            raise MemoryError("too large")
        return list(range(rows.start, rows.stop))

    answers = list(over_pieces(work, 200, piece=20, threads=threads))
    assert [item for _, items in answers for item in items] == list(range(200))
    assert sum(size > 6 for size in tried) <= 3 * 2 * threads  # later pieces start at a size that fitted
    assert tried[-1] <= 6


def test_one_item_that_does_not_fit_is_an_error_with_a_remedy() -> None:
    def work(rows: slice) -> None:
        if rows.start <= 2 < rows.stop:
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match=r"item 2 alone.*no room.*fewer scenarios"):
        list(over_pieces(work, 5, piece=5))


@pytest.mark.parametrize("threads", [1, 2])
def test_other_errors_come_through(threads: int) -> None:
    def work(rows: slice) -> None:
        raise ZeroDivisionError(rows.start)

    with pytest.raises(ZeroDivisionError):
        list(over_pieces(work, 5, piece=2, threads=threads))


def test_a_budget_is_shared_by_the_threads() -> None:
    assert piece_size(bytes_per_item=10, budget_bytes=1000) == 100
    assert piece_size(bytes_per_item=10, budget_bytes=1000, threads=4) == 25
    assert piece_size(bytes_per_item=10, budget_bytes=1000, most=7) == 7
    assert piece_size(bytes_per_item=5000, budget_bytes=1000) == 1
    with pytest.raises(ValueError, match="positive sizes"):
        piece_size(bytes_per_item=0, budget_bytes=1)
    assert usable_cores() >= 1


def test_blas_is_held_to_one_thread_and_let_go() -> None:
    functions = _openblas_functions()
    if not functions:
        pytest.skip("NumPy and SciPy were not built with OpenBLAS here")
    np.ones((2, 2)) @ np.ones((2, 2))
    before = [ask() for ask, _ in functions]
    try:
        for _, put in functions:
            put(2)
        with one_blas_thread() as held:
            assert held == len(functions)
            assert [ask() for ask, _ in functions] == [1] * held
        assert [ask() for ask, _ in functions] == [2] * held
    finally:
        for (_, put), threads in zip(functions, before, strict=True):
            put(threads)


def test_what_waits_when_it_is_stopped_is_never_begun() -> None:
    begun: list[int] = []

    def work(rows: slice) -> int:
        begun.append(rows.start)
        if rows.start:
            ended.wait()
        return rows.start

    ended = threading.Event()
    found = over_pieces(work, 50, piece=1, threads=2)
    assert next(found)[1] == 0
    while len(begun) < 3:
        time.sleep(0.001)
    threading.Timer(1.0, ended.set).start()  # those at work end while the rest is being dropped
    found.close()
    assert sorted(begun) == [0, 1, 2]  # of the four that were handed out two were at work, and one waited
