"""What a unit of each candidate is worth: cash by line and month, and NPV, in the base case or in scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from kernels.cpu.unit_npv import discounted_prefix, unit_npv
from kernels.lines import Line
from kernels.reference.unit_cash import unit_cash
from kernels.reference.unit_npv import schedule_values
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import Block, CandidateBuilder
from planner.candidates.cash_tables import EventTable, PathTable, ProfileTable
from planner.candidates.outlook import Outlook

CELLS = 20_000_000
"""Cells of cash formed at once: 160 MB a line."""


def select(terms: Sequence[Term], rows: Ints) -> list[Term]:
    """The same terms for some of the units of a block."""
    return [
        replace(term, **{entry.name: getattr(term, entry.name)[rows] for entry in fields(term) if entry.name != "line"})
        for term in terms
    ]


def renumbered(term: Term, needed: Ints) -> Term:
    """A term whose paths are numbered among those that are needed (rising)."""
    return replace(term, path=np.searchsorted(needed, term.path)) if isinstance(term, WindowTerm) else term


@dataclass(frozen=True)
class Valuation:
    """Arrays that value units: paths (P, S, M), events (E, S), profiles (Q, A), discount factors (M,), tax rate."""

    paths: Floats
    events: Ints
    profiles: Floats
    discount: Floats
    tax_rate: float

    def npv(self, block: Block, lines: Sequence[Line] = tuple(Line), *, equity: bool = False) -> Floats:
        """After-tax NPV of a unit of each candidate of a block by scenario, in dollars, shape (N, S)."""
        return self.npv_of(block.terms, lines, equity=equity)

    def npv_of(self, terms: Sequence[Term], lines: Sequence[Line] = tuple(Line), *, equity: bool = False) -> Floats:
        """The same of units given by their terms."""
        prefix, values = self._prepared
        found: Floats = unit_npv(
            terms, prefix, self.events, values, tax_rate=self.tax_rate, lines=lines, equity=equity
        )
        return found

    @property
    def _prepared(self) -> tuple[Floats, Floats]:
        # Frozen dataclass: the two tables are formed once and kept beside the fields.
        kept = self.__dict__.get("_tables")
        if kept is None:
            kept = (discounted_prefix(self.paths, self.discount), schedule_values(self.profiles, self.discount))
            self.__dict__["_tables"] = kept
        tables: tuple[Floats, Floats] = kept
        return tables

    def cash(self, block: Block, rows: Ints, lines: Sequence[Line] = tuple(Line)) -> Floats:
        """Cash of some units of a block by line and month in scenario 0, in dollars, shape (lines, n, M)."""
        months = self.paths.shape[2]
        pieces = []
        step = max(CELLS // months, 1)
        for first in range(0, len(rows), step):
            terms = select(block.terms, rows[first : first + step])
            piece = unit_cash(
                terms, self.paths[:, :1], self.events[:, :1], self.profiles, tax_rate=self.tax_rate, lines=lines
            )
            pieces.append(piece[:, :, 0, :])
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces, axis=1) if pieces else np.zeros((len(lines), 0, months))


@dataclass(frozen=True)
class CashTables:
    """The cash tables of a candidate set, from which its units are valued again under any outlook of the same case."""

    paths: PathTable
    events: EventTable
    profiles: ProfileTable

    def under(self, outlook: Outlook, *, needed: Ints | None = None) -> Valuation:
        """The arrays that value units under an outlook: the base case, or a piece of the scenarios.

        `needed` are the rows of paths that will be read, by terms that are `renumbered`; all by default.
        """
        return Valuation(
            paths=self.paths.table(outlook, needed=needed),
            events=self.events.table(outlook),
            profiles=self.profiles.table(),
            discount=outlook.discount,
            tax_rate=outlook.case.settings.tax_rate,
        )


def cash_tables_of(builder: CandidateBuilder) -> CashTables:
    """What the builder has written down."""
    return CashTables(builder.paths, builder.events, builder.profiles)
