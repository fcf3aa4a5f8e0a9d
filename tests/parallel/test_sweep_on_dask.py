"""A sweep whose points are found by workers of a scheduler: the same tables to the last bit, also when one of them is
killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planner.bench.workers import SHAPE
from planner.case.read import read_case
from planner.errors import PlannerError
from planner.sweeping.result import Sweep, SweepOptions
from planner.sweeping.sweep import sweep

if find_spec("distributed") is None:  # not imported before its tests run: that takes long
    pytest.skip("Dask is not installed; pip install 'neocloud-planner[cluster]'", allow_module_level=True)

TINY = read_case(Path(__file__).resolve().parents[2] / "fixtures" / "tiny")
VARY = ("gas_price=0.5:3:6", "lease_rate=0.9,1.1")
SLOW = ("solver_seconds", "seconds")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **SHAPE) as made:
        yield made


@pytest.fixture(scope="module")
def alone() -> Sweep:
    return sweep(TINY, vary=VARY, workers=1)


def assert_same(found: Sweep, expected: Sweep) -> None:
    for name in ("table", "sites", "leases", "flips", "broken", "portfolios"):
        one, other = (getattr(each, name) for each in (found, expected))
        kept = [column for column in one if not column.endswith(SLOW)]
        assert len(kept) >= 3
        pd.testing.assert_frame_equal(one[kept], other[kept], check_exact=True)


def test_points_on_a_scheduler_are_the_same_points(cluster: Any, alone: Sweep) -> None:
    found = sweep(TINY, vary=VARY, scheduler=cluster.scheduler_address)
    assert len(found.found) == 12
    assert_same(found, alone)


def test_a_worker_that_is_killed_in_the_middle_costs_no_point(cluster: Any, alone: Sweep, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(done: int, of: int, what: str) -> None:
        if done == 1 and not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    found = sweep(TINY, vary=VARY, scheduler=cluster.scheduler_address, out=tmp_path / "sweep", progress=kill)
    assert killed
    assert_same(found, alone)
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text())["points_done"] == 12


def test_a_scheduler_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from planner.parallel import dask_workers

    monkeypatch.setattr(dask_workers, "PATIENCE", "1s")
    with pytest.raises(PlannerError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9"):
        sweep(TINY, vary=("gas_price=1,2",), scheduler="tcp://127.0.0.1:9")


def test_processes_here_and_a_scheduler_are_not_asked_for_together() -> None:
    with pytest.raises(PlannerError, match="give one of the two"):
        SweepOptions(vary=("gas_price=1,2",), workers=2, scheduler="tcp://here:8786")
