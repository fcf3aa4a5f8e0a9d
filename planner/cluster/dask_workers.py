"""Partitions on Dask: processes of this machine, or whatever a scheduler has; with GPUs one for each worker.

The job (case and options) goes to each worker once, as a plugin; what it forms of it stays there between tasks. A task is
a partition's number and place; its result is the record that it is done. A worker that dies takes nothing with it but the partition at
hand, which the scheduler gives to another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from kernels.backend import DeviceKind, choose_device
from kernels.pieces import usable_cores
from planner.case.faults import PlannerError
from planner.cluster.job import Done, Job
from planner.cluster.partitions import Partition
from planner.scoring.memory import LEAST, usable_memory

RETRIES = 2
"""Times that a partition is tried again after an error."""
PATIENCE = "20s"
"""How long a scheduler may take to answer."""
DEATHS = 5
"""Workers that may die over one partition before it counts as what kills them."""


def on_dask(job: Job, parts: Sequence[Partition], *, scheduler: str | None, workers: int | None) -> Iterator[Done]:
    """Score partitions on a scheduler, or on that many processes of this machine; records in the order in which they finish."""
    if not parts:
        return
    try:
        import dask
        from distributed import Client, as_completed

        from planner.cluster.plugin import JobPlugin, score_on_worker
    except ImportError:
        raise PlannerError("--workers and --scheduler need Dask; pip install 'neocloud-planner[cluster]'") from None
    with ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}))
        if scheduler is None:
            count = workers or usable_cores()
            job = _shared(job, count)
            cluster = stack.enter_context(_processes(count, job.options.device))
            client = stack.enter_context(Client(cluster))
        else:
            try:
                client = stack.enter_context(Client(scheduler, timeout=PATIENCE))
            except (OSError, ValueError) as error:
                raise PlannerError(f"no scheduler answers at {scheduler} ({error}); start one with dask scheduler, and workers with dask worker") from None
        plugin = JobPlugin(job)
        client.register_plugin(plugin, name=plugin.name)
        tasks = client.map(score_on_worker, list(parts), plugin=plugin.name, pure=False, retries=RETRIES)
        try:
            for task in as_completed(tasks):
                yield task.result()
        finally:
            client.cancel(tasks)


def _shared(job: Job, workers: int) -> Job:
    """The job of one of some workers on this machine: its part of the memory."""
    memory = usable_memory() if job.options.memory_bytes is None else job.options.memory_bytes
    return replace(job, options=replace(job.options, memory_bytes=max(memory // workers, LEAST)))


def _processes(workers: int, device: str) -> Any:
    """Worker processes on this machine, each with its part of the cores; on a machine with GPUs one GPU each."""
    from distributed import LocalCluster

    # Memory is kept within a budget by what scores; Dask's own limit would kill a worker that holds to it.
    shape: dict[str, Any] = {"n_workers": workers, "memory_limit": 0, "dashboard_address": None, "silence_logs": 50}
    if choose_device(device).kind is DeviceKind.GPU:
        try:
            from dask_cuda import LocalCUDACluster
        except ImportError:
            raise PlannerError("--workers on GPUs needs dask-cuda, which gives each worker its own; install it, or add --device cpu") from None
        return LocalCUDACluster(**shape)
    return LocalCluster(processes=True, threads_per_worker=max(usable_cores() // workers, 1), **shape)
