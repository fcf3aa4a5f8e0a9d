"""Worker processes of this machine that end when they are told to, whatever they are at, and that Ctrl-C in a terminal
does not reach."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

TURN = 0.1
"""Seconds between two looks at whether workers have started, so that Ctrl-C is heard."""
GRACE = 1.0
"""Seconds that a start that is no longer wanted may take to notice it."""


@contextmanager
def ended_at_once(start: Callable[[], Any]) -> Iterator[Any]:
    """A Dask cluster of this machine, as `start` makes it; its workers are killed at the end: what they were at counts
    only when it is whole.

    Ctrl-C in a terminal goes to all processes of its group. Workers are born deaf to it: the process that was asked
    ends them in order.
    """
    starting = _Starting(start)
    try:
        yield starting.wait()
    finally:
        with _quiet():
            starting.end()


class _Starting:
    """A cluster that is made on a thread of its own, on which SIGINT is blocked: processes that it starts inherit
    that."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start
        self._made: Any = None
        self._fault: BaseException | None = None
        self._over = threading.Event()  # a thread whose join is interrupted may count as ended when it is not
        thread = threading.Thread(target=self._make, daemon=True)
        resource_tracker.ensure_running()  # where it starts later it lifts the block
        before = (
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
        )
        try:
            thread.start()
        finally:
            if before is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _make(self) -> None:
        try:
            self._made = self._start()
        except BaseException as fault:
            self._fault = fault
        self._over.set()

    def wait(self) -> Any:
        """The cluster when it has started; raises what its start raised."""
        while not self._over.wait(TURN):
            pass
        if self._fault is not None:
            raise self._fault
        return self._made

    def end(self) -> None:
        """End the cluster, or a start that is still under way: without its processes it fails at once."""
        turns = int(GRACE / TURN)
        while turns and not self._over.is_set():
            for child in multiprocessing.active_children():
                child.kill()
            self._over.wait(TURN)
            turns -= 1
        if self._made is not None:
            with suppress(Exception):
                _kill(self._made)
                self._made.close()


def _kill(cluster: Any) -> None:
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)


@contextmanager
def _quiet() -> Iterator[None]:
    """No word from Dask and asyncio on connections that end because they are ended."""
    loggers = [logging.getLogger(name) for name in ("asyncio", "distributed", "tornado")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
        gc.collect()  # what nobody has waited for is told of when it is collected
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
