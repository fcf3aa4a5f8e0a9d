"""Cut a long job into pieces that fit the memory, run them on threads, and go on with smaller ones when memory runs
out."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from kernels.blas_threads import one_blas_thread

Result = TypeVar("Result")
Work = Callable[[slice], Result]
"""What is done to the items of a slice; its answer for an item must not depend on the other items of the slice."""


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def piece_size(*, bytes_per_item: int, budget_bytes: int, threads: int = 1, most: int | None = None) -> int:
    """Items per piece so that a piece on each thread stays within the budget; at least 1, at most `most`."""
    if bytes_per_item <= 0 or budget_bytes <= 0 or threads <= 0:
        raise ValueError(f"positive sizes expected, got {bytes_per_item=}, {budget_bytes=}, {threads=}")
    fits: int = max(1, budget_bytes // (bytes_per_item * threads))
    return fits if most is None else max(1, min(fits, most))


def over_pieces(work: Work[Result], count: int, *, piece: int, threads: int = 1) -> Iterator[tuple[slice, Result]]:
    """The slices of 0..count-1 in order, each with the result of `work`.

    A piece that runs out of memory (MemoryError, of which CuPy's is one) is done again in halves, and later pieces
    start at the smaller size. At most two pieces per thread are under way or waiting, so results may be streamed out.
    Raises MemoryError when a single item does not fit.
    """
    if count < 0 or piece < 1 or threads < 1:
        raise ValueError(
            f"a count of 0 or more and a piece and threads of 1 or more expected, got {count=}, {piece=}, {threads=}"
        )
    if threads == 1:
        return _one_after_another(work, count, piece)
    return _on_threads(work, count, piece, threads)


def _one_after_another(work: Work[Result], count: int, piece: int) -> Iterator[tuple[slice, Result]]:
    start = 0
    while start < count:
        done = _in_halves(work, start, min(start + piece, count))
        yield from done
        piece = min(piece, _largest(done)) if len(done) > 1 else piece
        start = done[-1][0].stop


def _on_threads(work: Work[Result], count: int, piece: int, threads: int) -> Iterator[tuple[slice, Result]]:
    waiting: deque[Future[list[tuple[slice, Result]]]] = deque()
    start = 0
    with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
        try:
            while start < count or waiting:
                while start < count and len(waiting) < 2 * threads:
                    stop = min(start + piece, count)
                    waiting.append(pool.submit(_in_halves, work, start, stop))
                    start = stop
                done = waiting.popleft().result()
                piece = min(piece, _largest(done)) if len(done) > 1 else piece
                yield from done
        finally:
            for each in waiting:  # after Ctrl-C nothing is begun any more
                each.cancel()


def _in_halves(work: Work[Result], start: int, stop: int) -> list[tuple[slice, Result]]:
    try:
        return [(slice(start, stop), work(slice(start, stop)))]
    except MemoryError as error:
        if stop - start <= 1:
            raise MemoryError(
                f"item {start} alone does not fit into memory ({error}); use fewer scenarios or months, or more memory"
            ) from error
    _return_unused_device_memory()  # outside the handler: the traceback of the failed try holds its arrays
    middle = (start + stop + 1) // 2
    return [*_in_halves(work, start, middle), *_in_halves(work, middle, stop)]


def _largest(done: list[tuple[slice, Result]]) -> int:
    sizes: list[int] = [part.stop - part.start for part, _ in done]
    return max(sizes)


def _return_unused_device_memory() -> None:
    """CuPy keeps freed blocks; split ones may be too small for the next try."""
    cupy = sys.modules.get("cupy")
    if cupy is not None:
        cupy.get_default_memory_pool().free_all_blocks()
