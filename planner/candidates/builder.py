"""Where candidates are made: the outlook, the shared cash_tables, and the blocks finished so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from kernels.lines import Line
from kernels.profiles import (
    Profile,
    ended,
    interest,
    level_repayment,
    macrs_5,
    straight_line,
    straight_repayment,
    until,
    with_bonus,
)
from kernels.terms import ScheduleTerm, Term, WindowTerm
from planner.arrays import Floats, Ints, Texts
from planner.candidates.cash_tables import NO_PHASE, NO_WAIT, EventTable, PathTable, ProfileTable
from planner.candidates.columns import Columns, codes_of, stacked
from planner.candidates.kinds import Kind
from planner.candidates.names import Names
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family, ResourceBook
from planner.case.table_arrays import NO_ROW

CODES = {
    "site": NO_ROW, "gpu": NO_ROW, "lease": NO_ROW, "tranche": NO_ROW, "customer": NO_ROW, "phase": NO_PHASE,
    "then": NO_PHASE,
}
"""Rows of the tables sites, gpus, leases, lease_tranches, customers and power (two phases of a path), with what stands
where there is none."""
NUMBERS = {"tier": 0, "interruptible": 0, "from_month": 0, "to_month": 0, "decide_by": 0, "parent": -1}
"""Whole numbers of candidates, with what stands where there is none; `interruptible` is 1 for what works on the part of
its power that may be curtailed (see `firmness`)."""
LEVELS = {"lower": 0.0, "upper": np.inf}
SORTS = {"way": -1, "fabric": NO_ROW, "steps": 0}
"""What tells candidates of one kind apart and stands in no table: how a hall comes to be (see `hall_cohorts`), the
fabric of a link or of a lease taken (see `fabrics`), and whether a `take` counts steps."""
TEXTS = (
    "candidate_id", "kind", "site_id", "gpu_id", "lease_id", "tranche", "customer_id", "phase", "then_phase", "unit",
)
COLUMNS = (*TEXTS, *NUMBERS, *LEVELS, "integral")
"""Columns of the table of candidates, where names stand in place of rows."""


_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Block:
    """Candidates of one kind, and the terms of a unit's cash.

    columns: CODES, NUMBERS, SORTS, LEVELS, integral and unit, one row per candidate. named: their ids, made where
    somebody asks.
    """

    kind: Kind
    first: int
    columns: Columns
    terms: tuple[Term, ...]
    names: Names
    named: Callable[[], Sequence[str]]

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def numbers(self) -> Ints:
        """Numbers of its candidates among all, shape (N,)."""
        return self.first + np.arange(len(self.columns))

    @cached_property
    def candidate_ids(self) -> Texts:
        """Ids of its candidates, shape (N,)."""
        found = np.empty(len(self), dtype=object)
        found[:] = list(self.named())
        return found

    @cached_property
    def table(self) -> pd.DataFrame:
        """Its candidates with names in place of rows (see COLUMNS)."""
        return candidate_table([self])


def candidate_table(blocks: Sequence[Block]) -> pd.DataFrame:
    """Candidates of some blocks in a table with the columns COLUMNS."""
    columns, names = stacked([block.columns for block in blocks]), blocks[0].names
    kinds = np.repeat(np.array([str(block.kind) for block in blocks], dtype=object), [len(block) for block in blocks])
    texts = (
        np.concatenate([block.candidate_ids for block in blocks]), kinds, names.sites[columns["site"]],
        names.gpus[columns["gpu"]],
        names.leases[columns["lease"]], names.tranches[columns["tranche"]], names.customers[columns["customer"]],
        names.phases[columns["phase"]],
        names.phases[columns["then"]], columns["unit"],
    )
    table = {name: pd.Series(text, dtype=object).astype(str) for name, text in zip(TEXTS, texts, strict=True)}
    return pd.DataFrame({**table, **{name: columns[name] for name in (*NUMBERS, *LEVELS, "integral")}})


@dataclass
class CandidateBuilder:
    """Everything the kinds of candidates write into."""

    outlook: Outlook
    names: Names = field(init=False)
    paths: PathTable = field(init=False)
    events: EventTable = field(init=False)
    profiles: ProfileTable = field(init=False)
    book: ResourceBook = field(default_factory=ResourceBook)
    blocks: list[Block] = field(default_factory=list)
    count: int = 0
    halls: Columns = field(default_factory=lambda: Columns(0, site=_NONE, way=_NONE, month=_NONE))
    """Halls by site, way and month of service (see `hall_cohorts`), once they are made."""

    def __post_init__(self) -> None:
        self.names = Names.of(self.outlook)
        self.paths = PathTable(self.outlook)
        self.events = EventTable(self.outlook.months)
        self.profiles = ProfileTable(self.outlook.months)

    def add(self, kind: Kind, ids: Callable[[], Sequence[str]], columns: Columns, terms: Sequence[Term]) -> Block:
        """Finish a block: fill in the columns that its kind does not use and number its candidates."""
        count = len(columns)
        full: dict[str, Any] = {}
        for blanks, dtype in ((CODES | NUMBERS | SORTS, np.int64), (LEVELS, np.float64)):
            for name, blank in blanks.items():
                full[name] = (
                    columns[name].astype(dtype, copy=False) if name in columns else np.full(count, blank, dtype=dtype)
                )
        full["integral"] = columns["integral"].astype(bool) if "integral" in columns else np.zeros(count, dtype=bool)
        full["unit"] = columns["unit"]
        block = Block(kind, self.count, Columns(count, **full), tuple(terms), self.names, ids)
        self.blocks.append(block)
        self.count += count
        return block

    def end_early(self, ends: Block, things: Sequence[Block]) -> None:
        """Units given up early <= units held, for what each of the ends has as its parent among the things."""
        ids = self.ids_of(things)
        parent = ends.columns["parent"]
        ended = self.book.resources(Family.ENDED, parent, ids.__getitem__)
        self.book.uses.add(ends.numbers, ended, 1.0, 0, 1)
        held, first = np.unique(parent, return_index=True)
        self.book.uses.add(held, ended[first], -1.0, 0, 1)

    @staticmethod
    def ids_of(blocks: Sequence[Block]) -> dict[int, str]:
        """Ids of candidates by number."""
        return {
            number: name for block in blocks
            for number, name in zip(block.numbers.tolist(), block.candidate_ids, strict=True)
        }

    def of_kind(self, *kinds: Kind) -> list[Block]:
        """Blocks finished so far of some kinds."""
        return [block for block in self.blocks if block.kind in kinds]

    # --- terms -----------------------------------------------------------------------------------------------

    def lump(self, line: Line, amount: Floats, month: Ints) -> WindowTerm:
        """An amount in one month."""
        return self.running(line, amount, month, month + 1)

    def running(self, line: Line, amount: Floats, start: Ints, end: Ints, path: Ints | None = None) -> WindowTerm:
        """An amount in every month of a fixed window, times a path (1 when none is given)."""
        rows = np.full(len(amount), self.one()) if path is None else path
        return WindowTerm(line, np.asarray(amount, dtype=np.float64), rows, self.events.at(start), self.events.at(end))

    def spread(self, line: Line, amount: Floats, month: Ints, lead: Ints) -> WindowTerm:
        """An amount in equal parts over the `lead` months before `month`; in `month` itself without a lead."""
        length = np.maximum(lead, 1)
        start = np.where(lead > 0, month - lead, month)
        return self.running(line, amount / length, np.maximum(start, 0), np.maximum(start, 0) + length)

    def schedule(self, line: Line, amount: Floats, profile: Ints, month: Ints) -> ScheduleTerm:
        """An amount spread by age from a fixed month on."""
        return ScheduleTerm(line, np.asarray(amount, dtype=np.float64), profile, self.events.at(month))

    def beginning(self, month: Ints, waits: Ints) -> Ints:
        """Events at fixed months, not before the waits (NO_WAIT for none) are over."""
        none = np.full(len(month), NO_PHASE)
        return self.events.after(
            month, none, none, np.full(len(month), self.outlook.months), (waits, np.full(len(month), NO_WAIT))
        )

    # --- paths -----------------------------------------------------------------------------------------------

    def one(self) -> int:
        """The path that is 1 in every month."""
        return self.paths.number("one", lambda outlook: np.ones(outlook.months))

    def hours(self) -> int:
        """The path of real hours."""
        return self.paths.number("hours", lambda outlook: outlook.hours)

    def escalated(self, rate_per_year: float, origin: int) -> int:
        """1 until a year after `origin`, then higher by the rate at each anniversary."""
        if rate_per_year == 0.0:
            return self.one()
        months = np.arange(self.outlook.months)
        return self.paths.number(
            ("escalated", rate_per_year, origin),
            lambda outlook: (1.0 + rate_per_year) ** np.maximum((months - origin) // 12, 0),
        )

    # --- profiles --------------------------------------------------------------------------------------------

    def written_off(self, asset_class: str, ages: int | None = None) -> Profile:
        """Shares of a basis written off by month of age, up to the months of the case or to `ages`."""
        rule = self.outlook.case.settings.depreciation[asset_class]
        ages = self.outlook.months if ages is None else ages
        base = macrs_5(ages) if rule.method == "macrs_5" else straight_line(rule.years, ages)
        return with_bonus(base, rule.bonus_share)

    def at_once(self) -> int:
        """Profile of all in the first month."""
        return self.profiles.number("at once", lambda: np.eye(1, self.outlook.months)[0])

    def written_off_by(self, asset_class: str, lives: Ints) -> Ints:
        """Profiles of the write-off of assets that end at each age: what is left then is written off in their last
        month."""
        full = self.written_off(asset_class)
        return self._by_ages(("written off by", asset_class), lives, lives, lambda life, _: until(full, life))

    def write_off_ended(self, asset_class: str, lives: Ints, ages: Ints) -> Ints:
        """Profiles of what giving up at `ages` changes in them: later write-offs go, what is left is written off at
        once."""
        full = self.written_off(asset_class)
        key = ("write-off ended", asset_class)
        return self._by_ages(key, lives, ages, lambda life, age: ended(until(full, life), age, settled=True))

    def profile_ended(self, number: int, age: int) -> int:
        """Profile of what ending another profile at an age changes, what is left of it settled at once."""
        full = self.profiles.row(number)
        return self.profiles.number(("profile ended", number, age), lambda: ended(full, age, settled=True))

    def _by_ages(self, key: tuple[str, str], lives: Ints, ages: Ints, make: Callable[[int, int], Profile]) -> Ints:
        """A profile for each pair of the age at which an asset ends and one at which it is given up, made once."""
        codes, first = codes_of([lives, ages])
        pairs = zip(lives[first].tolist(), ages[first].tolist(), strict=True)
        numbers = [self.profiles.number((*key, life, age), partial(make, life, age)) for life, age in pairs]
        return np.array(numbers, dtype=np.int64)[codes]

    # --- debt ------------------------------------------------------------------------------------------------

    def loan(self, asset_class: str, capex: Floats, month: Ints, lives: Ints) -> list[Term]:
        """Draw, interest and repayment of the loan on `capex` taken up in `month`; none without a row in `debt`.

        lives: months from the draw to the end of the asset, shape (N,); what is left of the loan then is repaid in its
        last month.
        """
        row = self._loan_row(asset_class)
        if row is None:
            return []
        drawn = capex * float(row["advance_rate"])
        repaid, rate = self._repayment(row), float(row["interest_rate"])
        repayment = self._by_ages(("repayment", asset_class), lives, lives, lambda life, _: until(repaid, life))
        charge = self._by_ages(
            ("interest", asset_class), lives, lives, lambda life, _: interest(until(repaid, life), rate)
        )
        return [
            self.lump(Line.DEBT_DRAW, drawn, month),
            self.schedule(Line.REPAYMENT, -drawn, repayment, month),
            self.schedule(Line.INTEREST, -drawn, charge, month),
        ]

    def loan_ended(self, asset_class: str, capex: Floats, lives: Ints, ages: Ints, month: Ints) -> list[Term]:
        """What giving an asset up at each age changes: the rest of the loan is repaid, its interest stops."""
        row = self._loan_row(asset_class)
        if row is None:
            return []
        drawn = capex * float(row["advance_rate"])
        repaid, rate = self._repayment(row), float(row["interest_rate"])

        def repayment(life: int, age: int) -> Profile:
            return ended(until(repaid, life), age, settled=True)

        def charge(life: int, age: int) -> Profile:
            return ended(interest(until(repaid, life), rate), age, settled=False)

        return [
            self.schedule(
                Line.REPAYMENT, -drawn, self._by_ages(("repayment ended", asset_class), lives, ages, repayment), month
            ),
            self.schedule(
                Line.INTEREST, -drawn, self._by_ages(("interest ended", asset_class), lives, ages, charge), month
            ),
        ]

    def _loan_row(self, asset_class: str) -> dict[str, Any] | None:
        debt = self.outlook.tables["debt"]
        row = debt.number_of("asset_class").get(asset_class)
        return None if row is None else debt.records[row]

    def _repayment(self, row: dict[str, Any]) -> Profile:
        """Principal repaid by months since the draw, as shares of the loan, if the asset lasts."""
        ages = self.outlook.months
        tenor, grace = int(row["tenor_months"]), int(row["grace_months"])
        if row["amortisation"] == "level":
            return level_repayment(row["interest_rate"], tenor, grace, ages)
        return straight_repayment(tenor, grace, ages)
