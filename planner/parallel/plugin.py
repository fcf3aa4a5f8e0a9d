"""Work on a Dask worker: sent once, opened once, asked for each task."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from distributed import WorkerPlugin, get_worker


class Work(Protocol):
    """Something that is done to many tasks alike: what it needs travels to each worker once."""

    @property
    def name(self) -> str:
        """What tells it apart on a scheduler that has several."""

    def opened(self, threads: int) -> Callable[[Any], Any]:
        """What does a task, on so many threads; what it forms for the first task it keeps for the next."""


class WorkPlugin(WorkerPlugin):
    """Work on each worker, also on those that come later."""

    def __init__(self, work: Work) -> None:
        self.name = work.name
        self.work = work

    def setup(self, worker: Any) -> None:
        """Called on the worker when it gets the plugin."""
        self._done = self.work.opened(worker.state.nthreads)
        self._one = threading.Lock()  # the kernels take all threads of the worker: one task at a time

    def do(self, task: Any) -> Any:
        """Do a task with what the worker holds."""
        with self._one:
            return self._done(task)


def on_worker(task: Any, plugin: str) -> Any:
    """A task: its worker has the work."""
    plugins: dict[str, Any] = get_worker().plugins
    return plugins[plugin].do(task)
