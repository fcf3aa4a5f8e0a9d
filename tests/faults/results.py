"""Folders that planner writes and reads again: a sound one of each, and what is understood of a spoilt one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.candidates.packages import site_packages
from planner.case.case import Case
from planner.case.read import read_case
from planner.case.starting import starting_case
from planner.case.write import write_case
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.reporting.beside_files import read_frontier, read_quotes, read_sweep
from planner.reporting.findings import Findings, findings_of_run
from planner.reporting.scored import Scored, _members, read_scores
from planner.risk.bundle_grid import Grid
from planner.risk.pool_job import PoolJob
from planner.risk.pool_partitions import make_pool, stored_bundles, stored_values
from planner.run_folder import write_run
from planner.scenarios.futures import make_futures
from planner.scoring.files import open_portfolios, write_packages
from planner.scoring.from_run import plan_of_run
from planner.scoring.partition_job import Job
from planner.scoring.partitions import partitions_of
from planner.scoring.score import ScoreOptions, Scoring
from planner.scoring.score_folder import write_scores
from planner.scoring.score_partitions import score_partitions
from planner.scoring.subsets import Subsets
from planner.solver.options import SolverOptions
from planner.storage.journal import Journal, _refuse_other_work
from planner.storage.partitions import How, finished, keep_part
from planner.sweeping.kept import asked_of, hash_of, kept_base, kept_outcomes
from planner.sweeping.sweep import sweep

GAP = SolverOptions(gap=0.01)
PLANNED = "planned"
"""The case that they are of, beside them."""
VARY = ("gas_price=1,2",)
QUOTES = [
    {
        "name": "first", "size": 100.0, "floor": 2.5, "low": 2.4, "high": 2.6, "standalone_rate": 2.2,
        "floor_keeping_leases": 2.5,
    }
]


def write_results(folder: Path) -> None:
    """Write a run, scores in one file and by parts, a sweep and one that is not finished, a pool, a frontier and
    quotes."""
    write_case(starting_case(), folder / PLANNED)
    case = read_case(folder / PLANNED)
    found = plan(case, prices="none", solver=GAP)
    write_run(found, folder / "run")
    _write_scores(found, folder)
    _write_sweep(case, folder)
    job = PoolJob(case, "expected", None, 5, None, Grid(early_months=3, most=40), None)
    make_pool(job, str(folder / "pool"), How())
    pd.DataFrame(
        {"weight": [0.0, 1.0], "expected_npv_usd": [2e8, 1e8], "cvar_usd": [-1e8, -9e7]}
    ).to_parquet(folder / "frontier.parquet", index=False)
    (folder / "quotes.json").write_text(json.dumps({"case_hash": case.source_hash, "quotes": QUOTES}), encoding="utf-8")


def _write_scores(found: Plan, folder: Path) -> None:
    assert found.levels is not None
    source = Subsets(site_packages(found.candidates, found.levels))
    write_packages(folder / "subsets.parquet", source, found.candidates, {})
    options = ScoreOptions(scenarios=10, threads=1, device="cpu")
    scoring = Scoring(found.candidates, options)
    pieces = scoring.pieces(open_portfolios(folder / "subsets.parquet", found.candidates))
    list(write_scores(scoring, pieces, found.case, folder / "scores", read_from=str(folder / "subsets.parquet")))
    parts = partitions_of(str(folder / "subsets.parquet"))
    job = Job(found.case, "expected", None, options, parts.fingerprint, parts.count)
    score_partitions(job, parts, str(folder / "parts"), How(), read_from="")
    # What a run leaves that was stopped before its end: one partition and the job that it is of.
    begun = folder / "begun"
    (begun / "done").mkdir(parents=True)
    for name in ("scores", "broken"):
        (begun / f"{name}.parquet").mkdir()
        shutil.copy(folder / "parts" / f"{name}.parquet" / "part-000000.parquet", begun / f"{name}.parquet")
    files = {name: (begun / f"{name}.parquet" / "part-000000.parquet").read_bytes() for name in ("scores", "broken")}
    keep_part(_journal(begun), 0, parts.count or 0, files)
    (begun / "job.json").write_text(json.dumps(job.identity()), encoding="utf-8")


def _write_sweep(case: Case, folder: Path) -> None:
    kept_points = folder / "unfinished"

    def copy(done: int, of: int, what: str) -> None:
        if done == of:
            shutil.copytree(folder / ".sweep.unfinished", kept_points, dirs_exist_ok=True)

    sweep(case, vary=VARY, workers=1, solver=GAP, out=folder / "sweep", progress=copy)


@dataclass(frozen=True)
class Sound:
    """What the sound folders hold."""

    findings: Findings
    levels: np.ndarray
    scored: Scored
    parts: Scored
    points: pd.DataFrame
    done: dict[int, Any]
    identity: dict[str, Any]


@cache
def sound(folder: Path) -> Sound:
    """The sound folders, read once."""
    case = folder / PLANNED
    findings = findings_of_run(folder / "run", case)
    journal = _journal(folder / "unfinished", asked_by_sweep(folder))
    return Sound(
        findings, plan_of_run(case, folder / "run").levels, read_scores(folder / "scores", findings),
        read_scores(folder / "parts", findings),
        read_sweep(folder / "sweep", findings).points, {one.number: one for one in kept_outcomes(journal)},
        json.loads((folder / "begun" / "job.json").read_text()),
    )


def _journal(folder: Path, asked: Mapping[str, Any] | None = None) -> Journal:
    return Journal(str(folder), "" if asked is None else hash_of(asked))


def run_differs(path: Path, folder: Path) -> str:
    """What a report, and what makes portfolios, understands of a run."""
    found, expected = findings_of_run(path, folder / PLANNED), sound(folder)
    same = (
        found.summary == expected.findings.summary
        and all(found.tables[name].equals(table) for name, table in expected.findings.tables.items())
    )
    if not same or not found.held.equals(expected.findings.held):
        return "the report reads another plan than was written"
    return (
        "" if np.array_equal(plan_of_run(folder / PLANNED, path).levels, expected.levels)
        else "levels that were not written"
    )


def scores_differ(path: Path, folder: Path) -> str:
    """What a report understands of scores, in one file or by parts."""
    expected = sound(folder)
    found = read_scores(path, expected.findings)
    one = expected.parts if path.name == "parts" else expected.scored
    return "" if found.table.equals(one.table) and found.futures.equals(one.futures) else "scores that were not written"


def sweep_differs(path: Path, folder: Path) -> str:
    """What a report understands of a sweep."""
    return (
        "" if read_sweep(path, sound(folder).findings).points.equals(sound(folder).points)
        else "points that were not written"
    )


def journal_differs(path: Path, folder: Path) -> str:
    """What a sweep that is gone on with takes over."""
    asked, expected = asked_by_sweep(folder), sound(folder).done
    _refuse_other_work(str(path / "job.json"), asked, "sweep")
    journal = _journal(path, asked)
    for one in kept_outcomes(journal):
        if not np.array_equal(one.levels, expected[one.number].levels) or one.held != expected[one.number].held:  # type: ignore[union-attr]
            return f"point {one.number} is not as it was found"
    base, first = kept_base(journal), kept_base(_journal(folder / "unfinished", asked))
    assert first is not None
    return "" if base is None or np.array_equal(base.levels, first.levels) else "another base plan than was found"


@cache
def asked_by_sweep(folder: Path) -> dict[str, Any]:
    """What the sweep that is not finished was asked."""
    from planner.planning.options import PlanOptions
    from planner.sweeping.axes import parse_axis, points_of
    from planner.sweeping.base_plan import plain
    from planner.sweeping.points import Job as Points

    case = read_case(folder / PLANNED)
    asked = asked_of(Points(case, plain(PlanOptions(solver=GAP))), points_of([parse_axis(case, VARY[0])]))
    return json.loads(json.dumps(asked))  # type: ignore[no-any-return]


def partition_differs(path: Path, folder: Path) -> str:
    """What scores that are gone on with take over."""
    _refuse_other_work(str(path / "job.json"), sound(folder).identity, "run")
    done, first = finished(_journal(path), 0), finished(_journal(folder / "begun"), 0)
    assert first is not None
    return (
        "" if done is None or (done.rows, done.checksums) == (first.rows, first.checksums)
        else "a part that was not made"
    )


def pool_differs(path: Path, folder: Path) -> str:
    """What a plan takes from a pool."""
    candidates = plan_of_run(folder / PLANNED, folder / "run").candidates
    futures = make_futures(candidates.outlook.case, candidates.outlook.calendar, scenarios=5, seed=None)
    same = stored_bundles(path, candidates).equals(stored_bundles(folder / "pool", candidates))
    return (
        "" if same and np.array_equal(stored_values(path, futures, None), stored_values(folder / "pool", futures, None))
        else "bundles that were not made"
    )


def members_are_wrong(path: Path, folder: Path) -> str:
    """What a report takes from the file of portfolios that was scored."""
    expected = sound(folder)
    found = _members(path, expected.scored.table["portfolio"], expected.findings, required=True)
    sites = set(expected.findings.case.tables["sites"]["site_id"])
    return "" if set(found["site_id"]) <= sites else "sites that the case does not have"


def frontier_is_wrong(path: Path, folder: Path) -> str:
    """What a report takes from a frontier."""
    table = read_frontier(path, sound(folder).findings)
    return "" if np.isfinite(table[["expected_npv_usd", "cvar_usd"]].to_numpy()).all() else "values that are no numbers"


def quotes_are_wrong(path: Path, folder: Path) -> str:
    """What a report takes from quotes."""
    table = read_quotes([path], sound(folder).findings)
    return "" if table["floor"].dtype == np.float64 else "floors that are no numbers"
