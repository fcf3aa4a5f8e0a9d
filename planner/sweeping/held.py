"""The base plan held in a changed case: what it is worth there, which limits it breaks, which leases it loses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from kernels.lines import Line
from kernels.reference.portfolio import portfolios_from_dense
from kernels.terms import WindowTerm
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.restated import Restated, restate
from planner.errors import PlannerError
from planner.planning.options import PlanOptions
from planner.scoring.items import Bunch, Items
from planner.scoring.limits import LEAST, limits_over

BUDGET_BYTES = 1 << 28
WHOLE_MONTH = 1e-6


@dataclass(frozen=True)
class Broken:
    """A limit that the held plan breaks in the changed case over some months, as `score` counts it: used against limit,
    in its own unit."""

    family: str
    name: str
    month: str
    used: float
    limit: float
    unit: str = ""
    """Of the candidate whose own bound it is; blank for other limits, whose family tells."""


@dataclass(frozen=True)
class Held:
    """The base plan in the changed case. npv_usd is None, with the reason, where it cannot be had there at all.

    lost: leases of the plan that nobody is served under any more there. cut: months of contract that others lose, by
    lease.
    """

    npv_usd: float | None
    why_not: str
    broken: tuple[Broken, ...]
    lost: tuple[str, ...] = ()
    cut: tuple[tuple[str, float], ...] = ()


def held_plan(candidates: CandidateSet, levels: Floats | None, anew: CandidateSet, options: PlanOptions) -> Held:
    """The NPV of a plan that stands in a changed case, the limits that it breaks there and the leases that it loses.

    candidates: those of the plan. anew: those of the changed case, planned anew.
    """
    if levels is None:
        return Held(None, "there is no base plan", ())
    if same_dates(candidates, anew):
        return Held(
            float(anew.npv_usd @ levels), "", broken_limits(anew, levels), *_leases_hurt(candidates, anew, levels)
        )
    try:
        there = restate(candidates, anew.outlook.case, equity=options.equity)
    except PlannerError as error:
        return Held(None, str(error), ())
    gone = [number for number in np.flatnonzero(levels).tolist() if number in there.gone]
    if gone:
        return Held(None, there.refusal(gone), (), _leases_of(there, gone))
    return Held(
        float(there.npv_usd @ levels), "", broken_limits(there, levels), *_leases_hurt(candidates, there, levels)
    )


def same_dates(candidates: CandidateSet, anew: CandidateSet) -> bool:
    """Whether a changed case has the same candidates at the same dates, so that levels mean the same without restating
    them."""
    before, after = candidates.outlook, anew.outlook
    chances = (
        outlook.case.tables["leases"][["renewal_probability", "offer_probability"]] for outlook in (before, after)
    )
    return (
        len(candidates) == len(anew)
        and before.calendar == after.calendar
        and all(
            np.array_equal(getattr(before, name), getattr(after, name))
            for name in ("steps", "endings", "energised", "promised")
        )
        and np.array_equal(*(columns.to_numpy(np.float64) for columns in chances))
        and bool((candidates.table["candidate_id"].to_numpy() == anew.table["candidate_id"].to_numpy()).all())
    )


def broken_limits(candidates: CandidateSet, levels: Floats) -> tuple[Broken, ...]:
    """The limits that levels break, the worst first: those, and as many, as `score` counts for a portfolio of these
    levels."""
    held = np.flatnonzero(levels)
    items = Items(("plan",), held, sp.csr_array(levels[held][None, :]))
    bunch = Bunch(items, items.names, portfolios_from_dense(np.ones((1, 1))))
    found = limits_over(candidates, items).broken(bunch, threads=1, budget_bytes=BUDGET_BYTES)
    table = found.frame(items.names)
    calendar = candidates.outlook.calendar
    families = set(candidates.rows.table["family"])
    units = dict(zip(candidates.table["candidate_id"], candidates.table["unit"], strict=True))
    broken = []
    for row in table.to_dict("records"):
        # A least level is a limit on minus the level.
        sign = -1.0 if row["family"] == LEAST else 1.0
        limit, excess = sign * float(row["limit"]), sign * float(row["excess"])
        month = calendar.written(int(row["from_month"])) if row["family"] in families else ""
        unit = "" if row["family"] in families else str(units[row["name"]])
        broken.append(Broken(str(row["family"]), str(row["name"]), month, limit + excess, limit, unit))
    return tuple(sorted(broken, key=lambda one: -abs(one.used - one.limit) / max(abs(one.limit), 1.0)))


def _leases_of(candidates: CandidateSet, numbers: list[int]) -> tuple[str, ...]:
    rows = candidates.table.iloc[numbers]
    return tuple(dict.fromkeys(rows["lease_id"][rows["kind"].isin([Kind.SERVE, Kind.HOST]) & (rows["lease_id"] != "")]))


def _leases_hurt(
    candidates: CandidateSet, there: CandidateSet | Restated, levels: Floats
) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...]]:
    """Leases that are lost (no month of their contracts is left), and months that others lose, a unit of the lease on
    average."""
    before, after = _contract_months(candidates, levels), _contract_months(there, levels)
    lost = tuple(name for name in before if after.get(name, 0.0) <= WHOLE_MONTH < before[name])
    cut = tuple(
        (name, before[name] - after[name]) for name in before
        if name not in lost and before[name] - after.get(name, 0.0) > WHOLE_MONTH
    )
    return lost, cut


def _contract_months(candidates: CandidateSet, levels: Floats) -> dict[str, float]:
    """Months in which each lease pays in the base case, over what serves it."""
    events = candidates.valuation.events[:, 0]
    total: dict[str, float] = {}
    size: dict[str, float] = {}
    for block in candidates.blocks:
        if block.kind not in ("serve", "host"):
            continue
        held = np.flatnonzero(levels[block.numbers] > 0.0)
        months = np.full(len(block), -1.0)
        for term in block.terms:
            # The contract comes before whatever its GPUs are let again for.
            if isinstance(term, WindowTerm) and term.line is Line.REVENUE:
                here = (months < 0.0) & (term.amount != 0.0)
                months[here] = np.maximum(events[term.end[here]] - events[term.start[here]], 0)
        for row in held[months[held] >= 0.0].tolist():
            name, level = str(block.table["lease_id"].iat[row]), float(levels[block.numbers[row]])
            total[name] = total.get(name, 0.0) + level * months[row]
            size[name] = size.get(name, 0.0) + level
    return {name: total[name] / size[name] for name in total if name}
