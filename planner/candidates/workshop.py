"""Where candidates are made: the outlook, the shared books, and the blocks finished so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

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
from planner.candidates.books import NO_PHASE, NO_WAIT, EventBook, PathBook, ProfileBook
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.resources import ResourceBook

TEXTS = ("candidate_id", "kind", "site_id", "gpu_id", "lease_id", "customer_id", "phase", "then_phase", "unit")
NUMBERS = {"tier": 0, "from_month": 0, "to_month": 0, "decide_by": 0, "parent": -1}
LEVELS = {"lower": 0.0, "upper": np.inf}
COLUMNS = (*TEXTS, *NUMBERS, *LEVELS, "integral")


@dataclass(frozen=True)
class Block:
    """Candidates of one kind: their table (see COLUMNS), and the terms of a unit's cash."""

    kind: str
    first: int
    table: pd.DataFrame
    terms: tuple[Term, ...]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def numbers(self) -> Ints:
        """Numbers of its candidates among all, shape (N,)."""
        return self.first + np.arange(len(self.table))


@dataclass
class Workshop:
    """Everything the kinds of candidates write into."""

    outlook: Outlook
    paths: PathBook = field(init=False)
    events: EventBook = field(init=False)
    profiles: ProfileBook = field(init=False)
    book: ResourceBook = field(default_factory=ResourceBook)
    blocks: list[Block] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.paths = PathBook(self.outlook)
        self.events = EventBook(self.outlook.months)
        self.profiles = ProfileBook(self.outlook.months)

    def add(self, kind: str, frame: pd.DataFrame, terms: Sequence[Term]) -> Block:
        """Finish a block: fill in the columns that its kind does not use and number its candidates."""
        table = frame.reset_index(drop=True).copy()
        table["kind"] = kind
        for name in TEXTS:
            table[name] = table[name].astype(str) if name in table else ""
        for name, blank in NUMBERS.items():
            table[name] = table[name].astype(np.int64) if name in table else blank
        for name, bound in LEVELS.items():
            table[name] = table[name].astype(np.float64) if name in table else bound
        table["integral"] = table["integral"].astype(bool) if "integral" in table else False
        block = Block(kind, self.count, table[list(COLUMNS)], tuple(terms))
        self.blocks.append(block)
        self.count += len(table)
        return block

    def of_kind(self, *kinds: str) -> list[Block]:
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
        return self.events.after(month, none, none, np.full(len(month), self.outlook.months), (waits, np.full(len(month), NO_WAIT)))

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
        """Profiles of the write-off of assets that end at each age: what is left then is written off in their last month."""
        full = self.written_off(asset_class)
        return self._by_ages(("written off by", asset_class), lives, lives, lambda life, _: until(full, life))

    def write_off_ended(self, asset_class: str, lives: Ints, ages: Ints) -> Ints:
        """Profiles of what giving up at `ages` changes in them: later write-offs go, what is left is written off at once."""
        full = self.written_off(asset_class)
        key = ("write-off ended", asset_class)
        return self._by_ages(key, lives, ages, lambda life, age: ended(until(full, life), age, settled=True))

    def profile_ended(self, number: int, age: int) -> int:
        """Profile of what ending another profile at an age changes, what is left of it settled at once."""
        full = self.profiles.row(number)
        return self.profiles.number(("profile ended", number, age), lambda: ended(full, age, settled=True))

    def _by_ages(self, key: tuple[str, str], lives: Ints, ages: Ints, make: Callable[[int, int], Profile]) -> Ints:
        """A profile for each pair of the age at which an asset ends and one at which it is given up, made once."""
        pairs, inverse = np.unique(np.stack([lives, ages]), axis=1, return_inverse=True)
        numbers = [self.profiles.number((*key, int(life), int(age)), partial(make, int(life), int(age))) for life, age in pairs.T]
        return np.asarray(numbers, dtype=np.int64)[inverse.reshape(-1)]

    # --- debt ------------------------------------------------------------------------------------------------

    def loan(self, asset_class: str, capex: Floats, month: Ints, lives: Ints) -> list[Term]:
        """Draw, interest and repayment of the loan on `capex` taken up in `month`; none without a row in `debt`.

        lives: months from the draw to the end of the asset, shape (N,); what is left of the loan then is repaid in its last month.
        """
        row = self._loan_row(asset_class)
        if row is None:
            return []
        drawn = capex * float(row["advance_rate"])
        repaid, rate = self._repayment(row), float(row["interest_rate"])
        repayment = self._by_ages(("repayment", asset_class), lives, lives, lambda life, _: until(repaid, life))
        charge = self._by_ages(("interest", asset_class), lives, lives, lambda life, _: interest(until(repaid, life), rate))
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
            self.schedule(Line.REPAYMENT, -drawn, self._by_ages(("repayment ended", asset_class), lives, ages, repayment), month),
            self.schedule(Line.INTEREST, -drawn, self._by_ages(("interest ended", asset_class), lives, ages, charge), month),
        ]

    def _loan_row(self, asset_class: str) -> pd.Series | None:
        debt = self.outlook.case.tables["debt"]
        found = debt[debt["asset_class"] == asset_class]
        return None if found.empty else found.iloc[0]

    def _repayment(self, row: pd.Series) -> Profile:
        """Principal repaid by months since the draw, as shares of the loan, if the asset lasts."""
        ages = self.outlook.months
        tenor, grace = int(row["tenor_months"]), int(row["grace_months"])
        if row["amortisation"] == "level":
            return level_repayment(float(row["interest_rate"]), tenor, grace, ages)
        return straight_repayment(tenor, grace, ages)


def joined(first: pd.Series, *rest: pd.Series) -> pd.Series:
    """Names made of several, row by row, joined by a colon: the reader lets no name of a case hold one, so no two of them merge."""
    name = first
    for part in rest:
        name = name + ":" + part
    return name


def phase_names(power: pd.DataFrame) -> pd.Series:
    """Names of phases as SOURCE:PHASE, one per row of `power`."""
    return joined(power["source_id"], power["phase"])
