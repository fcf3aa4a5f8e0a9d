"""The folder that a run writes: whole or not at all, never over another run unless told."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from planner.candidates.kinds import Kind
from planner.plans.binding import scarce_by_sort
from planner.plans.commitments import soon
from planner.storage.folders import folder_in_place_of, versions, write_record, write_tables
from planner.storage.stored_paths import stored_path
from planner.wording import payback_text

if TYPE_CHECKING:
    from planner.planning.plan import Plan

FORMAT = 1
TABLES = ("decisions", "allocation", "power", "cashflow", "portfolio", "prices", "binding")


def write_run(plan: Plan, folder: str | Path, *, force: bool = False, device: str = "cpu") -> Path:
    """Write a plan's files into a folder; see `planner manual files-of-a-run` for each.

    The folder appears whole or not at all. Raises PlannerError when it exists and `force` is not set, or when it exists
    and is not a run (so that --force never removes anything else).
    """
    target = Path(folder).resolve()
    with folder_in_place_of(target, force=force) as scratch:
        write_tables(scratch, {f"{name}.csv": getattr(plan, name) for name in TABLES})
        more = plan.more_tables.items()
        write_tables(scratch, {name if name.endswith(".parquet") else f"{name}.csv": table for name, table in more})
        write_tables(scratch, {"candidates.parquet": _candidates(plan)})
        write_record(scratch / "plan.json", plan_summary(plan))
        write_record(scratch / "run.json", run_record(plan, device, target))
    return target


def plan_summary(plan: Plan) -> dict[str, Any]:
    """What plan.json holds."""
    from planner.explaining.why_lines import record_of_reason  # heavy, and not needed to read a run

    summary: dict[str, Any] = {
        "case": plan.case.settings.name,
        "status": plan.status.label,
        "npv_usd": plan.npv_usd,
        "objective": "npv to equity" if plan.options.equity else "npv",
        "objective_usd": plan.objective_usd,
        "bound_usd": plan.allocation_result.bound_usd,
        "mip_gap": plan.gap,
        "base": plan.options.base,
        "tail": plan.candidates.outlook.tail,
        "discounting": "(1 + r)^-((t + 0.5)/12), cash at mid-month; years after the horizon at mid-year",
        **({} if plan.over_futures is None else plan.over_futures.summary),
        **plan.more_summary,
    }
    if plan.levels is None:
        return {**summary, **why_none(plan)}
    statement = plan.statement
    rate, irr_status = statement.irr_per_year
    allocation, npv = plan.allocation, statement.npv_usd
    served = allocation[allocation["use"].isin(["serve", "host"]) & (allocation["lease_id"] != "")]
    won = set(served["lease_id"])
    leases = plan.case.tables["leases"]["lease_id"]
    near = soon(plan.decisions, plan.case.settings.start)
    own = plan.candidates.table["kind"].eq(Kind.OWN).to_numpy()
    return {
        **summary,
        "tail_share": statement.tail_usd / npv if npv else None,
        "npv_losses_carried_usd": statement.npv_losses_carried_usd,
        "equity_npv_usd": statement.equity_npv_usd,
        "irr_per_year": rate,
        "irr_status": irr_status.name.lower(),
        "payback_month": payback_text(plan.case.settings.start, statement.payback_month),
        "peak_funding_usd": statement.peak_funding_usd,
        "decisions_within_two_quarters": len(near),
        "commits_within_two_quarters_usd": float(near["commits_usd"].sum()),
        "gpus_bought": float(plan.levels[own].sum()),
        "contracted_mw": float(plan.power["contracted_mw"].sum()),
        "scarce_usd_per_percent": scarce_by_sort(plan.binding),
        "kinds_of_power": sorted(set(plan.power.loc[plan.power["contracted_mw"] > 0, "kind"])),
        "sites": int((plan.power.groupby("site_id")["contracted_mw"].sum() > 0).sum()),
        "leases_won": [name for name in leases if name in won],
        "leases_declined": [name for name in leases if name not in won],
        **({"why": [record_of_reason(reason) for reason in plan.reasons]} if plan.options.why else {}),
    }


def why_none(plan: Plan) -> dict[str, Any]:
    """Why there is no plan: the solver's message, the conflict with its repair, and what grows without end."""
    from planner.explaining.sentences import record_of

    return {
        "message": str(plan.status),
        "solver_message": plan.allocation_result.message or None,
        "conflict": None if plan.conflict is None else record_of(plan.conflict),
        "without_end": [asdict(column) for column in plan.unbounded_ray],
    }


def run_record(plan: Plan, device: str, folder: Path | None = None) -> dict[str, Any]:
    """What run.json holds: everything needed to run it again, and what was proved; the path of the case from `folder`,
    where it will stand."""
    allocation, options = plan.allocation_result, plan.options
    return {
        "format": FORMAT,
        "command": "plan",
        "case": plan.case.settings.name,
        "case_hash": plan.case.source_hash,
        "case_path": plan.case.source if folder is None else stored_path(plan.case.source, folder),
        "versions": versions(),
        "solver": allocation.solver,
        "status": plan.status.label,
        "proven": (
            "within the windows of the case's steps: on-demand and mining levels change only at steps, deliveries and "
            "halls come at steps"
        ),
        "gap_asked": options.solver.gap,
        "gap": allocation.gap,
        "bound_usd": allocation.bound_usd,
        "worst_row": allocation.worst_row,
        "solver_objective_usd": allocation.solver_usd,
        "prices": {
            "asked": options.prices, "answers": len(plan.prices), "complete": plan.priced.complete,
            "held_solves": plan.priced.solves,
        },
        "futures": None if plan.over_futures is None else plan.over_futures.record,
        "seconds": plan.seconds,
        "seed": plan.case.settings.seed,
        "device": device,
        "options": {
            "base": options.base, "tail": plan.candidates.outlook.tail, "equity": options.equity,
            "edits": list(options.edits), "stress": options.stress,
            "fixes": list(options.fixes), "excludes": list(options.excludes), "relax": options.solver.relax,
            "time_limit_s": options.solver.time_limit_s,
        },
        "size": {
            "candidates": len(plan.candidates),
            "columns": len(allocation.model.variables),
            "rows": allocation.solution.arrays.rows,
        },
        **plan.more_record,
    }


def _candidates(plan: Plan) -> pd.DataFrame:
    levels = np.zeros(len(plan.candidates)) if plan.levels is None else plan.levels
    return plan.candidates.table.assign(npv_usd=plan.candidates.npv_usd, level=levels)
