"""The frontier: expected NPV against CVaR, a whole plan at each point, none of them beaten by a mix of others.

The plans of several risk weights are made one after another, each from the futures and columns of the one before. Every
plan is then measured
under every weight, and each weight takes the best of them: what the gap of one search left is mended by another, and
the points that remain are the corners of a concave curve.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.errors import PlannerError
from planner.formulation.formulation import make_formulation
from planner.formulation.model import make_model
from planner.formulation.money import MILLION
from planner.planning.options import PlanOptions
from planner.plans.tables import portfolio_table, power_table
from planner.risk.allocate import RiskAllocation, Task
from planner.risk.planning import RiskOptions
from planner.risk.worth import candidate_values, column_values, endings_are_certain
from planner.scenarios.futures import Futures
from planner.solver.column_generation.columns import FixedPart
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.model_arrays import model_arrays
from planner.solver.status import Status
from planner.storage.folders import folder_in_place_of, versions, write_record, write_tables
from planner.storage.stored_paths import stored_path

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
COLUMNS = (
    "risk_weight", "expected_npv_usd", "cvar_usd", "objective_usd", "bound_usd", "gap", "base_npv_usd",
    "standard_deviation_usd",
    "gpus_bought", "contracted_mw", "sites", "leases_won",
)


@dataclass(frozen=True, eq=False, repr=False)
class Frontier:
    """table: one row per point, best mean first (see COLUMNS). plans: long, columns portfolio (`w0.25`), candidate_id,
    level and more.

    statuses: what became of each weight that was asked. certificates: of the relaxations, by weight, in units of
    `money` dollars.
    """

    table: pd.DataFrame
    plans: pd.DataFrame
    statuses: dict[float, Status]
    certificates: dict[float, dict[str, Any]]
    futures: Futures
    risk: RiskOptions
    case: Case
    seconds: float
    money: float = MILLION

    def __repr__(self) -> str:
        return f"<Frontier of {self.case.settings.name!r}: {len(self.table)} points over {len(self.futures):,} futures>"

    @property
    def exit_code(self) -> int:
        """The worst of the statuses."""
        return max((status.exit_code for status in self.statuses.values()), default=0)


@dataclass(frozen=True, eq=False)
class _Made:
    """A plan found at some weight: levels, NPV by future, and the bound of its own weight."""

    weight: float
    levels: Floats
    npv_usd: Floats


def frontier(
    case: Case | str | Path, options: PlanOptions | None = None, risk: RiskOptions | None = None, *,
    weights: Sequence[float] = WEIGHTS,
    report: Callable[[float], None] | None = None,
) -> Frontier:
    """Plans for a set of risk weights; `risk.weight` does not count. report: called with each weight as its plan
    begins.

    Raises PlannerError for no weights, one named twice, or options that plans after risk do not take.

    >>> import planner
    >>> found = planner.frontier("fixtures/tiny", risk=planner.RiskOptions(scenarios=8), weights=(0, 1))
    >>> found.statuses[1].label
    'optimal'
    """
    chosen, weighed = options or PlanOptions(), risk or RiskOptions()
    if not weights or len(set(weights)) != len(weights):
        raise PlannerError(f"risk weights {list(weights)} make no frontier; give each weight from 0 to 1 once")
    for weight in weights:
        replace(weighed, weight=weight)  # one that is no weight is refused before the work
    if (
        chosen.solver.solver != "highs" or weighed.pool is not None or weighed.max_cvar_usd is not None
        or weighed.information
    ):
        raise PlannerError(
            "a frontier is made by HiGHS over the whole model; leave --solver, --pool, --max-cvar and --information out"
        )
    began = time.perf_counter()
    changed = changed_case(as_case(case), chosen.edits, chosen.stress)
    candidates = chosen.candidates(changed)
    futures = weighed.futures(changed, candidates.outlook.calendar)
    values = candidate_values(candidates, futures, equity=chosen.equity, threads=chosen.solver.threads)
    found = _plans(candidates, values, futures, chosen, weighed, sorted(weights), report)
    table, plans = _points(candidates, futures, weighed, found)
    certificates = {
        weight: one.relaxed.certificate.record() for weight, one in found.items() if one.relaxed is not None
    }
    money = next(iter(found.values())).allocation.model.money  # one model stands behind all points
    statuses = {weight: one.allocation.status for weight, one in found.items()}
    return Frontier(table, plans, statuses, certificates, futures, weighed, changed, time.perf_counter() - began, money)


def _plans(
    candidates: CandidateSet, values: Floats, futures: Futures, options: PlanOptions, risk: RiskOptions,
    weights: list[float],
    report: Callable[[float], None] | None,
) -> dict[float, RiskAllocation]:
    """A plan at each weight, each warm from the one before, over one model."""
    model = make_model(
        make_formulation(candidates, aggregate=False, keep_equals=not endings_are_certain(candidates, values))
    )
    fixed = FixedPart(
        model_arrays(model.problem, variables=model.variables),
        column_values(model.formulation, values, futures.weights),
    )
    found: dict[float, RiskAllocation] = {}
    before = None
    for weight in weights:
        if report is not None:
            report(weight)
        measure = MeanCvar(weight, risk.alpha, futures.weights)
        found[weight] = Task(candidates, values, measure, options.solver, model, fixed, None, start=before).run({})
        before = found[weight].relaxed or before
    return found


def _points(
    candidates: CandidateSet, futures: Futures, risk: RiskOptions, found: dict[float, RiskAllocation]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table and the plans of the points that no other beats."""
    made = [
        _Made(weight, one.allocation.levels, one.npv_usd) for weight, one in found.items()
        if one.allocation.levels is not None and one.npv_usd is not None
    ]
    rows, plans, seen = [], [], set()
    for weight, one in found.items():
        if not made:
            break
        measure = MeanCvar(weight, risk.alpha, futures.weights)
        best = max(made, key=lambda plan: (measure.value(plan.npv_usd), -plan.weight))
        if id(best) in seen:  # the plan of a neighbouring weight is the best here too: one point stands for both
            continue
        seen.add(id(best))
        rows.append(_row(candidates, measure, one, best))
        plans.append(portfolio_table(candidates, best.levels).assign(portfolio=point_name(weight)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    kept = not_beaten(table["expected_npv_usd"].to_numpy(np.float64), table["cvar_usd"].to_numpy(np.float64))
    table, plans = table[kept].reset_index(drop=True), [plan for plan, keep in zip(plans, kept, strict=True) if keep]
    every = (
        pd.concat(plans, ignore_index=True) if plans else pd.DataFrame(columns=["portfolio", "candidate_id", "level"])
    )
    return table, every[["portfolio", *(name for name in every.columns if name != "portfolio")]]


def point_name(weight: float) -> str:
    """The name of the plan of a weight among portfolios."""
    return f"w{weight:g}"


def not_beaten(mean: Floats, cvar: Floats) -> np.ndarray:
    """Points that no other beats in one of mean (higher) and CVaR (lower) without losing in the other, shape
    (points,)."""
    better = (mean[None, :] >= mean[:, None]) & (cvar[None, :] <= cvar[:, None])
    strictly = (mean[None, :] > mean[:, None]) | (cvar[None, :] < cvar[:, None])
    return np.asarray(~(better & strictly).any(axis=1))


def _row(candidates: CandidateSet, measure: MeanCvar, own: RiskAllocation, best: _Made) -> dict[str, Any]:
    mean, value = measure.mean(best.npv_usd), measure.value(best.npv_usd)
    bound = own.allocation.bound_usd
    table, power = candidates.table, power_table(candidates, best.levels)
    served = table["kind"].isin((Kind.SERVE, Kind.HOST)).to_numpy() & (best.levels > 0.0)
    return {
        "risk_weight": measure.weight,
        "expected_npv_usd": mean,
        "cvar_usd": measure.cvar(best.npv_usd),
        "objective_usd": value,
        "bound_usd": bound,
        "gap": None if bound is None else max(bound - value, 0.0) / max(abs(value), 1.0),
        "base_npv_usd": float(candidates.npv_usd @ best.levels),
        "standard_deviation_usd": float(np.sqrt(measure.probability @ (best.npv_usd - mean) ** 2)),
        "gpus_bought": float(best.levels[table["kind"].eq(Kind.OWN).to_numpy()].sum()),
        "contracted_mw": float(power["contracted_mw"].sum()),
        "sites": int((power.groupby("site_id")["contracted_mw"].sum() > 0).sum()),
        "leases_won": int(table["lease_id"][served].replace("", np.nan).nunique()),
    }


def write_frontier(found: Frontier, folder: Path, *, force: bool = False) -> None:
    """Write frontier.csv, frontier.parquet, plans.parquet (portfolios that `score` reads) and run.json; whole or not at
    all."""
    target = folder.resolve()
    tables = {"frontier.csv": found.table, "frontier.parquet": found.table, "plans.parquet": found.plans}
    with folder_in_place_of(target, force=force) as scratch:
        write_tables(scratch, tables)
        write_record(scratch / "run.json", frontier_record(found, target))


def frontier_record(found: Frontier, folder: Path) -> dict[str, Any]:
    """What run.json holds."""
    settings = {name: value for name, value in vars(found.risk).items() if name in ("alpha", "scenarios", "draws")}
    return {
        "command": "frontier",
        "case": found.case.settings.name,
        "case_hash": found.case.source_hash,
        "case_path": stored_path(found.case.source, folder),
        "versions": versions(),
        "risk": {**settings, "seed": found.futures.seed},
        "statuses": {f"{weight:g}": status.label for weight, status in found.statuses.items()},
        "certificates": {f"{weight:g}": record for weight, record in found.certificates.items()},
        "certificate_unit": f"{found.money:g} dollars",
        "seconds": found.seconds,
    }

