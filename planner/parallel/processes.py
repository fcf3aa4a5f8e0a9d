"""Processes of this machine that work through tasks, each with what it needs formed once.

A worker is a plain process that reads pickled messages from its input and writes pickled answers, so that work can be
asked for from any script or notebook. A task whose worker is killed is given to another one. No task sees what another
found, so neither order nor the number of workers changes a number. With GPUs each worker has one.
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
from typing import IO, Any

from kernels.backend import DeviceKind, choose_device
from planner.errors import PlannerError
from planner.parallel.work import Opened, Work

MOST_TRIES = 3
"""Workers that may die over one task before the work is given up."""
_LENGTH = 8
_NOTHING = object()
"""Where there is nothing to tell."""


class _Worker:
    """One process, which gets its work while the parent goes on."""

    def __init__(self, work: Work, threads: int, gpu: Mapping[str, str]) -> None:
        # A session of its own: Ctrl-C reaches the parent alone, which ends its workers in order.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **gpu}
        code = f"import sys; sys.path[:] = {sys.path!r}; from planner.parallel.processes import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
            start_new_session=True
        )
        self._greeting = threading.Thread(target=self._greet, args=((work, threads),), daemon=True)
        self._greeting.start()

    def _greet(self, work: object) -> None:
        # A worker that is gone already shows at the first task.
        with suppress(OSError, ValueError):
            _send(self._process.stdin, work)

    def ask(self, what: str, message: object) -> None:
        self._greeting.join()
        _send(self._process.stdin, (what, message))

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


class Processes:
    """Processes that were given work; use as a context, which ends them at once.

    threads: of each. device: "gpu" or "auto" where the work may use GPUs.
    """

    def __init__(self, work: Work, count: int, *, threads: int = 1, device: str = "cpu") -> None:
        self._work, self._threads, self._gpus = work, threads, _gpus(device)
        self._workers = [self._started(place) for place in range(count)]
        self._ended = False

    def _started(self, place: int) -> _Worker:
        gpu = {"CUDA_VISIBLE_DEVICES": self._gpus[place % len(self._gpus)]} if self._gpus else {}
        return _Worker(self._work, self._threads, gpu)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        for worker in self._workers:
            worker.end()

    def results(self, tasks: Sequence[Any], told: object = _NOTHING) -> Iterator[Any]:
        """The results of tasks as they come, in no order. told: what each worker is told before its first task.

        Raises PlannerError for a fault in a worker, and for a task over which workers die.
        """
        waiting: queue.SimpleQueue[tuple[Any, int] | None] = queue.SimpleQueue()
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for task in tasks:
            waiting.put((task, 0))
        count = len(self._workers)
        for place in range(count):
            threading.Thread(target=self._serve, args=(place, told, waiting, answers), daemon=True).start()
        for _ in tasks:
            found = _next(answers)
            if isinstance(found, BaseException):
                raise found
            yield found
        for _ in range(count):
            waiting.put(None)

    def _serve(self, place: int, told: object, waiting: Any, answers: Any) -> None:
        """Hand tasks to one worker until there are none; a worker that dies is replaced, its task tried again."""
        introduced = told is _NOTHING
        while (entry := waiting.get()) is not None:
            task, tries = entry
            worker = self._workers[place]
            try:
                if not introduced:
                    worker.ask(_TELL, told)
                    introduced = True
                worker.ask(_DO, task)
                answers.put(worker.answer())
            except (EOFError, OSError, ValueError):
                if self._ended:
                    return
                worker.end()
                if tries + 1 >= MOST_TRIES:
                    answers.put(
                        PlannerError(
                            f"{MOST_TRIES} workers died over {self._work.noun} {task.number + 1}; give fewer --workers "
                            "if memory is short"
                        )
                    )
                    return
                self._workers[place], introduced = self._started(place), told is _NOTHING
                waiting.put((task, tries + 1))


_TELL, _DO = "tell", "do"


def _gpus(device: str) -> list[str]:
    """Names of the GPUs that workers may have, none where the work is done on the CPU."""
    chosen = choose_device(device)
    if chosen.kind is not DeviceKind.GPU:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(at) for at in range(chosen.xp.cuda.runtime.getDeviceCount())]


def serve() -> None:
    """What a worker does: open its work, then do tasks until its input ends."""
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that is printed may mix with the answers
    work, threads = _receive(source)
    opened = Opened(work, threads)
    while True:
        try:
            what, message = _receive(source)
        except EOFError:
            return
        if what == _TELL:
            opened.tell(message)
            continue
        try:
            _send(answers, opened.do(message))
        except PlannerError as error:
            _send(answers, error)
        except Exception as error:
            _send(answers, RuntimeError(f"{work.noun} {message.number + 1}: {type(error).__name__}: {error}"))


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
