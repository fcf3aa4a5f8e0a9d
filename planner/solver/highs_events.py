"""What HiGHS tells while it solves, and how it is asked to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.solver.fresh_highs import said_at_start
from planner.solver.options import SolverOptions


@dataclass
class HighsEvents:
    """Callbacks of one model: progress, log, and the wish to stop.

    Ctrl-C only sets a flag that HiGHS asks for: an exception may not cross its C++ frames. A MIP with an
    answer at hand ends with it, anything else with KeyboardInterrupt once HiGHS has stopped.
    """

    by_user: bool = False
    error: BaseException | None = None

    def subscribe(self, highs: Any, chosen: SolverOptions) -> None:
        """Ask HiGHS to call back: for Ctrl-C, and for progress and its log where the options want them."""
        for event in (highs.cbSimplexInterrupt, highs.cbIpmInterrupt, highs.cbMipInterrupt):
            event.subscribe(self._ask)
        if chosen.progress is not None:
            report = chosen.progress
            for event in (highs.cbMipLogging, highs.cbMipImprovingSolution):
                event.subscribe(lambda e: self._safely(lambda: report(*_progress(e.data_out))))
        if chosen.log is not None:
            write = chosen.log
            for line in said_at_start():
                write(line)
            highs.cbLogging.subscribe(lambda e: self._safely(lambda: write(e.message)))

    def _ask(self, event: Any) -> None:
        if self.by_user or self.error is not None:
            event.interrupt()

    def _safely(self, call: Callable[[], None]) -> None:
        if self.error is not None:
            return
        try:
            call()
        except BaseException as error:  # raised again once HiGHS has stopped
            self.error = error

    @contextmanager
    def on_interrupt(self) -> Iterator[None]:
        """Take Ctrl-C while HiGHS runs; in a thread that is not the main one there is none to take."""
        self.by_user, self.error = False, None
        if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
            yield
            return
        before = signal.signal(signal.SIGINT, self._interrupted)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)

    def _interrupted(self, *_: Any) -> None:
        self.by_user = True


def _progress(said: Any) -> tuple[float, float | None, float | None, float | None]:
    """(seconds, incumbent, bound, gap) of a callback, with None for what HiGHS does not know yet."""
    return said.running_time, _finite(said.mip_primal_bound), _finite(said.mip_dual_bound), _finite(said.mip_gap)


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
