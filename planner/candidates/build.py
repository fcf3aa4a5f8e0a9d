"""Candidates of a case, with what a unit of each is worth and what it uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.arrays import Floats, Ints, Texts
from planner.candidates.accepting import add_accepting
from planner.candidates.builder import Block, CandidateBuilder, candidate_table
from planner.candidates.columns import Columns, stacked
from planner.candidates.fabrics import Fabrics
from planner.candidates.gpus import add_gpus
from planner.candidates.halls import add_halls
from planner.candidates.kinds import Kind
from planner.candidates.left_out import LeftOut, leave_out
from planner.candidates.market import add_market
from planner.candidates.mining import add_mining
from planner.candidates.money_limits import add_money_limits, add_raised_capital
from planner.candidates.opening import add_openings
from planner.candidates.outlook import Outlook
from planner.candidates.power import add_power
from planner.candidates.power_paths import firm_paths, live_phases, power_paths, single_paths
from planner.candidates.reach.within import refuse_beyond_reach
from planner.candidates.resources import ResourceBook, Rows, make_rows
from planner.candidates.serving import add_serving
from planner.candidates.tail_rent import add_tail_rent
from planner.candidates.valuation import CashTables, Valuation, cash_tables_of


@dataclass(frozen=True)
class CandidateSet:
    """Everything the company could do.

    npv_usd: base-case NPV of a unit after tax, shape (N,). lower, upper: least and greatest levels, as decided by the
    user where the blocks say what the case allows, shape (N,). book: resources and stocks. cash_tables: paths, events,
    profiles.
    """

    outlook: Outlook
    blocks: tuple[Block, ...]
    valuation: Valuation
    npv_usd: Floats
    lower: Floats
    upper: Floats
    book: ResourceBook
    cash_tables: CashTables

    def __len__(self) -> int:
        return len(self.npv_usd)

    @cached_property
    def columns(self) -> Columns:
        """Columns of all candidates (see `Block`), in the order of their numbers."""
        return stacked([block.columns for block in self.blocks]).having(lower=self.lower, upper=self.upper)

    @cached_property
    def candidate_ids(self) -> Texts:
        """Ids of all candidates, shape (N,)."""
        return np.concatenate([block.candidate_ids for block in self.blocks])

    @cached_property
    def kinds(self) -> Texts:
        """Kinds of all candidates, shape (N,)."""
        return np.repeat(
            np.array([block.kind for block in self.blocks], dtype=object), [len(block) for block in self.blocks]
        )

    def of_kind(self, *kinds: Kind) -> Ints:
        """Numbers of the candidates of some kinds, in their order."""
        return np.concatenate(
            [np.zeros(0, dtype=np.int64), *(block.numbers for block in self.blocks if block.kind in kinds)]
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per candidate (see `builder.COLUMNS`), in the order of its number."""
        return candidate_table(self.blocks).assign(lower=self.lower, upper=self.upper)

    @cached_property
    def links(self) -> dict[int, str]:
        """The group of campuses that each candidate `fabric` links, by its number."""
        numbers = self.of_kind(Kind.FABRIC).tolist()
        return dict(zip(numbers, Fabrics.of(self.outlook).groups, strict=True)) if numbers else {}

    @cached_property
    def left_out(self) -> LeftOut:
        """Candidates that no plan can use under the limits as they are, and why."""
        return leave_out(self)

    @cached_property
    def uses(self) -> Columns:
        """Every use of every resource, stocks spelled out."""
        return self.book.all_uses()

    @cached_property
    def rows(self) -> Rows:
        """Resource rows with all uses spelled out: use @ levels <= limit."""
        return make_rows(self.book, self.uses, len(self), self.outlook.months)

    def cash(self, levels: Floats, lines: tuple[Line, ...] = tuple(Line)) -> tuple[Ints, Floats]:
        """Cash of the candidates held at some levels: their numbers, and dollars by line and month (lines, n, M)."""
        numbers, pieces = [], []
        for block in self.blocks:
            held = np.flatnonzero(levels[block.numbers])
            numbers.append(block.numbers[held])
            pieces.append(self.valuation.cash(block, held, lines) * levels[block.numbers[held]][None, :, None])
        return np.concatenate(numbers), np.concatenate(pieces, axis=1)


def build_candidates(outlook: Outlook, *, equity: bool = False) -> CandidateSet:
    """Write down every candidate of every kind, value it (unlevered, or to equity), and note what it uses.

    Raises BeyondReach, before any work, where its model would not fit the memory that may be used (see
    `planner.runtime.memory`).
    """
    refuse_beyond_reach(outlook)
    builder = CandidateBuilder(outlook)
    add_openings(builder)
    add_halls(builder)
    add_power(builder)
    add_gpus(builder)
    phases, paths = live_phases(builder), power_paths(outlook)
    single = single_paths(paths)
    add_serving(builder, phases, paths)
    add_accepting(builder)
    add_market(builder, phases, single)
    add_mining(builder, phases, single)
    add_tail_rent(builder, phases, firm_paths(single))
    add_raised_capital(builder)
    valuation = add_money_limits(builder)
    npv_usd = np.concatenate([valuation.npv(block, equity=equity)[:, 0] for block in builder.blocks])
    if not np.isfinite(npv_usd).all():
        broken = np.concatenate([block.candidate_ids for block in builder.blocks])[~np.isfinite(npv_usd)][:3].tolist()
        raise ValueError(f"NPV is not a number for {broken}")
    lower, upper = (np.concatenate([block.columns[name] for block in builder.blocks]) for name in ("lower", "upper"))
    return CandidateSet(
        outlook, tuple(builder.blocks), valuation, npv_usd, lower, upper, builder.book, cash_tables_of(builder)
    )
