"""Plans within a given loss of the best: which sites and leases are in all of them, which can be swapped, how far MW
range.

Alternatives are generated one after the other, each as far as possible from all before it while its objective stays
within the loss [1]. What is said of all such plans is proven by the bounds of the searches or marked as open.

[1] DeCarolis, Using modeling to generate alternatives (MGA) to expand our thinking on energy futures,
Energy Economics 33 (2011), 145-152; the distance here is in shares of what each site and lease could take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd

from kernels.blas_threads import one_blas_thread
from planner.case.case import Case
from planner.case.read import as_case
from planner.choices import chosen_around
from planner.errors import PlannerError
from planner.formulation.allocate import clean, levels_of
from planner.near_optimal.metrics import Metric, sites_and_leases
from planner.near_optimal.near_optimal_set import Answer, NearOptimalSet
from planner.near_optimal.target_search import extreme, farthest, near
from planner.planning.make_plan import solved
from planner.planning.options import LISTS, PlanOptions
from planner.planning.plan import Plan
from planner.solver.model_arrays import FloatArray

Progress = Callable[[str], None]

EFFORT = 150
"""Relaxations spent on a question, or on a target of one, unless told otherwise."""


class Membership(Enum):
    """What is known of a site or lease over all near-optimal plans; the value is how it is told."""

    ALWAYS = "always in"
    NEVER = "never in"
    SOME = "in some"
    OPEN_IN = "in all found"
    OPEN_OUT = "in none found"

    @property
    def proven(self) -> bool:
        """Whether it is proven, by plans that were found or by bounds."""
        return self not in (Membership.OPEN_IN, Membership.OPEN_OUT)


@dataclass(frozen=True)
class AlternativesOptions:
    """What counts as nearly as good, and how hard to look.

    within: greatest loss of the objective, as a share of it. count: plans that differ most to look for, beside the
    best.
    leases: settle for every lease too whether it is in all plans, not for sites alone. effort: relaxations spent on a
    question, or on a target of one.
    plan: options of the best plan.
    """

    within: float = 0.01
    count: int = 4
    leases: bool = False
    effort: int = EFFORT
    plan: PlanOptions = field(default_factory=PlanOptions)

    def __post_init__(self) -> None:
        if not 0.0 < self.within < 1.0:
            raise PlannerError(
                f"within = {self.within!r} is not a share between 0 and 1; write 0.01 for plans that lose at most 1 %"
            )
        if self.count < 0:
            raise PlannerError(f"count = {self.count}: give 0 plans or more")
        if self.effort < 1:
            raise PlannerError(f"effort = {self.effort}: give 1 relaxation or more")


@dataclass(frozen=True, eq=False, repr=False)
class Alternatives:
    """Plans nearly as good as the best, and what holds for all of them.

    sites, leases: a row each, see `SITE_COLUMNS`. plans: a row for each alternative that was looked for, the best plan
    first.
    where: MW or size of every site and lease in each of them. portfolios: the same plans by candidate.
    interrupted: Ctrl-C came before the rest.
    """

    plan: Plan
    options: AlternativesOptions
    least_usd: float
    sites: pd.DataFrame
    leases: pd.DataFrame
    plans: pd.DataFrame
    where: pd.DataFrame
    portfolios: pd.DataFrame
    questions: int
    plans_found: int
    interrupted: bool
    seconds: float

    def __repr__(self) -> str:
        return (
            f"<Alternatives within {self.options.within:.3g} of {self.plan!r}: {len(self.plans) - 1} found, "
            f"{len(self.sites)} sites>"
        )


@dataclass
class _Row:
    """What is known of one site or lease."""

    metric: Metric
    without: Answer | None = None
    most: Answer | None = None
    least: Answer | None = None


SITE_COLUMNS = (
    "site_id", "membership", "proven", "best_mw", "least_mw", "least_bound_mw", "most_mw", "most_bound_mw",
    "range_proven",
    "best_without_usd", "loss_without_usd", "loss_without_at_least_usd", "cannot_be_left_out", "swappable_with",
)
"""Columns of sites.csv. least_mw and most_mw are had by plans found; no plan goes beyond the bounds (blank: not asked).

loss_without_at_least_usd ends at the loss allowed, beyond which the search does not look; cannot_be_left_out: no plan
at all is without it."""
LEASE_COLUMNS = (
    "lease_id", "membership", "proven", "best_size", "least_found", "most_found", "best_without_usd",
    "loss_without_usd", "loss_without_at_least_usd", "cannot_be_left_out", "swappable_with",
)
"""Columns of leases.csv, in GPUs or hosted MW of critical IT."""


@one_blas_thread()
def alternatives(
    case: Case | str | Path | Plan, options: AlternativesOptions | None = None, *, progress: Progress | None = None,
    **choices: object
) -> Alternatives:
    """Plans within a loss of the best of a case, or of a plan; `choices` are fields of `AlternativesOptions` and
    `PlanOptions`.

    Ctrl-C ends the search with what is found. Raises PlannerError where there is no best plan to start from.

    >>> import planner
    >>> planner.alternatives("fixtures/tiny", within=0.3).sites[["site_id", "membership"]].values.tolist()
    [['quarry', 'always in']]
    """
    began = time.perf_counter()
    chosen = _options(case, options, choices)
    say = progress or (lambda what: None)
    say("planning")
    plan = case if isinstance(case, Plan) else solved(as_case(case), chosen.plan)
    if plan.allocation_result.solution.interrupted:
        raise KeyboardInterrupt
    if plan.levels is None:
        fault = PlannerError(f"there is no plan to find alternatives to: {plan.status}")
        fault.exit_code = plan.status.exit_code
        raise fault
    if plan.options.solver.relax:
        raise PlannerError("a relaxed plan has no alternatives: plan with whole decisions")
    search = _Search(plan, chosen, say)
    interrupted = False
    try:
        search.ask_sites()
        if chosen.leases:
            search.ask_leases()
        search.diverge()
    except KeyboardInterrupt:
        interrupted = True
    return search.result(interrupted, time.perf_counter() - began)


class _Search:
    """The questions asked of one near-optimal set, in a fixed order."""

    def __init__(self, plan: Plan, options: AlternativesOptions, say: Progress) -> None:
        self.plan, self.options, self.say = plan, options, say
        self.near_optimal = NearOptimalSet.around(
            plan.allocation_result, options.within, plan.options.solver, options.effort
        )
        self.formulation = plan.allocation_result.model.formulation
        self._money = plan.allocation_result.model.money
        self.metrics = sites_and_leases(self.formulation)
        self.rows = {(metric.kind, metric.name): _Row(metric) for metric in self.metrics}
        self.best = self.near_optimal.plans[0]
        self.different: list[tuple[FloatArray, float | None]] = []

    def ask_sites(self) -> None:
        """For each site: the best plan without it, the most and the least of its MW."""
        sites = [metric for metric in self.metrics if metric.kind == "site"]
        for metric in sites:
            self._ask_without(metric)
        for metric in sites:
            self._ask_most(metric)
        for metric in sites:
            self._ask_least(metric)

    def ask_leases(self) -> None:
        """For each lease: the best plan without it, or whether any plan can have it."""
        for metric in self.metrics:
            if metric.kind == "lease":
                self._ask_without(metric)
                if not metric.is_in(self.best):
                    self._ask_most(metric)

    def diverge(self) -> None:
        """Plans as far as possible from all found so far among the different ones."""
        if not self.metrics:  # no site and no lease by which two plans could differ
            return
        chosen = [self.best]
        for number in range(self.options.count):
            self.say(f"alternative {number + 1} of {self.options.count}")
            answer = farthest(self.near_optimal, *self._away_from(chosen))
            if answer.columns is None:
                return
            # The questions asked before may have met a plan further away: the search counts only moves away from what a
            # plan is nearest to.
            apart = max([answer.columns, *self.near_optimal.plans], key=lambda plan: self._least_distance(plan, chosen))
            columns = self.near_optimal.improved(apart, [metric for metric in self.metrics if metric.kind == "site"])
            self.near_optimal.keep(columns)
            if self._least_distance(columns, chosen) < DIFFERENT:
                return
            chosen.append(columns)
            self.different.append((columns, answer.bound))

    def _ask_without(self, metric: Metric) -> None:
        row = self.rows[metric.kind, metric.name]
        if metric.is_in(self.best):
            self.say(f"without {metric.kind} {metric.name}")
            row.without = self.near_optimal.best_without(metric)
            self._kept(row.without)

    def _ask_most(self, metric: Metric) -> None:
        row = self.rows[metric.kind, metric.name]
        known = max(self.near_optimal.plans, key=metric.size)
        if metric.size(known) >= metric.most - near(metric.most):
            row.most = Answer(metric.size(known), metric.most, known)
            return
        self.say(f"most of {metric.kind} {metric.name}")
        row.most = extreme(self.near_optimal, metric.weights, metric.most, most=True)
        self._kept(row.most)

    def _ask_least(self, metric: Metric) -> None:
        row = self.rows[metric.kind, metric.name]
        known = min(self.near_optimal.plans, key=metric.size)
        floor = float(np.maximum(self.near_optimal.arrays.col_lower, 0.0) @ metric.weights)
        if metric.size(known) <= floor + near(floor):
            row.least = Answer(metric.size(known), floor, known)
            return
        self.say(f"least of {metric.kind} {metric.name}")
        row.least = extreme(self.near_optimal, metric.weights, floor, most=False)
        self._kept(row.least)

    def _kept(self, answer: Answer) -> None:
        if answer.columns is not None:
            self.near_optimal.keep(answer.columns)

    def _away_from(self, chosen: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
        """For each plan a floor of the distance to it, weights @ columns + constant: exact where its sizes are 0 or all
        on offer."""
        shares = np.array([[metric.size(plan) / metric.most for metric in self.metrics] for plan in chosen])
        sign = np.where(shares < 0.5, 1.0, -1.0)
        per_share = np.array([metric.weights / metric.most for metric in self.metrics])
        return sign @ per_share, -(sign * shares).sum(axis=1)

    def _least_distance(self, columns: FloatArray, others: Sequence[FloatArray]) -> float:
        return min(self._distance(columns, other) for other in others)

    def _distance(self, one: FloatArray, other: FloatArray) -> float:
        """Sum over sites and leases of the difference, each as a share of what is on offer."""
        return sum(abs(metric.size(one) - metric.size(other)) / metric.most for metric in self.metrics)

    # --- the answer --------------------------------------------------------------------------------------------

    def result(self, interrupted: bool, seconds: float) -> Alternatives:
        """The tables of what was found."""
        sites = pd.DataFrame(
            [self._site(self.rows[t.kind, t.name]) for t in self.metrics if t.kind == "site"],
            columns=list(SITE_COLUMNS)
        )
        leases = pd.DataFrame(
            [self._lease(name) for name in self.plan.case.tables["leases"]["lease_id"]], columns=list(LEASE_COLUMNS)
        )
        chosen = [self.best, *(columns for columns, _ in self.different)]
        return Alternatives(
            self.plan, self.options, self.near_optimal.least * self._money, sites, leases, self._plans(chosen),
            self._where(chosen),
            self._portfolios(chosen), self.near_optimal.asked, len(self.near_optimal.plans), interrupted, seconds,
        )

    def _membership(self, row: _Row) -> Membership:
        ins = [row.metric.is_in(plan) for plan in self.near_optimal.plans]
        if any(ins) and not all(ins):
            return Membership.SOME
        margin = self.near_optimal.options.gap * abs(self.near_optimal.least) * (1.0 + 1e-6)
        if all(ins):
            without = row.without
            shut = without is not None and (
                without.impossible or (without.bound is not None and without.bound <= self.near_optimal.least + margin)
            )
            grown = row.least is not None and row.least.bound is not None and row.least.bound > row.metric.least_in
            return Membership.ALWAYS if shut or grown else Membership.OPEN_IN
        most = row.most
        return (
            Membership.NEVER if most is not None and most.bound is not None and most.bound <= row.metric.least_in
            else Membership.OPEN_OUT
        )

    def _site(self, row: _Row) -> dict[str, object]:
        metric, membership = row.metric, self._membership(row)
        sizes = [metric.size(plan) for plan in self.near_optimal.plans]
        least, most = min(sizes), max(sizes)
        low = None if row.least is None or row.least.bound is None else min(row.least.bound, least)
        high = None if row.most is None or row.most.bound is None else max(row.most.bound, most)
        settled = low is not None and high is not None and least - low <= near(least) and high - most <= near(most)
        return {
            "site_id": metric.name, "membership": membership.value, "proven": membership.proven,
            "best_mw": metric.size(self.best),
            "least_mw": least, "least_bound_mw": low, "most_mw": most, "most_bound_mw": high, "range_proven": settled,
            **self._without(row),
        }

    def _lease(self, name: str) -> dict[str, object]:
        row = self.rows.get(("lease", name))
        if row is None:  # nothing in the case can serve it
            nothing = {
                "best_size": 0.0, "least_found": 0.0, "most_found": 0.0, "cannot_be_left_out": False,
                "swappable_with": "",
            }
            return {"lease_id": name, "membership": Membership.NEVER.value, "proven": True, **nothing}
        metric, membership = row.metric, self._membership(row)
        sizes = [metric.size(plan) for plan in self.near_optimal.plans]
        return {
            "lease_id": metric.name, "membership": membership.value, "proven": membership.proven,
            "best_size": metric.size(self.best),
            "least_found": min(sizes), "most_found": max(sizes), **self._without(row),
        }

    def _without(self, row: _Row) -> dict[str, object]:
        """What the best plan without a metric loses, and what grows in its place."""
        best, answer = self.near_optimal.worth(self.best), row.without
        found: dict[str, object] = dict.fromkeys(("best_without_usd", "loss_without_usd", "loss_without_at_least_usd"))
        found["cannot_be_left_out"] = answer is not None and answer.impossible
        found["swappable_with"] = ""
        if answer is None:
            return found
        if answer.bound is not None:
            found["loss_without_at_least_usd"] = max(best - answer.bound, 0.0) * self._money
        # A plan outside the set is not a swap, nor the best without it: the search stopped at its edge.
        if answer.columns is not None and answer.value is not None and answer.value >= self.near_optimal.least:
            found["best_without_usd"] = answer.value * self._money
            found["loss_without_usd"] = (best - answer.value) * self._money
            found["swappable_with"] = self._instead(row.metric, answer.columns)
        return found

    def _instead(self, metric: Metric, columns: FloatArray) -> str:
        """Sites and leases that are larger in a plan than in the best one, the largest share first."""
        grown = [
            (other.size(columns) - other.size(self.best), other) for other in self.metrics
            if other.name != metric.name or other.kind != metric.kind
        ]
        more = [(by, other) for by, other in grown if by > max(other.least_in, DIFFERENT * other.most)]
        unit = {"site": " MW", "lease": ""}
        return "; ".join(
            f"{other.name} {_signed(by)}{unit[other.kind]}"
            for by, other in sorted(more, key=lambda pair: (-pair[0] / pair[1].most, pair[1].name))
        )

    def _changes(self, columns: FloatArray) -> str:
        """What differs most from the best plan, in shares of what is on offer: MW of sites, GPUs or hosted MW of
        leases."""
        by = [(metric.size(columns) - metric.size(self.best), metric) for metric in self.metrics]
        told = sorted(
            (pair for pair in by if abs(pair[0]) > DIFFERENT * pair[1].most),
            key=lambda pair: (-abs(pair[0]) / pair[1].most, pair[1].name),
        )
        unit = {"site": " MW", "lease": ""}
        return "; ".join(f"{metric.name} {_signed(size)}{unit[metric.kind]}" for size, metric in told)

    def _plans(self, chosen: list[FloatArray]) -> pd.DataFrame:
        best = self.near_optimal.worth(self.best)
        bounds = [None, *(bound for _, bound in self.different)]
        rows = []
        for number, columns in enumerate(chosen):
            before = chosen[:number]
            comes = [t.name for t in self.metrics if t.is_in(columns) and not t.is_in(self.best)]
            goes = [t.name for t in self.metrics if t.is_in(self.best) and not t.is_in(columns)]
            rows.append({
                "plan": number, "npv_usd": self.near_optimal.worth(columns) * self._money,
                "loss_usd": (best - self.near_optimal.worth(columns)) * self._money,
                "distance": self._least_distance(columns, before) if before else 0.0, "search_bound": bounds[number],
                "mw_moved": sum(abs(t.size(columns) - t.size(self.best)) for t in self.metrics if t.kind == "site"),
                "comes_in": ";".join(comes), "goes_out": ";".join(goes), "changes": self._changes(columns),
            })
        return pd.DataFrame(rows)

    def _where(self, chosen: list[FloatArray]) -> pd.DataFrame:
        rows = [
            {"plan": number, "kind": metric.kind, "name": metric.name, "size": metric.size(columns)}
            for number, columns in enumerate(chosen) for metric in self.metrics
        ]
        return pd.DataFrame(rows, columns=["plan", "kind", "name", "size"])

    def _portfolios(self, chosen: list[FloatArray]) -> pd.DataFrame:
        candidates = self.plan.candidates
        pieces = []
        for number, columns in enumerate(chosen):
            levels = clean(candidates, levels_of(self.formulation, columns * self.formulation.unit))
            at = np.flatnonzero(levels)
            pieces.append(
                pd.DataFrame(
                    {
                        "plan": number, "candidate_id": candidates.table["candidate_id"].to_numpy()[at],
                        "level": levels[at],
                    }
                )
            )
        return pd.concat(pieces, ignore_index=True)


DIFFERENT = 0.01
"""Difference in shares below which two plans, or two sizes, count as the same."""


def _signed(size: float) -> str:
    """A change in whole units, a small one with a digit more."""
    return f"{size:+,.0f}" if abs(size) >= 10.0 else f"{size:+.1f}"


def _options(
    case: Case | str | Path | Plan, options: AlternativesOptions | None, choices: dict[str, object]
) -> AlternativesOptions:
    options = chosen_around(
        AlternativesOptions, "plan", PlanOptions, options, choices, verb="alternatives", lists=LISTS
    )
    if isinstance(case, Plan):
        if options.plan != PlanOptions():
            raise PlannerError("a plan brings its own options; give its case to choose others")
        options = replace(options, plan=case.options)
    return options
