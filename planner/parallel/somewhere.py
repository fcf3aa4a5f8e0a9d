"""Work in this process, on processes of this machine, or on a scheduler: whoever asks sees the same results."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from kernels.pieces import usable_cores
from planner.parallel.dask_workers import on_scheduler
from planner.parallel.processes import Processes
from planner.parallel.work import Work


def results(
    work: Work, tasks: Sequence[Any], *, workers: int | None, scheduler: str | None, here: Callable[[Any], Any],
    device: str = "cpu"
) -> Generator[Any]:
    """Results of tasks as they come: of `here`, one after the other, where neither workers nor a scheduler are given.

    Closing the iterator ends processes of this machine at once.
    """
    if scheduler is not None:
        yield from on_scheduler(work, tasks, scheduler)
    elif workers is None:
        yield from map(here, tasks)
    elif tasks:
        with Processes(work, workers, threads=max(usable_cores() // workers, 1), device=device) as processes:
            yield from processes.results(tasks)
