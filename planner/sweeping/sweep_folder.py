"""The folder of a sweep: its tables, and what was asked and proved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from planner.storage.folders import folder_in_place_of, versions, write_record, write_tables
from planner.sweeping.result import Sweep

FORMAT = 1
RECORD = "sweep.json"


def write_sweep(sweep: Sweep, folder: str | Path, *, force: bool = False) -> Path:
    """Write points, sites, leases, flips and broken limits (CSV), points and portfolios (Parquet) and sweep.json, whole
    or not at all."""
    target = Path(folder).resolve()
    tables = {
        "points.csv": sweep.table, "sites.csv": sweep.sites, "leases.csv": sweep.leases, "flips.csv": sweep.flips,
        "broken.csv": sweep.broken, "points.parquet": sweep.table, "portfolios.parquet": sweep.portfolios,
    }
    with folder_in_place_of(target, force=force, what="sweep", record=RECORD) as scratch:
        write_tables(scratch, tables)
        write_record(scratch / RECORD, sweep_record(sweep))
    return target


def sweep_record(sweep: Sweep) -> dict[str, Any]:
    """What sweep.json holds: what was varied, the base plan, the seconds, and what warm starts saved."""
    options = sweep.options.plan
    return {
        "format": FORMAT,
        "command": "sweep",
        "case": sweep.case.settings.name,
        "case_hash": sweep.case.source_hash,
        "versions": versions(),
        "axes": [{"name": axis.name, "values": list(axis.values)} for axis in sweep.axes],
        "held": "the base plan's portfolio, valued in the changed case",
        "redone": "planned anew in the changed case, which it knows from the start (foresight)",
        "points": len(sweep.points),
        "points_done": len(sweep.found),
        "interrupted": sweep.interrupted,
        "base": {"status": sweep.base.status, "npv_usd": sweep.base.objective_usd, "bound_usd": sweep.base.bound_usd},
        "gap_asked": options.solver.gap,
        "options": {
            "base": options.base, "tail": options.tail, "equity": options.equity, "edits": list(options.edits),
            "stress": options.stress, "fixes": list(options.fixes), "excludes": list(options.excludes),
        },
        "warm_starts": not sweep.options.cold,
        "workers": sweep.workers,
        "seconds": {
            "wall": sweep.seconds,
            "base_plan": sweep.base.seconds,
            "base_solver": sweep.base.solver_seconds,
            "solver_by_point": [one.solver_seconds for one in sweep.outcomes],
            "solver_as_base_plans": in_base_plans(sweep),
        },
    }


def in_base_plans(sweep: Sweep) -> float | None:
    """Seconds of the solver over all points, in solves of the base plan from scratch."""
    return sweep.solver_seconds / sweep.base.solver_seconds if sweep.base.solver_seconds > 0.0 else None


def point_records(sweep: Sweep) -> list[dict[str, Any]]:
    """The points as plain values, None for what is blank."""
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in sweep.table.to_dict("records")
    ]
