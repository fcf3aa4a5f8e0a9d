"""Work that is done to many tasks alike: what it needs travels to each worker once, and is opened there once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from planner.errors import PlannerError


class Work(Protocol):
    """What travels to a worker. What it forms for its first task it keeps for the next.

    `opened` gives what does a task; where that has a method `told`, it gets what is told before the first task.
    """

    @property
    def name(self) -> str:
        """What tells it apart on a scheduler that has several."""

    @property
    def noun(self) -> str:
        """What a task is."""

    def opened(self, threads: int) -> Callable[[Any], Any]:
        """What does a task, on so many threads."""


class Opened:
    """Work on a worker. What opening it raised is raised by each of its tasks."""

    def __init__(self, work: Work, threads: int) -> None:
        self._fault: Exception | None = None
        try:
            self._do = work.opened(threads)
        except Exception as fault:
            self._fault = fault

    def tell(self, fact: Any) -> None:
        """Tell it what all tasks need and was not known before."""
        if self._fault is None:
            self._do.told(fact)  # type: ignore[attr-defined]  # whoever tells knows who listens

    def do(self, task: Any) -> Any:
        """Do a task."""
        try:
            if self._fault is not None:
                raise self._fault
            return self._do(task)
        except PlannerError as error:
            raise PlannerError(str(error)) from None  # some kinds cannot be pickled
