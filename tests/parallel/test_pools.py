"""Pools made by partitions: the same numbers as in one go, here, on workers, after a killed worker and after an
interruption."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.case.generate import generate_case
from planner.cli.main import main
from planner.errors import PlannerError
from planner.parallel.processes import Processes
from planner.risk import pool_job
from planner.risk.bundle_grid import Grid
from planner.risk.case_pool import make_case_pool
from planner.risk.planning import RiskOptions, plan_after_risk
from planner.risk.pool_job import PoolJob, PoolWorker
from planner.risk.pool_partitions import make_pool, stored_bundles, stored_values
from planner.risk.worth import candidate_values
from planner.scenarios.futures import Futures
from planner.storage.journal import unfinished
from planner.storage.partitions import How

SCENARIOS, BUNDLES, ROWS = 12, 230, 60
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture(scope="module")
def case() -> Case:
    return generate_case(sites=2, leases=3, skus=2, months=24, seed=8)


@pytest.fixture(scope="module", autouse=True)
def small_partitions() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_job, "ROWS", ROWS)
        yield


def job_of(case: Case, **changes: Any) -> PoolJob:
    return replace(
        PoolJob(case, "expected", None, SCENARIOS, None, Grid(early_months=6, most=BUNDLES), None), **changes
    )


def parts_of(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text())["partitions"]


@pytest.fixture(scope="module")
def alone(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool made in this process."""
    target = tmp_path_factory.mktemp("pools") / "alone"
    made = make_pool(job_of(case), str(target), How())
    assert (made.bundles, made.partitions, made.taken_over) == (BUNDLES, 4, 0)
    return target


@pytest.fixture(scope="module")
def here(case: Case) -> tuple[CandidateSet, Futures, pd.DataFrame]:
    worker = PoolWorker(job_of(case))
    return worker.candidates, worker.futures, worker.bundles


def test_partitions_hold_what_a_pool_made_in_one_go_holds(
    alone: Path, here: tuple[CandidateSet, Futures, pd.DataFrame]
) -> None:
    candidates, futures, bundles = here
    whole = make_case_pool(candidates, candidate_values(candidates, futures), futures.weights, bundles).pool.values
    np.testing.assert_array_equal(stored_values(alone, futures, None), whole)
    pd.testing.assert_frame_equal(stored_bundles(alone, candidates), bundles, check_dtype=False)
    assert np.asarray(whole).dtype == np.float32
    assert np.ptp(np.asarray(whole), axis=1).max() > 0.0


def test_values_can_be_mapped_from_a_file(
    alone: Path, here: tuple[CandidateSet, Futures, pd.DataFrame], tmp_path: Path
) -> None:
    found = stored_values(alone, here[1], tmp_path / "values.npy")
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, stored_values(alone, here[1], None))


def test_pandas_reads_the_parts_as_one_table(alone: Path) -> None:
    assert len(pd.read_parquet(alone / "pool.parquet")) == BUNDLES
    assert pq.read_table(alone / "values.parquet").column(0).type.list_size == SCENARIOS


def test_workers_make_the_same_bytes_also_when_one_is_killed(
    case: Case, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []
    started = Processes._started

    def watched(self: Processes, place: int) -> Any:
        worker = started(self, place)
        pids.append(worker._process.pid)
        return worker

    def kill(done: int, of: int, rows: int) -> None:
        if done == 1:
            os.kill(pids[0], signal.SIGKILL)

    monkeypatch.setattr(Processes, "_started", watched)
    target = tmp_path / "workers"
    make_pool(job_of(case), str(target), How(workers=2), progress=kill)
    assert len(pids) == 3
    assert parts_of(target) == parts_of(alone)


def test_an_interrupted_pool_goes_on_where_it_was(
    case: Case, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "pool"

    def stop(done: int, of: int, rows: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_pool(job_of(case), str(target), How(), progress=stop)
    assert not target.exists()
    spoiled = Path(unfinished(str(target))) / "values.parquet" / "part-000000.parquet"
    spoiled.write_bytes(spoiled.read_bytes()[:-1])
    with pytest.raises(PlannerError, match="scenarios differ"):
        make_pool(job_of(case, scenarios=13), str(target), How(resume=True))
    assert make_pool(job_of(case), str(target), How(resume=True)).taken_over == 1
    assert parts_of(target) == parts_of(alone)


def test_a_plan_from_a_stored_pool_is_the_plan_from_the_pool(case: Case, alone: Path) -> None:
    stored = plan_after_risk(case, None, RiskOptions(weight=0.5, alpha=0.8, scenarios=SCENARIOS, pool=str(alone)))
    rows = PoolWorker(job_of(case)).bundles
    assert stored.after_risk.npv_usd is not None
    assert stored.bundles is not None
    pd.testing.assert_frame_equal(stored.bundles, rows, check_dtype=False)


@pytest.mark.parametrize("table", ["pool", "values"])
def test_a_part_that_is_not_as_it_was_written_is_refused(
    alone: Path, here: tuple[CandidateSet, Futures, pd.DataFrame], tmp_path: Path, table: str
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(alone, copy)
    part = copy / f"{table}.parquet" / "part-000001.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    candidates, futures, _ = here
    with pytest.raises(PlannerError, match="not as it was written"):
        _ = stored_bundles(copy, candidates) if table == "pool" else stored_values(copy, futures, None)


def test_a_pool_of_another_case_or_of_other_futures_is_refused(
    alone: Path, here: tuple[CandidateSet, Futures, pd.DataFrame]
) -> None:
    with pytest.raises(PlannerError, match="--scenarios"):
        stored_values(alone, here[1].piece(slice(0, 5)), None)
    other = PoolWorker(job_of(generate_case(sites=2, leases=3, skus=2, months=24, seed=9))).candidates
    with pytest.raises(PlannerError, match="the case"):
        stored_bundles(alone, other)


def test_the_command_makes_a_pool_and_refuses_what_does_not_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["planner", "portfolios", str(FIXTURES / "tiny"), *arguments])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    assert run("--pool", "grid:20", "--scenarios", "7", "--out", str(tmp_path / "pool")) == 0
    assert "4 bundles over 7 futures in 1 partition," in " ".join(capsys.readouterr().out.split())
    assert run("--pool", "grid:20", "--scenarios", "7", "--out", str(tmp_path / "pool")) == 2
    assert "--force" in capsys.readouterr().err
    assert run("--subsets", "sites", "--workers", "2", "--plan", "x", "--out", str(tmp_path / "p.parquet")) == 2
    assert "for --pool alone" in capsys.readouterr().err
    assert run("--pool", "grid:many", "--out", str(tmp_path / "q")) == 2
