"""Work on whatever workers a Dask scheduler has.

What the work needs (case and options) goes to each worker once, as a plugin; what it forms of it stays there between
tasks. A task is a number and a place; its result is the record that it is done, or a point of a sweep. A worker that
dies takes nothing with it but the task at hand, which the scheduler gives to another.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from planner.errors import PlannerError
from planner.parallel.work import Work

RETRIES = 2
"""Times that a task is tried again after an error."""
PATIENCE = "20s"
"""How long a scheduler may take to answer."""
DEATHS = 5
"""Workers that may die over one task before it counts as what kills them."""
NEEDS_DASK = "--scheduler needs Dask; pip install 'neocloud-planner[cluster]'"


def on_scheduler(work: Work, tasks: Sequence[Any], scheduler: str) -> Generator[Any]:
    """Results of tasks, as they come, from the workers of the scheduler at an address.

    Closing the iterator, and Ctrl-C, leaves the workers to finish the task at hand; they forget the rest.
    """
    if not tasks:
        return
    try:
        import dask
        from distributed import Client, as_completed

        from planner.parallel.plugin import WorkPlugin, on_worker
    except ImportError:
        raise PlannerError(NEEDS_DASK) from None
    with ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}))
        try:
            client = stack.enter_context(Client(scheduler, timeout=PATIENCE))
        except (OSError, ValueError) as error:
            raise PlannerError(
                f"no scheduler answers at {scheduler} ({error}); start one with dask scheduler, and workers with dask "
                "worker"
            ) from None
        plugin = WorkPlugin(work)
        client.register_plugin(plugin, name=plugin.name)
        under_way = client.map(on_worker, list(tasks), plugin=plugin.name, pure=False, retries=RETRIES)
        try:
            for task in as_completed(under_way):
                yield task.result()
        finally:
            with suppress(Exception):  # a scheduler that is gone has nothing to cancel
                client.cancel(under_way, force=True)
