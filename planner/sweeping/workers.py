"""Processes that work through the points of a sweep, each with the base candidates made once.

A worker is a plain process that reads pickled messages from its input and writes pickled answers, so that a sweep can
be called from any script or notebook. A point whose worker is killed is given to another one. No point sees what
another found, so neither order nor the number of workers changes a number.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO, Any

from planner.case.case import Case
from planner.errors import CaseError, PlannerError
from planner.planning.options import PlanOptions
from planner.solver.branch_and_bound.tightening import remember, remembered
from planner.sweeping.axes import Point
from planner.sweeping.base_plan import BasePlan
from planner.sweeping.point import Outcome, outcome_at

MOST_TRIES = 3
"""Workers that may die over one point before the sweep gives up."""
_LENGTH = 8


@dataclass(frozen=True)
class Job:
    """What all points share. cold: begin every plan from nothing."""

    case: Case
    options: PlanOptions
    cold: bool = False


@dataclass(frozen=True)
class Refused:
    """Why the case of a point does not hold together, or cannot be planned."""

    number: int
    why: str


def attempted(job: Job, base: BasePlan, candidates: Any, point: Point) -> Outcome | Refused:
    """The outcome at a point, or why there is none."""
    try:
        return outcome_at(point, job.case, job.options, base, candidates, cold=job.cold)
    except CaseError as error:
        return Refused(point.number, "; ".join(str(fault) for fault in error.faults[:3]))


def worked_here(job: Job, base: BasePlan, points: Sequence[Point]) -> Iterator[Outcome | Refused]:
    """The outcomes of points one after the other in this process."""
    candidates = job.options.candidates(job.case)
    for point in points:
        yield attempted(job, base, candidates, point)


@dataclass(frozen=True)
class Known:
    """What a worker is told before its first point: the base plan, and what was found on the way about the models
    behind it."""

    base: BasePlan
    tightening: Mapping[bytes, float | None]


class _Worker:
    """One process, which is told its job while the parent goes on."""

    def __init__(self, job: Job) -> None:
        # A session of its own: Ctrl-C reaches the parent alone, which ends its workers in order.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        code = f"import sys; sys.path[:] = {sys.path!r}; from planner.sweeping.workers import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
            start_new_session=True
        )
        self._greeting = threading.Thread(target=self._greet, args=(job,), daemon=True)
        self._greeting.start()

    def _greet(self, job: Job) -> None:
        # A worker that is gone already shows at the first question.
        with suppress(OSError, ValueError):
            _send(self._process.stdin, job)

    def tell(self, message: object) -> None:
        self._greeting.join()
        _send(self._process.stdin, message)

    def answer(self) -> Any:
        return _receive(self._process.stdout)

    def end(self) -> None:
        """End the process and close what led to it."""
        self._process.kill()
        self._process.wait()
        self._greeting.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


class Workers:
    """Processes that were given a job; use as a context, which ends them."""

    def __init__(self, job: Job, count: int) -> None:
        solver = replace(job.options.solver, beside=count > 1)
        self.job = replace(job, options=replace(job.options, solver=solver))
        self._workers = [_Worker(self.job) for _ in range(count)]
        self._ended = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        for worker in self._workers:
            worker.end()

    def outcomes(self, base: BasePlan, points: Sequence[Point]) -> Iterator[Outcome | Refused]:
        """The outcomes of points as they come, in no order. Raises PlannerError for a fault in a worker."""
        waiting: queue.SimpleQueue[tuple[Point, int] | None] = queue.SimpleQueue()
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for point in points:
            waiting.put((point, 0))
        count = len(self._workers)
        for place in range(count):
            threading.Thread(target=self._serve, args=(place, base, waiting, answers), daemon=True).start()
        for _ in points:
            found = _next(answers)
            if isinstance(found, BaseException):
                raise found
            yield found
        for _ in range(count):
            waiting.put(None)

    def _serve(self, place: int, base: BasePlan, waiting: Any, answers: Any) -> None:
        """Hand points to one worker until there are none; a worker that dies is replaced, its point tried again."""
        introduced = False
        while (entry := waiting.get()) is not None:
            point, tries = entry
            worker = self._workers[place]
            try:
                if not introduced:
                    worker.tell(Known(base, remembered()))
                    introduced = True
                worker.tell(point)
                answers.put(worker.answer())
            except (EOFError, OSError, ValueError):
                if self._ended:
                    return
                worker.end()
                if tries + 1 >= MOST_TRIES:
                    answers.put(
                        PlannerError(
                            f"{MOST_TRIES} workers died over point {point.number + 1}; give fewer --workers if memory "
                            "is short"
                        )
                    )
                    return
                self._workers[place], introduced = _Worker(self.job), False
                waiting.put((point, tries + 1))


def serve() -> None:
    """What a worker does: make the base candidates, then answer points until its input ends."""
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that is printed may mix with the answers
    job: Job = _receive(source)
    candidates = job.options.candidates(job.case)
    base: BasePlan | None = None
    while True:
        try:
            message = _receive(source)
        except EOFError:
            return
        if isinstance(message, Known):
            base = message.base
            remember(message.tightening)
            continue
        assert base is not None, "the base plan is sent before the first point"
        try:
            _send(answers, attempted(job, base, candidates, message))
        except PlannerError as error:
            _send(answers, PlannerError(str(error)))  # some kinds cannot be pickled
        except Exception as error:
            _send(answers, RuntimeError(f"point {message.number + 1}: {type(error).__name__}: {error}"))


def _send(stream: IO[bytes] | None, message: object) -> None:
    assert stream is not None
    written = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(len(written).to_bytes(_LENGTH, "little") + written)
    stream.flush()


def _receive(stream: IO[bytes] | None) -> Any:
    assert stream is not None
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        raise EOFError
    size = int.from_bytes(head, "little")
    written = stream.read(size)
    if len(written) < size:
        raise EOFError
    return pickle.loads(written)


def _next(answers: Any) -> Any:
    """The next answer; waits in short turns so that Ctrl-C is heard on every system."""
    while True:
        with suppress(queue.Empty):
            return answers.get(timeout=0.2)
