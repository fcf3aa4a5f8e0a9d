"""Runs of HiGHS on as many threads as its option asks."""

from __future__ import annotations

import threading
from typing import Any

import highspy

_pool = threading.local()  # `size`: threads of the pool that HiGHS keeps for the calling thread, as made here


def run(highs: Any) -> None:
    """Solve the model that is held; how that ended is read from it.

    HiGHS keeps a pool of threads for each thread that calls it, and fails where the option `threads` asks for another
    size.
    """
    _fit_pool(highs)
    if highs.run() == highspy.HighsStatus.kError and highs.getModelStatus() == highspy.HighsModelStatus.kNotset:
        _pool.size = None  # code outside this package has changed it
        _fit_pool(highs)
        highs.run()


def presolve(highs: Any) -> None:
    """Presolve the model that is held; see `run`."""
    _fit_pool(highs)
    highs.presolve()


def _fit_pool(highs: Any) -> None:
    _, asked = highs.getOptionValue("threads")
    if asked != getattr(_pool, "size", None):
        highspy.Highs.resetGlobalScheduler(True)
        _pool.size = asked
