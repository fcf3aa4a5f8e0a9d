"""A quote: the floor of an inquiry with its interval, what it costs alone, what it displaces, its floor by size and
risk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from kernels.blas_threads import one_blas_thread
from kernels.pieces import usable_cores
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.formulation.allocate import clean, levels_of
from planner.planning.options import PlanOptions
from planner.quoting.displaced import displaced_table
from planner.quoting.exact_floors import exact_floors
from planner.quoting.floor import Answer, Base, Floor, find_floor
from planner.quoting.held_floor import HeldFloor, HeldPlans
from planner.quoting.inquiry import Inquiry, inquiry_of, refuse_repeated
from planner.quoting.inquiry_case import InquiryGroup, inquiry_case, inquiry_groups
from planner.quoting.inquiry_model import InquiryModel, InquiryProblem, inquiry_model
from planner.quoting.refused import begun_before, why_never
from planner.quoting.risk import QuoteRisk, RiskFloor, risk_floor
from planner.quoting.standalone import Standalone
from planner.quoting.stands import stands_table
from planner.quoting.without import leases_kept, plan_without
from planner.solver.model_arrays import FloatArray, ModelArrays
from planner.solver.solution import Solution

Done = Callable[[str, Answer | None], None]
"""Called with the name of an inquiry and its answer once its floor is known, and with ("", None) once the plan without
them is."""


HELD = "whole decisions held"
"""How the floors of lesser sizes are found where a plan has whole decisions."""


@dataclass(frozen=True, repr=False)
class Quote:
    """The floor of one inquiry and what stands behind it; rates in `inquiry.rate_unit`, blank (NaN) where there is
    none.

    floor, low, high: the lowest rate at which to sign, and the interval in which it is proven to lie (equal ends where
    it is exact). held_floor: the first estimate, with the whole decisions of the plan without the inquiry. keeping: the
    floor when no lease of the plan may be declined or cut for it. curve: floor by size (columns size, floor, high,
    how).
    standalone: levelised rate by place, path and SKU, cheapest first. displaced: both plans where they differ, at the
    floor. stands: at which sites, on what and from when the plan with it serves it at the floor (see `stands.COLUMNS`;
    empty without a floor).
    note: what stops it where it cannot be served at any rate; what is not counted where it begins before the case.
    npv_without_usd, bound_without_usd: the best plan without it and what no plan can beat. usd_per_dollar: NPV that a
    dollar of rate brings, after tax. risk: floors over futures, None unless they were asked for. searches: plans
    searched.
    """

    inquiry: Inquiry
    answer: Answer
    floor: float
    low: float
    high: float
    proven: bool
    held_floor: float
    keeping: HeldFloor
    curve: pd.DataFrame
    standalone: pd.DataFrame
    displaced: pd.DataFrame
    stands: pd.DataFrame
    note: str
    npv_without_usd: float
    bound_without_usd: float
    usd_per_dollar: float
    risk: RiskFloor | None
    searches: int
    seconds: float

    def __repr__(self) -> str:
        rate = "no floor" if isnan(self.floor) else f"floor {self.floor:,.4f} {self.inquiry.rate_unit}"
        return f"<Quote of {self.inquiry.name!r}: {rate}, {'proven' if self.proven else 'not proven'}>"

    @property
    def standalone_rate(self) -> float:
        """The cheapest levelised rate; NaN where nothing can serve it on its date."""
        return float(self.standalone["rate"].iloc[0]) if len(self.standalone) else float("nan")

    @property
    def width(self) -> float:
        """Width of the interval as a share of the floor."""
        return (self.high - self.low) / self.floor if self.floor > 0.0 else float("nan")


@dataclass(frozen=True)
class _Worked:
    """What the model says of one inquiry."""

    floor: Floor
    keeping: HeldFloor
    curve: pd.DataFrame


def quote(
    case: Case | str | Path, inquiry: Inquiry | None = None, *, options: PlanOptions | None = None,
    risk: QuoteRisk | None = None, **choices: Any
) -> Quote:
    """The floor of one inquiry, given whole or by its fields: `quote(case, gpu="gb300", gpus=20000, start="2027-07",
    term_months=36)`.

    Raises CaseError for terms that do not hold together, SolveError when the case has no plan at all.

    >>> import planner
    >>> found = planner.quote("fixtures/tiny", gpu="g1", gpus=500, start="2026-01", term_months=12)
    >>> round(found.floor, 4), found.proven
    (3.4078, True)
    """
    (found,) = quote_many(case, [inquiry_of(inquiry, choices)], options=options, risk=risk)
    return found


@one_blas_thread()
def quote_many(
    case: Case | str | Path, inquiries: Sequence[Inquiry], *, options: PlanOptions | None = None,
    risk: QuoteRisk | None = None,
    workers: int | None = None, done: Done | None = None,
) -> list[Quote]:
    """The floors of many inquiries, each alone against the plan without any; the plan is solved once, the model kept.

    Results do not depend on the other inquiries nor on `workers` (threads, all cores by default).
    """
    chosen = options or PlanOptions()
    refuse_repeated(inquiries)
    changed = changed_case(as_case(case), chosen.edits, chosen.stress)
    found: dict[str, Quote] = {}
    for group in inquiry_groups(changed, inquiries, base=chosen.base, tail=chosen.tail):
        found |= _quoted(changed, group, chosen, risk, workers or usable_cores(), done)
    return [found[inquiry.name] for inquiry in inquiries]


def _quoted(
    case: Case, group: InquiryGroup, options: PlanOptions, risk: QuoteRisk | None, workers: int, done: Done | None
) -> dict[str, Quote]:
    asked = inquiry_model(group, options)
    solution, base = plan_without(asked, options.solver)
    if done is not None:
        done("", None)
    alone = Standalone(asked.candidates)
    standalone = {name: alone.table(inquiry, asked.priced[name][0]) for name, inquiry in asked.inquiries.items()}

    def worked(problem: InquiryProblem) -> _Worked:
        table = standalone[problem.inquiry.name]
        start = float(table["rate"].iloc[0]) if len(table) else 1.0
        answer = _work(asked, problem, base, max(start, 0.0), options)
        if done is not None:
            done(problem.inquiry.name, answer.floor.answer)
        return answer

    with ThreadPoolExecutor(max(min(workers, len(asked.problems)), 1)) as pool:
        answers = list(pool.map(worked, asked.problems))
    levels = _levels(asked, base.levels)
    return {
        problem.inquiry.name: _made(
            case, group, asked, problem, answer, base, solution, levels, standalone[problem.inquiry.name], options, risk
        )
        for problem, answer in zip(asked.problems, answers, strict=True)
    }


def _work(asked: InquiryModel, problem: InquiryProblem, base: Base, start: float, options: PlanOptions) -> _Worked:
    """The floor at the whole size, without declining other leases, and at the lesser sizes."""
    kept = leases_kept(asked, base)
    if problem.shut.is_mip:
        return _searched(problem, base, start, options, kept)
    floors, keeping = exact_floors(problem, base, start, kept)
    return _Worked(floors[-1], keeping, _curve([(floor.size, floor.rate, floor.high, "exact") for floor in floors]))


def _searched(problem: InquiryProblem, base: Base, start: float, options: PlanOptions, kept: ModelArrays) -> _Worked:
    """The same with whole decisions: searched for at the whole size, else with the decisions of the plans found
    held."""
    inquiry = problem.inquiry
    floor = find_floor(problem, base, inquiry.size, start, options.solver)
    plans = [levels for levels in (floor.levels, floor.estimate) if levels is not None]
    held = HeldPlans(problem, replace(base, value=floor.without), plans, basis=floor.basis)
    first = floor.rate if plans else start
    rows = [(inquiry.size, floor.rate, floor.high, "searched")]
    for size in reversed(inquiry.sizes[:-1]):
        at = held.floor(size, first)
        rows.insert(0, (size, at.rate, at.high, HELD))
    return _Worked(floor, held.floor(inquiry.size, first, kept=kept), _curve(rows))


def _curve(rows: list[tuple[float, float, float, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["size", "floor", "high", "how"])


def _made(
    case: Case, group: InquiryGroup, asked: InquiryModel, problem: InquiryProblem, answer: _Worked, base: Base,
    solution: Solution,
    levels: Floats, standalone: pd.DataFrame, options: PlanOptions, risk: QuoteRisk | None,
) -> Quote:
    floor, inquiry = answer.floor, problem.inquiry
    with_it = None if floor.levels is None else _levels(asked, floor.levels)
    risks = None
    if risk is not None and with_it is not None:
        risks = risk_floor(lambda rate: _priced(case, group, inquiry, rate, options), floor.rate, levels, with_it, risk)
    return Quote(
        inquiry=inquiry,
        answer=floor.answer,
        floor=floor.rate,
        low=floor.low,
        high=floor.high,
        proven=floor.proven and solution.status.exit_code == 0,
        held_floor=floor.held_rate,
        keeping=answer.keeping,
        curve=answer.curve,
        standalone=standalone,
        displaced=displaced_table(asked.candidates, levels, levels if with_it is None else with_it, inquiry.name),
        stands=stands_table(asked.candidates, 0.0 * levels if with_it is None else with_it, inquiry),
        note=(
            why_never(group.outlook, inquiry, options) if floor.answer is Answer.NEVER
            else begun_before(group.outlook, inquiry)
        ),
        npv_without_usd=asked.model.usd(base.value),
        bound_without_usd=asked.model.usd(base.bound),
        usd_per_dollar=asked.model.usd(floor.slope),
        risk=risks,
        searches=floor.searches,
        seconds=floor.seconds,
    )


def _levels(asked: InquiryModel, columns: FloatArray) -> Floats:
    """Levels of candidates from the columns of the model."""
    return clean(asked.candidates, levels_of(asked.formulation, columns * asked.formulation.unit))


def _priced(case: Case, group: InquiryGroup, inquiry: Inquiry, rate: float, options: PlanOptions) -> CandidateSet:
    """The candidates of the group with an inquiry at a rate."""
    asked = inquiry_case(case, group.inquiries, rates={inquiry.name: max(rate, 0.0)})
    return options.undecided(asked)
