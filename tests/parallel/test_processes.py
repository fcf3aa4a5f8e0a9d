"""Processes of this machine at made-up work: what is told, what is raised, and what kills them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import pytest

from kernels.backend import DeviceKind
from planner.errors import PlannerError
from planner.parallel import processes
from planner.parallel.processes import Processes
from planner.parallel.somewhere import results


@dataclass(frozen=True)
class Task:
    number: int


@dataclass(frozen=True)
class Chore:
    """Work that says where it is done, fails, or kills its worker."""

    what: str
    name: ClassVar[str] = "chore"
    noun: ClassVar[str] = "task"

    def opened(self, threads: int) -> Callable[[Task], str]:
        if self.what == "closed":
            raise PlannerError("it does not open")
        return self._do

    def _do(self, task: Task) -> str:
        if self.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "fail":
            raise ZeroDivisionError("by nothing")
        return os.environ.get(self.what, "")


def done(what: str, count: int = 2, device: str = "cpu") -> list[str]:
    tasks = [Task(number) for number in range(4)]
    with Processes(Chore(what), count, device=device) as workers:
        return list(workers.results(tasks))


@pytest.mark.parametrize(
    ("what", "error", "says"),
    [
        ("closed", PlannerError, "it does not open"),
        ("fail", RuntimeError, r"task \d: ZeroDivisionError: by nothing"),
        ("kill", PlannerError, r"3 workers died over task \d; give fewer --workers"),
    ],
)
def test_faults_are_raised_where_the_work_was_asked_for(what: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        done(what)


def test_threads_of_libraries_are_one() -> None:
    assert done("OMP_NUM_THREADS") == ["1"] * 4


@pytest.mark.parametrize(("visible", "expected"), [(None, {"0", "1"}), ("GPU-a,GPU-b,GPU-c", {"GPU-a", "GPU-b"})])
def test_each_worker_has_a_gpu_of_its_own(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: set[str]
) -> None:
    runtime = SimpleNamespace(getDeviceCount=lambda: 2)
    two = SimpleNamespace(kind=DeviceKind.GPU, xp=SimpleNamespace(cuda=SimpleNamespace(runtime=runtime)))
    monkeypatch.setattr(processes, "choose_device", lambda name: two)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    workers = Processes(Chore("CUDA_VISIBLE_DEVICES"), 2, device="auto")
    with workers:
        assert set(workers.results([Task(0)] * 20)) <= expected
    assert {workers._gpus[place % len(workers._gpus)] for place in range(2)} == expected


def test_without_workers_the_work_is_done_here() -> None:
    found = results(Chore(""), [Task(0), Task(1)], workers=None, scheduler=None, here=lambda task: task.number)
    assert list(found) == [0, 1]
