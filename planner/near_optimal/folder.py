"""The folder of alternatives: what holds for all plans near the best, and the plans that differ most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from planner.near_optimal.alternatives import Alternatives
from planner.storage.folders import folder_in_place_of, refuse_other_folders, versions, write_record, write_tables

FORMAT = 1
WHAT, RECORD = "set of alternatives", "alternatives.json"


def write_alternatives(found: Alternatives, folder: str | Path, *, force: bool = False) -> Path:
    """Write sites, leases, plans and where they stand (CSV), portfolios (Parquet) and alternatives.json, whole or not
    at all."""
    tables = {name: getattr(found, name) for name in ("sites", "leases", "plans", "where")}
    target = Path(folder).resolve()
    with folder_in_place_of(target, force=force, what=WHAT, record=RECORD) as scratch:
        write_tables(scratch, {f"{name}.csv": table for name, table in tables.items()})
        write_tables(scratch, {"portfolios.parquet": found.portfolios})
        write_record(scratch / RECORD, alternatives_record(found))
    return target


def refuse_other_alternatives(target: Path, *, force: bool) -> None:
    """Raise PlannerError unless the folder is free, empty, or alternatives that may be replaced."""
    refuse_other_folders(target, force=force, what=WHAT, record=RECORD)


def alternatives_record(found: Alternatives) -> dict[str, Any]:
    """What alternatives.json holds: the best plan, the loss allowed, and what was proven."""
    plan, options = found.plan, found.options
    return {
        "format": FORMAT,
        "command": "alternatives",
        "case": plan.case.settings.name,
        "case_hash": plan.case.source_hash,
        "versions": versions(),
        "best": {
            "status": plan.status.label, "npv_usd": plan.objective_usd, "bound_usd": plan.allocation_result.bound_usd
        },
        "within": options.within,
        "least_npv_usd": found.least_usd,
        "effort": options.effort,
        "proven": {
            "sites": int(found.sites["proven"].sum()), "of": len(found.sites),
            "ranges": int(found.sites["range_proven"].sum()),
            "leases": int(found.leases["proven"].sum()), "of_leases": len(found.leases),
        },
        "exactness": (
            "whole decisions kept; 'proven' by plans found or by bounds of the search, to the solver's gap; what is "
            "open says so"
        ),
        "questions": found.questions,
        "plans_found": found.plans_found,
        "interrupted": found.interrupted,
        "seconds": found.seconds,
        "options": {
            "base": options.plan.base, "tail": plan.candidates.outlook.tail, "equity": options.plan.equity,
            "edits": list(options.plan.edits),
            "stress": options.plan.stress, "fixes": list(options.plan.fixes), "excludes": list(options.plan.excludes),
        },
    }


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain values, None for what is blank."""
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in table.to_dict("records")
    ]
