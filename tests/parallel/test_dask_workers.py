"""Real processes, and a scheduler of Dask: the same bytes as in this process, also when one of them is killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from cluster_case import FILES, Made

from planner.errors import PlannerError
from planner.parallel import dask_workers
from planner.parallel.processes import Processes
from planner.scoring.score_partitions import score_partitions
from planner.storage.partitions import How

NO_DASK = "Dask is not installed; pip install 'neocloud-planner[cluster]'"


def checksums(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text())["checksums"]


@pytest.fixture(scope="module")
def alone(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Checksums of the partitions scored in this process."""
    target = tmp_path_factory.mktemp("alone") / "scores"
    score_partitions(made.job(), made.parts(), str(target), How(), read_from="p")
    return checksums(target)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_write_the_same_bytes(made: Made, tmp_path: Path, workers: int, alone: Any) -> None:
    score_partitions(made.job(), made.parts(), str(tmp_path / "scores"), How(workers=workers), read_from="p")
    assert checksums(tmp_path / "scores") == alone


def test_a_worker_that_is_killed_at_work_changes_nothing(
    made: Made, tmp_path: Path, alone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    started = Processes._started

    def watched(self: Processes, place: int) -> Any:
        worker = started(self, place)
        killed.append(worker._process.pid)
        return worker

    def kill(done: int, of: int, rows: int) -> None:
        if done == 1:
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(Processes, "_started", watched)
    scored = score_partitions(
        made.job(), made.parts(), str(tmp_path / "scores"), How(workers=2), read_from="p", progress=kill
    )
    assert len(killed) == 3
    assert len(scored.done) == FILES
    assert checksums(tmp_path / "scores") == alone


def test_a_scheduler_is_used_by_its_address(made: Made, tmp_path: Path, alone: Any) -> None:
    distributed = pytest.importorskip("distributed", reason=NO_DASK)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster:
        score_partitions(
            made.job(), made.parts(), str(tmp_path / "scores"), How(scheduler=cluster.scheduler_address), read_from="p"
        )
    assert checksums(tmp_path / "scores") == alone


def test_a_scheduler_that_is_not_there_is_said(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason=NO_DASK)
    monkeypatch.setattr(dask_workers, "PATIENCE", "1s")
    with pytest.raises(PlannerError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9"):
        score_partitions(
            made.job(), made.parts(), str(tmp_path / "scores"), How(scheduler="tcp://127.0.0.1:9"), read_from="p"
        )


def test_a_fault_on_a_worker_is_told_as_it_is(made: Made, tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="raise --memory"):
        score_partitions(
            made.job(scenarios=3_000_000), made.parts(), str(tmp_path / "scores"), How(workers=1), read_from="p"
        )
