"""The plan after risk: the best expansion for mean and CVaR over many futures, with its certificate and its fears."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.errors import PlannerError
from planner.planning.make_plan import explained, with_prices
from planner.planning.options import PlanOptions
from planner.planning.plan import Plan
from planner.plans.over_futures import OverFutures
from planner.risk.allocate import RiskAllocation, allocate_after_risk, allocate_from_pool
from planner.risk.bundle_grid import Grid, bundle_grid
from planner.risk.case_pool import make_case_pool, places_with_fleet, pool_on_disk
from planner.risk.information import Information, value_of_information
from planner.risk.pool_file import pool_table, read_pool
from planner.risk.pool_partitions import is_pool_folder, stored_bundles, stored_values
from planner.risk.tail_scenarios import factor_shifts, factor_values, feared_futures
from planner.risk.weighed import WeighedFutures
from planner.risk.worth import candidate_values
from planner.runtime.device import device_named
from planner.scenarios.futures import Futures
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.pricing_rounds import RoundReport
from planner.solver.growing_lp import NoVertex
from planner.solver.status import Status
from planner.storage.own_tables import no_rows


@dataclass(frozen=True)
class RiskOptions(WeighedFutures):
    """What to weigh against the mean, over which futures (see `WeighedFutures`).

    max_cvar_usd: greatest CVaR of the loss. pool: a file of bundles (see `pool_file`), or `grid` or `grid:COUNT` for
    those of the case on a fine grid, at most COUNT; GPUs then take only the paths of the pool. device: auto, cpu or
    gpu, on which a pool is priced.
    """

    max_cvar_usd: float | None = None
    pool: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_cvar_usd is not None and not np.isfinite(self.max_cvar_usd):
            raise PlannerError(
                f"a limit on CVaR of {self.max_cvar_usd} is no number of dollars; a loss is positive, a gain negative"
            )
        word, _, count = (self.pool or "").partition(":")
        if word == "grid" and count and not count.isdecimal():
            raise PlannerError(f"--pool {self.pool!r} is no grid; write grid, grid:1000000, or the name of a file")
        if self.device != "auto" and self.pool is None:
            raise PlannerError(
                f"--device {self.device} says where a pool is priced, and there is none; leave it out, or give --pool"
            )
        if self.information and self.pool is not None:
            raise PlannerError(
                "the value of information is found on the whole model, not on a pool; leave --pool or --information out"
            )
        if self.imported is not None and self.pool is not None and is_pool_folder(self.pool):
            raise PlannerError("the values of that pool are of futures that were drawn; leave --futures or --pool out")


@dataclass(frozen=True, repr=False)
class RiskPlan(Plan):
    """A plan after risk. Its objective is (1 - w) x expected NPV - w x CVaR; `npv_usd` stays that of the base case."""

    risk: RiskOptions
    futures: Futures
    after_risk: RiskAllocation
    information: Information | None
    bundles: pd.DataFrame | None = None
    """Bundles of the pool, None without one."""
    priced_by: str = ""
    """The device that priced the pool, and why it was that one."""

    def __repr__(self) -> str:
        plain = super().__repr__().removesuffix(">")
        mean = (
            "" if self.expected_npv_usd is None
            else f", expected NPV ${self.expected_npv_usd:,.0f} over {len(self.futures):,} futures"
        )
        return f"{plain}{mean}>"

    @property
    def measure(self) -> MeanCvar:
        """Mean and CVaR over the plan's futures."""
        return MeanCvar(self.risk.weight, self.risk.alpha, self.futures.weights)

    @property
    def npv_by_future(self) -> Floats | None:
        """NPV in every future, dollars, (S,)."""
        return self.after_risk.npv_usd

    @property
    def expected_npv_usd(self) -> float | None:
        """Mean NPV over the futures."""
        return None if self.npv_by_future is None else self.measure.mean(self.npv_by_future)

    @property
    def cvar_usd(self) -> float | None:
        """CVaR of the loss over the futures; positive is a loss."""
        return None if self.npv_by_future is None else self.measure.cvar(self.npv_by_future)

    @cached_property
    def factors(self) -> pd.DataFrame:
        """A figure per factor and future."""
        return factor_values(self.futures)

    @cached_property
    def feared(self) -> pd.DataFrame:
        """The futures in the tail, worst first, with their weights and factors."""
        if self.npv_by_future is None:
            return no_rows([], ["future", "npv_usd", "probability", "tail_weight", "weight"])
        measure = self.measure
        return feared_futures(
            self.factors, self.futures, self.npv_by_future, measure.feared(self.npv_by_future),
            measure.tail(self.npv_by_future),
        )

    @cached_property
    def shifts(self) -> pd.DataFrame:
        """What the factors do in the tail, those on which the plan's NPV depends most first."""
        if self.npv_by_future is None:
            return no_rows(["factor"], ["mean", "mean_feared", "shift", "correlation"])
        return factor_shifts(
            self.factors, self.futures.weights, self.measure.tail(self.npv_by_future), self.npv_by_future
        )

    @property
    def more_summary(self) -> dict[str, Any]:
        """What plan.json holds beside the figures of any plan."""
        relaxed = self.after_risk.relaxed
        price = None if relaxed is None or self.risk.max_cvar_usd is None else relaxed.certificate.cvar_limit_price
        known = self.information
        money = self.allocation_result.model.money
        # the plan of the base case keeps no limit on CVaR: there is nothing to compare with
        limited = self.risk.max_cvar_usd is not None
        return {
            "objective": f"(1 - w) x expected {'npv to equity' if self.options.equity else 'npv'} - w x cvar",
            "risk_weight": self.risk.weight,
            "alpha": self.risk.alpha,
            "scenarios": len(self.futures),
            "expected_npv_usd": self.expected_npv_usd,
            "cvar_usd": self.cvar_usd,
            "max_cvar_usd": self.risk.max_cvar_usd,
            "objective_usd_per_usd_of_cvar_limit": price,
            "relaxation_usd": None if relaxed is None else relaxed.certificate.bound * money,
            "evpi_usd": None if known is None else known.evpi * money,
            "evpi_standard_error_usd": None if known is None or not np.isfinite(
                known.evpi_error
            ) else known.evpi_error * money,
            "vss_usd": None if known is None or limited else known.vss * money,
            "vss_standard_error_usd": None if known is None or limited or not np.isfinite(
                known.vss_error
            ) else known.vss_error * money,
        }

    @property
    def more_record(self) -> dict[str, Any]:
        """What run.json holds beside the record of any plan: the certificate of the relaxation, recomputed in float64,
        money in $M."""
        relaxed = self.after_risk.relaxed
        return {
            "risk": {**asdict(self.risk), "seed": self.futures.seed},
            **(
                {} if self.bundles is None
                else {
                    "pool": {
                        "from": self.risk.pool, "bundles": len(self.bundles), "priced_by": self.priced_by,
                        **self._whole_record,
                    }
                }
            ),
            "certificate": None if relaxed is None else {
                **relaxed.certificate.record(), "proven_to": 1e-6, "proven": relaxed.proven,
                "rounds": len(relaxed.rounds),
                "scenarios_in_master": len(relaxed.scenarios), "unit": "millions of dollars",
            },
        }

    @property
    def _whole_record(self) -> dict[str, Any]:
        """What proves the bound of a whole plan out of a pool."""
        proof = self.after_risk.integers
        if proof is None:
            return {"bound_by": "relaxation"}
        return {
            "bound_by": "tree", "parts": len(proof.nodes),
            "parts_without_plan": sum(node.infeasible for node in proof.nodes),
            "bundles_in_model": len(proof.columns), "stopped_by": proof.stopped or None,
        }

    @property
    def more_tables(self) -> dict[str, pd.DataFrame]:
        """Tables beside those of any plan."""
        pool = {} if self.bundles is None else {"pool.parquet": pool_table(self.candidates, self.bundles)}
        return {"feared": self.feared, "factors_feared": self.shifts, **pool}


def plan_after_risk(
    case: Case | str | Path, options: PlanOptions | None = None, risk: RiskOptions | None = None, *,
    report: RoundReport | None = None,
) -> RiskPlan:
    """The best expansion for mean and CVaR, priced as the options ask. report: called after each round of the
    relaxation.

    A solve that is infeasible, unbounded or stopped is a plan with that status. Raises PlannerError where a solver
    other than HiGHS is asked for, which the kept programmes need.

    >>> import planner
    >>> found = planner.plan_after_risk("fixtures/tiny", risk=planner.RiskOptions(weight=0.5, scenarios=8))
    >>> round(found.expected_npv_usd)
    58360320
    """
    return with_prices(solved_after_risk(case, options, risk, report=report))


def solved_after_risk(
    case: Case | str | Path, options: PlanOptions | None = None, risk: RiskOptions | None = None, *,
    report: RoundReport | None = None,
) -> RiskPlan:
    """The same without prices; where there is no plan, with the reason, unless the solver's message says it (where the
    limit on CVaR alone is at fault)."""
    chosen, weighed = options or PlanOptions(), risk or RiskOptions()
    if chosen.solver.solver != "highs":
        raise PlannerError(f"a plan after risk is made by HiGHS, not by {chosen.solver.solver!r}; leave --solver out")
    if chosen.solver.confirm_infeasible is not None:
        raise PlannerError(
            "a plan after risk is many solves, which no second solver confirms; leave --confirm-infeasible out"
        )
    if chosen.futures is not None:
        raise PlannerError("a plan after risk is measured over the futures that it is made for; leave futures out")
    began = time.perf_counter()
    device = None if weighed.pool is None else device_named(weighed.device)
    changed = changed_case(as_case(case), chosen.edits, chosen.stress)
    candidates = chosen.candidates(changed)
    # what is wrong with a pool is said before the long work
    bundles = None if weighed.pool is None else _bundles(candidates, weighed.pool)
    built = time.perf_counter()
    futures = weighed.futures(changed, candidates.outlook.calendar)
    values = candidate_values(candidates, futures, equity=chosen.equity, threads=chosen.solver.threads)
    valued = time.perf_counter()
    measure = MeanCvar(weighed.weight, weighed.alpha, futures.weights)
    seconds, priced_by = {"candidates": built - began, "values": valued - built}, ""
    if device is None or bundles is None or weighed.pool is None:
        found = allocate_after_risk(
            candidates, values, measure, chosen.solver, cvar_limit_usd=weighed.max_cvar_usd, report=report
        )
    else:
        with pool_on_disk(len(bundles), len(futures)) as file:
            npv = _values_of(weighed.pool, candidates, futures, file, equity=chosen.equity)
            made = make_case_pool(
                candidates, values, futures.weights, bundles, file=file, threads=chosen.solver.threads, known=npv
            ).priced_on(device)
            priced_by = made.priced_by(device)
            seconds["pool"] = time.perf_counter() - valued
            found = allocate_from_pool(
                candidates, values, measure, chosen.solver, made, cvar_limit_usd=weighed.max_cvar_usd, report=report
            )
    seconds |= found.allocation.seconds
    known = _information(candidates, found, measure, weighed, futures.seed)
    if known is not None:
        seconds["information"] = time.perf_counter() - valued - sum(found.allocation.seconds.values())
    plan = RiskPlan(
        changed, chosen, candidates, found.allocation, seconds, weighed, futures, found, known, bundles, priced_by,
        over_futures=_over_its_futures(found, weighed, futures),
    )
    return plan if plan.status is not Status.INFEASIBLE or found.allocation.message else explained(plan)


def _over_its_futures(found: RiskAllocation, risk: RiskOptions, futures: Futures) -> OverFutures | None:
    """How a plan fares over the futures that it was made for; None where there is no plan."""
    if found.npv_usd is None:
        return None
    return OverFutures(found.npv_usd, futures.weights, risk.alpha, futures.seed, risk.imported, made_for=True)


def _bundles(candidates: CandidateSet, pool: str) -> pd.DataFrame:
    """The bundles of a file, or those of a grid."""
    word, _, count = pool.partition(":")
    if is_pool_folder(pool):
        return stored_bundles(Path(pool), candidates)
    if word != "grid":
        return read_pool(Path(pool), candidates)
    return bundle_grid(candidates, Grid(most=int(count)) if count else Grid(), without=places_with_fleet(candidates))


def _values_of(
    pool: str, candidates: CandidateSet, futures: Futures, file: Path | None, *, equity: bool
) -> np.ndarray | None:
    """What the bundles of a pool that was made before are worth; None where they are to be valued here."""
    return stored_values(Path(pool), futures, file) if is_pool_folder(pool) and not equity else None


def _information(
    candidates: CandidateSet, found: RiskAllocation, measure: MeanCvar, risk: RiskOptions, seed: int
) -> Information | None:
    if not risk.information or found.relaxed is None:
        return None
    formulation = found.allocation.model.formulation
    base = (formulation.level_of.T @ candidates.npv_usd) * formulation.unit / formulation.money
    try:
        return value_of_information(found.fixed, base, measure, found.relaxed.npv, sample=risk.information, seed=seed)
    except NoVertex as stopped:
        raise PlannerError(f"the value of information could not be found: {stopped}") from stopped


