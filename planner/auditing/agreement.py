"""Whether a run agrees with its books: each line of cash, the NPVs, each limit and each law of conservation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from planner.auditing.books import Books, keep_books
from planner.auditing.conservation import Law, laws
from planner.auditing.limits import Check, every_check
from planner.auditing.lines import LINES, OPERATING
from planner.auditing.published import Published, read_record, read_run
from planner.auditing.taxes import npv, npv_losses_carried, npv_to_equity
from planner.case.case import Case
from planner.errors import PlannerError
from planner.storage.run_case import case_of_run

RELATIVE = 1e-9
"""Share of what was posted to a cell within which two figures are the same."""
OF_LINE = 1e-12
"""Share of a line's largest posting at a site that a cell may differ by beside: tables hold twelve digits."""

DUST_USD = 1e-6
"""Dollars below which sums are dust whatever their size."""


@dataclass(frozen=True)
class Cell:
    """One site, line and period: dollars as published and as the books have them."""

    site: str
    line: str
    month: int
    published_usd: float
    books_usd: float
    allowed_usd: float

    @property
    def difference_usd(self) -> float:
        """Books less published."""
        return self.books_usd - self.published_usd

    @property
    def agrees(self) -> bool:
        """Whether the two are the same to 1e-9."""
        return abs(self.difference_usd) <= self.allowed_usd


@dataclass(frozen=True)
class Worth:
    """A net present value as published and as the books have it."""

    name: str
    published_usd: float
    books_usd: float
    allowed_usd: float

    @property
    def agrees(self) -> bool:
        """Whether the two are the same to 1e-9."""
        return abs(self.books_usd - self.published_usd) <= self.allowed_usd


@dataclass(frozen=True, repr=False)
class Agreement:
    """What came of an audit: every cell of cash, every worth, every limit and every law."""

    run: Published
    books: Books
    cells: tuple[Cell, ...]
    worths: tuple[Worth, ...]
    checks: tuple[Check, ...]
    laws: tuple[Law, ...]

    def __repr__(self) -> str:
        said = "agrees" if self.agrees else ", ".join(self.disagreements)
        return (
            f"<Agreement over {len(self.cells):,} amounts, {len(self.checks):,} limits and {len(self.laws):,} laws: "
            f"{said}>"
        )

    @cached_property
    def disagreements(self) -> tuple[str, ...]:
        """What does not agree, in words, by kind: `line NAME`, `worth NAME`, `limit NAME`, `law NAME`; empty when all
        agrees."""
        found = [f"line {cell.line}" for cell in self.cells if not cell.agrees]
        found += [f"worth {worth.name}" for worth in self.worths if not worth.agrees]
        found += [f"limit {check.family}" for check in self.checks if check.broken]
        found += [f"law {law.name}" for law in self.laws if not law.holds]
        return tuple(dict.fromkeys(found))

    @property
    def agrees(self) -> bool:
        """Whether nothing disagrees."""
        return not self.disagreements


def audit(run_folder: str | Path, case: str | Path | Case | None = None) -> Agreement:
    """Keep the books of a run a second time, from its published tables and its case alone, and compare.

    `case` is the case as a path (the run's own by default; its edits and stress are applied) or as it was planned.
    Raises PlannerError for a folder that is no run of a plan, a run without a plan, and a case that has changed since.

    >>> import planner
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     run = planner.write_run(planner.plan("fixtures/tiny", prices="none"), folder + "/run")
    ...     planner.audit(run).agrees
    True
    """
    folder = Path(run_folder)
    record = read_record(folder)
    planned = case if isinstance(case, Case) else case_of_run(folder, record, None if case is None else Path(case))
    run = read_run(folder, planned)
    if run.summary.get("npv_losses_carried_usd") is None:
        raise PlannerError(f"{folder} holds no plan (its status is {record['status']}), so there is nothing to audit")
    books = keep_books(run)
    return Agreement(
        run, books, _cells(run, books), _worths(run, books), every_check(run, books), tuple(laws(run, books))
    )


def _cells(run: Published, books: Books) -> tuple[Cell, ...]:
    Key = tuple[str, str, int]
    published: defaultdict[Key, float] = defaultdict(float)
    kept: defaultdict[Key, float] = defaultdict(float)
    moved: defaultdict[Key, float] = defaultdict(float)
    largest: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in run.cashflow:
        key = row["site_id"], row["line"], int(row["month"])
        published[key] += row["usd"]
    for (site, line, month), usd in books.book.usd.items():
        kept[site, line, run.months.period(month)] += usd
    for (site, line, month), usd in books.book.gross.items():
        moved[site, line, run.months.period(month)] += usd
    for (site, line, _), usd in (*moved.items(), *((key, abs(usd)) for key, usd in published.items())):
        largest[site, line] = max(largest[site, line], usd)
    order = {line: number for number, line in enumerate(LINES)}
    keys = sorted({*published, *kept}, key=lambda key: (key[0], order.get(key[1], len(order)), key[2]))
    allowed = {
        key: RELATIVE * max(moved[key], abs(published[key])) + OF_LINE * largest[key[:2]] + DUST_USD for key in keys
    }
    return tuple(Cell(*key, published[key], kept[key], allowed[key]) for key in keys)


def _worths(run: Published, books: Books) -> tuple[Worth, ...]:
    rate, tax_rate = float(run.settings.discount_rate), float(run.settings.tax_rate)
    moved = sum(
        usd * run.months.factor(month, rate) for (_, line, month), usd in books.book.gross.items() if line in OPERATING
    )
    kept = {
        "npv_usd": npv(books.book, run.months, rate),
        "npv_losses_carried_usd": npv_losses_carried(books.book, run.months, rate, tax_rate),
        "equity_npv_usd": npv_to_equity(books.book, run.months, rate, tax_rate),
    }
    published = {name: float(run.summary[name]) for name in kept}
    return tuple(
        Worth(name, published[name], usd, RELATIVE * abs(usd) + OF_LINE * moved + DUST_USD)
        for name, usd in kept.items()
    )
