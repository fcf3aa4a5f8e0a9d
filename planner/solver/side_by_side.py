"""Solves that need nothing of each other, on as many threads as there are cores; what each finds is the same on one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from kernels.pieces import usable_cores

T = TypeVar("T")


class Stop:
    """The wish that all solves end: a `progress` for each of them (see `SolverOptions`), which ends it once it is set.

    A solver in a thread of its own hears no Ctrl-C.
    """

    def __init__(self) -> None:
        self._wanted = threading.Event()

    def set(self) -> None:
        """Ask all to end."""
        self._wanted.set()

    def __call__(self, *_: Any) -> None:
        """Raise KeyboardInterrupt where that is wanted."""
        if self._wanted.is_set():
            raise KeyboardInterrupt


def workers(count: int) -> int:
    """How many of so many solves are at work at a time."""
    if threading.current_thread() is not threading.main_thread():
        return 1
    return max(min(count, usable_cores()), 1)


def side_by_side(solves: Sequence[Callable[[Stop], T]]) -> list[T]:
    """What each solve finds, in order. Where one fails, the others are asked to end, and its exception is raised."""
    stop = Stop()
    if workers(len(solves)) == 1:
        return [solve(stop) for solve in solves]
    with ThreadPoolExecutor(workers(len(solves))) as threads:
        found = [threads.submit(solve, stop) for solve in solves]
        try:
            return [each.result() for each in found]
        except BaseException:
            stop.set()
            for each in found:
                each.cancel()
            raise
