"""The candidates of a case under the options of a run, with the levels that the run holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.options import CandidateOptions
from planner.case.edits import changed_case
from planner.case.read import read_case
from planner.errors import PlannerError
from planner.storage.own_tables import read_own_table
from planner.storage.seals import refuse_changed, sealed_record

_AGAIN = "plan again"


@dataclass(frozen=True)
class PlanOfRun:
    """A run read back: its candidates, bounds as the decisions of its user left them, and its levels."""

    candidates: CandidateSet
    levels: Floats
    case_hash: str
    fixes: tuple[str, ...]
    excludes: tuple[str, ...]


def run_options(run: Path) -> dict[str, Any]:
    """The record of a run; raises PlannerError when the folder holds none."""
    record = run / "run.json"
    if not record.is_file():
        raise PlannerError(f"{run} is not a run: it has no run.json; make one with planner plan CASE --out {run}")
    return sealed_record(record, remedy=_AGAIN)


def plan_of_run(case: Path, run: Path) -> PlanOfRun:
    """Build the candidates that a run was planned over, under its --fix and --exclude, and read its portfolio; a case
    that has changed since is refused."""
    record = run_options(run)
    if record.get("command") != "plan":
        raise PlannerError(
            f"{run} was written by planner {record.get('command', '?')}, not by planner plan; give the folder of a plan"
        )
    options = record["options"]
    changed = changed_case(read_case(case), options["edits"], options["stress"])
    if changed.source_hash != record["case_hash"]:
        raise PlannerError(f"{case} has changed since {run} was planned; plan it again")
    fixes, excludes = (tuple(options.get(name, ())) for name in ("fixes", "excludes"))
    candidates = CandidateOptions(options["base"], options["tail"], fixes=fixes, excludes=excludes).candidates(changed)
    refuse_changed(run / "portfolio.csv", record, remedy=_AGAIN)
    portfolio = read_own_table(run / "portfolio.csv", is_number=lambda column: column == "level")
    number = pd.Series(
        np.arange(len(candidates)), index=candidates.table["candidate_id"]
    ).reindex(portfolio["candidate_id"])
    if number.isna().any():
        raise PlannerError(
            f"{run} holds {number.index[number.isna()][0]!r}, which the case has no more under this version; {_AGAIN}"
        )
    levels = np.zeros(len(candidates))
    levels[number.to_numpy(np.int64)] = portfolio["level"].to_numpy(np.float64)
    if not levels.any():
        raise PlannerError(f"{run} holds no plan (its status is {record['status']}); plan again")
    return PlanOfRun(candidates, levels, changed.source_hash, fixes, excludes)
