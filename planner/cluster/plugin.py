"""The job on a Dask worker: sent once, built once, asked for each partition."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from distributed import WorkerPlugin, get_worker

from planner.cluster.job import Done, Job, Worker
from planner.cluster.partitions import Partition


class JobPlugin(WorkerPlugin):
    """A job on each worker, also on those that come later; `name` tells jobs apart on a scheduler that has several."""

    def __init__(self, job: Job) -> None:
        self.name = f"planner-{job.fingerprint[:12]}-{job.case.source_hash[:12]}"
        self.job = job

    def setup(self, worker: Any) -> None:
        """Called on the worker when it gets the plugin."""
        threads = self.job.options.threads or worker.state.nthreads
        self._work = Worker(replace(self.job, options=replace(self.job.options, threads=threads)))
        self._one = threading.Lock()  # the kernels take all threads of the worker: one partition at a time

    def score(self, part: Partition) -> Done:
        """Score a partition with what the worker holds."""
        with self._one:
            return self._work.score(part)


def score_on_worker(part: Partition, plugin: str) -> Done:
    """A task: its worker has the job."""
    plugins: dict[str, Any] = get_worker().plugins
    done: Done = plugins[plugin].score(part)
    return done
