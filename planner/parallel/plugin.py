"""Work on a Dask worker: sent once, opened once, asked for each task."""

from __future__ import annotations

import threading
from typing import Any

from distributed import WorkerPlugin, get_worker

from planner.parallel.work import Opened, Work


class WorkPlugin(WorkerPlugin):
    """Work on each worker, also on those that come later."""

    def __init__(self, work: Work) -> None:
        self.name = work.name
        self.work = work

    def setup(self, worker: Any) -> None:
        """Called on the worker when it gets the plugin."""
        self._opened = Opened(self.work, worker.state.nthreads)
        self._one = threading.Lock()  # the kernels take all threads of the worker: one task at a time

    def do(self, task: Any) -> Any:
        """Do a task with what the worker holds."""
        with self._one:
            return self._opened.do(task)


def on_worker(task: Any, plugin: str) -> Any:
    """A task: its worker has the work."""
    plugins: dict[str, Any] = get_worker().plugins
    return plugins[plugin].do(task)
