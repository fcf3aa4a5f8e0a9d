"""Work on Dask: processes of this machine, or whatever a scheduler has; with GPUs one for each worker.

What the work needs (case and options) goes to each worker once, as a plugin; what it forms of it stays there between
tasks. A task is a number and a place; its result is the record that it is done, or a point of a sweep. A worker that
dies takes nothing with it but the task at hand, which the scheduler gives to another.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from kernels.backend import DeviceKind, choose_device
from kernels.pieces import usable_cores
from planner.errors import PlannerError
from planner.parallel.local_processes import ended_at_once

RETRIES = 2
"""Times that a task is tried again after an error."""
PATIENCE = "20s"
"""How long a scheduler may take to answer."""
DEATHS = 5
"""Workers that may die over one task before it counts as what kills them."""
SHAPE: dict[str, Any] = {
    "memory_limit": 0, "dashboard_address": None, "scheduler_kwargs": {"dashboard_address": ":0"}, "silence_logs": 50
}
"""Memory is kept within a budget by what works; Dask's own limit would kill a worker that holds to it. No dashboard,
and no port that another one may have."""
NEEDS_DASK = "--workers and --scheduler need Dask; pip install 'neocloud-planner[cluster]'"


def on_dask(
    work: Any, tasks: Sequence[Any], *, scheduler: str | None, workers: int | None, device: str = "cpu"
) -> Generator[Any]:
    """Results of tasks, as they come, of a `plugin.Work` on a scheduler, or on that many processes of this machine.

    Closing the iterator, and Ctrl-C, ends workers of this machine at once; those of a scheduler finish the task at hand
    and forget the rest.
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
        if scheduler is None:
            cluster = stack.enter_context(ended_at_once(lambda: _processes(workers or usable_cores(), device)))
            client = stack.enter_context(Client(cluster))
        else:
            try:
                client = stack.enter_context(Client(scheduler, timeout=PATIENCE))
            except (OSError, ValueError) as error:
                raise PlannerError(
                    f"no scheduler answers at {scheduler} ({error}); start one with dask scheduler, and workers with "
                    "dask worker"
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


def _processes(workers: int, device: str) -> Any:
    """Worker processes on this machine, each with its part of the cores; on a machine with GPUs one GPU each."""
    from distributed import LocalCluster

    shape: dict[str, Any] = {"n_workers": workers, **SHAPE}
    if choose_device(device).kind is DeviceKind.GPU:
        try:
            from dask_cuda import LocalCUDACluster
        except ImportError:
            raise PlannerError(
                "--workers on GPUs needs dask-cuda, which gives each worker its own; install it, or add --device cpu"
            ) from None
        return LocalCUDACluster(**shape)
    return LocalCluster(processes=True, threads_per_worker=max(usable_cores() // workers, 1), **shape)
