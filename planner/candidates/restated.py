"""The candidates of a plan that stands, restated in another version of its case: the same list, with other cash and
use.

What a plan holds is matched by candidate_id. A changed rate, fee, price, capex, term of a contract or limit is taken up
as in candidates made from the changed case at the steps of the base case. Changed months of first power are not: what
the plan dates to a phase keeps its dates and waits for the phase, as in a scenario. The order of candidates, the steps
and what is left out stay those of the base, so that levels mean the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kernels.lines import Line
from kernels.terms import ScheduleTerm, Term, WindowTerm
from planner.arrays import Floats, Ints, Texts
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.builder import Block
from planner.candidates.columns import Columns
from planner.candidates.kinds import Kind
from planner.candidates.left_out import LeftOut
from planner.candidates.opening import opening_months
from planner.candidates.outlook import Outlook, chances_of_renewal, delay_months, make_outlook
from planner.candidates.resources import Family, ResourceBook, Uses
from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.delays import first_power_months
from planner.errors import PlannerError

WAITED_FOR: dict[str, tuple[str, ...]] = {
    "power": ("energised", "status", "delay_low_months", "delay_mode_months", "delay_high_months"),
    "leases": ("renewal_probability",),
}
"""Columns that a plan that stands meets as a scenario does: its units wait for late power, its next terms come or do
not."""
CALENDAR_SETTINGS = ("start", "months", "tail")
NAMED = 3


@dataclass(frozen=True)
class HeldOutlook(Outlook):
    """The outlook of a changed case for a plan made under `held`: the same steps and endings, over as many months or
    more.

    case: what candidates are made of. changed: the case whose phases are waited for and whose leases are renewed.
    """

    held: Outlook = field(kw_only=True)
    changed: Case = field(kw_only=True)

    @cached_property
    def steps(self) -> Ints:
        """Months of the horizon at which the plan could change something."""
        return self.held.steps

    @cached_property
    def stated_openings(self) -> Columns:
        """Months in which the plan could open a site."""
        return opening_months(self.held)

    @cached_property
    def windows(self) -> Columns:
        """Windows in which the plan's on-demand and mining levels are constant."""
        return self.held.windows

    @cached_property
    def endings(self) -> Ints:
        """Months from which the plan could give an asset up before its end."""
        return self.held.endings

    @cached_property
    def energised_by_scenario(self) -> Ints:
        """Month of first power of each phase in the changed case, shape (phases, 1)."""
        months = first_power_months(self.changed.arrays["power"], self.calendar, delay_months(self.changed, self.base))
        return np.maximum(months, 0)[:, None]

    @cached_property
    def renewed(self) -> dict[str, Floats]:
        """Chance that each lease is renewed in the changed case, shape (1,)."""
        return chances_of_renewal(self.changed)

    def by_month(self, row: Mapping[str, Any], scalar: str, curve: str) -> Floats | None:
        """A scalar cell or its curve twin by month; a candidate's own row of `power` gives way to the changed one."""
        if "source_id" in row:
            row = self._phases[row["source_id"], row["phase"]]
        return super().by_month(row, scalar, curve)

    @cached_property
    def _phases(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Rows of `power` by source and phase."""
        return {(row["source_id"], row["phase"]): row for row in self.tables["power"].records}


@dataclass(frozen=True)
class Restated(CandidateSet):
    """Candidates restated: as `CandidateSet`, in the order of the set that the plan was made from.

    gone: why a candidate cannot be had in the changed case, by number; it has no cash and no use here.
    """

    base: CandidateSet
    gone: dict[int, str]

    @cached_property
    def left_out(self) -> LeftOut:
        """What the base case left out: limits of the changed case prove nothing about a plan that stands."""
        return self.base.left_out

    def require(self, held: Ints) -> None:
        """Raise PlannerError if the changed case cannot have one of the candidates with these numbers."""
        broken = [int(number) for number in held if int(number) in self.gone]
        if broken:
            raise PlannerError(self.refusal(broken))

    def refusal(self, broken: Sequence[int]) -> str:
        """Why a plan that holds some candidates that are gone cannot be restated, and what to do."""
        names = [f"{self.table['candidate_id'].iat[number]} ({self.gone[number]})" for number in broken[:NAMED]]
        more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
        return (
            f"the changed case cannot have what the plan holds: {', '.join(names)}{more}; plan the changed case anew "
            "instead"
        )


def restate(candidates: CandidateSet, case: Case, *, levels: Floats | None = None, equity: bool = False) -> Restated:
    """The candidates of a set as they are in another version of its case.

    case: the case of `candidates` after `apply_edits` or `apply_stress`. levels: of the plan that stands, shape
    (candidates,); what it holds must then exist in the changed case. equity: as in `build_candidates`.

    - Cash, use, limits and bounds of a candidate are those of the candidate of the same id in the changed case.
    - Columns of `WAITED_FOR` act as in a scenario: windows begin when their phase comes, none ends later than planned.
    - An early end (`close`, `retire`, `exit`, `short`) after the changed end of what it ends has no cash: nothing is
      left to end.
    - Any other candidate that the changed case does not have is `gone`. New candidates are passed over: a plan that
      stands does not hold them; one that falls due without a decision (an opening cost, GPUs owned) is refused.
    - A decision fixed or excluded by the user stays as it was.

    Raises PlannerError for another calendar or tail, for a new obligation, and for levels that hold what is gone.
    """
    outlook = candidates.outlook
    _require_same_calendar(outlook, case)
    anew = build_candidates(held_outlook(outlook, case), equity=equity)
    place = _places(candidates.candidate_ids, anew.candidate_ids)
    _require_no_new_obligation(anew, place)
    lower, upper = _bounds(candidates, anew, place)
    blocks = tuple(_restated_block(block, anew, place) for block in candidates.blocks)
    book = _book(candidates.book, anew.book, _back(place, len(anew)))
    npv_usd = np.where(place >= 0, anew.npv_usd[place], 0.0)
    gone = dict(_gone(candidates, anew, place))
    changed = replace(anew.outlook, case=case)
    found = Restated(changed, blocks, anew.valuation, npv_usd, lower, upper, book, anew.cash_tables, candidates, gone)
    if levels is not None:
        found.require(np.flatnonzero(levels))
    return found


def _require_same_calendar(outlook: Outlook, case: Case) -> None:
    for name in CALENDAR_SETTINGS:
        before, after = getattr(outlook.case.settings, name), getattr(case.settings, name)
        if before != after:
            raise PlannerError(
                f"case.{name} is {after} instead of {before}: a plan that stands has no meaning on other months; plan "
                "the changed case anew"
            )


def _with_columns_of(case: Case, base: Case) -> Case:
    """The changed case with the columns of `WAITED_FOR` as they were."""
    for table, columns in WAITED_FOR.items():
        before = base.tables[table]
        if len(before) != len(case.tables[table]):
            raise PlannerError(
                f"the changed case has {len(case.tables[table])} rows of {table} instead of {len(before)}; restate "
                "edits of the same case"
            )
        case = case.with_table(table, case.tables[table].assign(**{name: before[name].array for name in columns}))
    return case


def held_outlook(outlook: Outlook, case: Case) -> HeldOutlook:
    """The outlook from which candidates are made anew for a plan that stands, its tail long enough for both cases."""
    standing = _with_columns_of(case, outlook.case)
    own = make_outlook(standing, base=outlook.base, tail=outlook.tail).calendar
    calendar = Calendar(own.start, own.horizon, max(own.tail_years, outlook.calendar.tail_years))
    return HeldOutlook(
        standing, outlook.base, outlook.tail, calendar, outlook.monthly_windows, held=outlook, changed=case
    )


def _places(before: Texts, after: Texts) -> Ints:
    """Number in the changed case of each candidate, -1 for none; where an id is shared, in order."""
    numbers = {key: number for number, key in enumerate(_counted(after))}
    return np.array([numbers.get(key, -1) for key in _counted(before)], dtype=np.int64)


def _counted(ids: Texts) -> Iterator[tuple[str, int]]:
    """Each id with how often it came before."""
    seen: Counter[str] = Counter()
    for name in ids.tolist():
        yield name, seen[name]
        seen[name] += 1


def _back(place: Ints, count: int) -> Ints:
    """Number in the base case of each candidate of the changed case, -1 for none."""
    back = np.full(count, -1, dtype=np.int64)
    back[place[place >= 0]] = np.flatnonzero(place >= 0)
    return back


def _require_no_new_obligation(anew: CandidateSet, place: Ints) -> None:
    opening = anew.kinds == Kind.OPEN
    owed = np.flatnonzero((_back(place, len(anew)) < 0) & (opening | ((anew.kinds == Kind.BASE) & (anew.lower > 0.0))))
    sites = anew.outlook.tables["sites"].texts("site_id")
    # A site may be opened in several months: it is named once.
    named = [
        f"open:{sites[anew.columns['site'][at]]}" if opening[at] else anew.candidate_ids[at] for at in owed.tolist()
    ]
    names = list(dict.fromkeys(named))
    if names:
        raise PlannerError(
            f"the changed case asks for {', '.join(names[:NAMED])}, which the plan never weighed; plan the changed "
            "case anew"
        )


# --- cash --------------------------------------------------------------------------------------------------------


def _restated_block(block: Block, anew: CandidateSet, place: Ints) -> Block:
    """The block with the terms of its candidates in the changed case; nothing for those that it does not have."""
    wanted = place[block.numbers]
    terms: list[Term] = []
    for other in anew.blocks:
        here = np.flatnonzero((wanted >= other.first) & (wanted < other.first + len(other)))
        if len(here):
            terms += [_placed(term, wanted[here] - other.first, here, len(block)) for term in other.terms]
    if not terms:
        none = np.zeros(len(block), dtype=np.int64)
        terms = [WindowTerm(Line.CAPEX, np.zeros(len(block)), none, none, none)]
    ends = block.columns["to_month"].copy()
    known = np.flatnonzero(wanted >= 0)
    ends[known] = anew.columns["to_month"][wanted[known]]
    return replace(block, columns=block.columns.having(to_month=ends), terms=tuple(terms))


def _placed(term: Term, rows: Ints, here: Ints, count: int) -> Term:
    """Some rows of a term at their places among `count` units, nothing at the others."""

    def spread(values: np.ndarray) -> np.ndarray:
        full = np.zeros(count, dtype=np.asarray(values).dtype)
        full[here] = np.asarray(values)[rows]
        return full

    if isinstance(term, WindowTerm):
        return WindowTerm(term.line, spread(term.amount), spread(term.path), spread(term.start), spread(term.end))
    return ScheduleTerm(term.line, spread(term.amount), spread(term.profile), spread(term.start))


# --- table and use -----------------------------------------------------------------------------------------------


def _bounds(candidates: CandidateSet, anew: CandidateSet, place: Ints) -> tuple[Floats, Floats]:
    """Least and greatest levels as in the changed case, but for what the user has decided."""
    free = (candidates.upper > candidates.lower) | (candidates.kinds == Kind.BASE)
    moved = np.flatnonzero((place >= 0) & free)
    lower, upper = candidates.lower.copy(), candidates.upper.copy()
    lower[moved], upper[moved] = anew.lower[place[moved]], anew.upper[place[moved]]
    return lower, upper


def _book(before: ResourceBook, after: ResourceBook, back: Ints) -> ResourceBook:
    """Resources in the order of the base, with limits and use as in the changed case; what the user has fixed as it
    was."""
    book = ResourceBook()
    fixed = np.array([family is Family.FIXED for family in before.family], dtype=bool)
    for family, name, limit in zip(before.family, before.parts, before.limit, strict=True):
        other = after.find(family, name)
        book.resource(family, name, limit if other is None else after.limit[other])
    for family, name, limit in zip(after.family, after.parts, after.limit, strict=True):
        book.resource(family, name, limit)
    for kind, of in (
        *zip(before.stock_kind, before.stock_name, strict=True), *zip(after.stock_kind, after.stock_name, strict=True)
    ):
        book.stock(kind, of)
    resource = np.array(
        [book.resource(*entry) for entry in zip(after.family, after.parts, after.limit, strict=True)], dtype=np.int64
    )
    stock = np.array(
        [book.stock(*entry) for entry in zip(after.stock_kind, after.stock_name, strict=True)], dtype=np.int64
    )
    _copy(after.uses, book.uses, back, resource)
    _copy(after.stock_uses, book.stock_uses, back, stock)
    decided = before.uses.columns()
    decided = decided.take(fixed[decided["resource"]])
    book.uses.add(*(decided[column] for column in ("candidate", "resource", "coefficient", "start", "end")))
    for number, needs, coefficient in after.per_stock:
        book.stock_needs(int(stock[number]), int(resource[needs]), coefficient)
    return book


def _copy(source: Uses, target: Uses, back: Ints, numbers: Ints) -> None:
    uses = source.columns()
    candidate = back[uses["candidate"]]
    kept, candidate = uses.take(candidate >= 0), candidate[candidate >= 0]
    target.add(candidate, numbers[kept["resource"]], kept["coefficient"], kept["start"], kept["end"])


# --- what cannot be had ------------------------------------------------------------------------------------------


def _gone(candidates: CandidateSet, anew: CandidateSet, place: Ints) -> Iterator[tuple[int, str]]:
    """Candidates that the changed case does not have, with the reason; early ends of what has ended are no loss."""
    table = candidates.table
    ends = anew.table["to_month"].to_numpy(np.int64)
    phases = anew.table[anew.table["kind"] == Kind.POWER].set_index("phase")["to_month"]
    known = {column: set(anew.table[column]) for column in ("lease_id", "gpu_id")}
    for number in np.flatnonzero(place < 0).tolist():
        row = table.iloc[number]
        parent = int(row["parent"])
        if row["kind"] in ("close", "retire", "exit"):
            end = int(ends[place[parent]]) if place[parent] >= 0 else None
        elif row["kind"] == Kind.SHORT:
            end = int(phases.get(row["phase"], 0))
        else:
            end = None
        if end is None or int(row["from_month"]) < end:
            yield number, _why(row, candidates.outlook.calendar, phases, known)


def _why(row: pd.Series, calendar: Calendar, phases: pd.Series, known: dict[str, set[str]]) -> str:
    for column in ("lease_id", "gpu_id"):
        if row[column] and row[column] not in known[column]:
            return f"nothing can be done there with {row[column]} any more"
    last = str(row["then_phase"] or row["phase"])
    if last and int(phases.get(last, 0)) < int(row["to_month"]):
        return f"the contract of {last} ends before {calendar.written(int(row['to_month']))}"
    return "its dates, its place or its lease no longer allow it"
