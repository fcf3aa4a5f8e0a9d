"""NPV of a unit of every candidate, and of every column of the model, in every future."""

from __future__ import annotations

import numpy as np

from kernels.pieces import over_pieces, usable_cores
from kernels.terms import WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.errors import PlannerError
from planner.formulation.formulation import Formulation
from planner.scenarios.futures import Futures
from planner.scenarios.outlook import scenario_outlook
from planner.solver.column_generation.columns import SAME, ColumnValues

CELLS = 3_000_000
"""Cells of paths formed at once by one thread: 24 MB, and as much for their prefix sums; half a second, which Ctrl-C
waits for."""


def candidate_values(
    candidates: CandidateSet, futures: Futures, *, equity: bool = False, threads: int | None = None
) -> Floats:
    """After-tax NPV of a unit of each candidate in each future, dollars, shape (N, S): unlevered, or to equity.

    The same numbers as scores are made of, formed in pieces of scenarios; a portfolio's NPV is its levels @ these.
    """
    outlook, cash_tables = candidates.outlook, candidates.cash_tables
    needed = _needed(candidates)
    size = max(CELLS // max(len(needed) * outlook.months, 1), 1)
    values = np.empty((len(candidates), len(futures)))

    def piece(rows: slice) -> Floats:
        valuation = cash_tables.under(scenario_outlook(outlook, futures.piece(rows)), needed=needed)
        return np.concatenate([valuation.npv(block, equity=equity) for block in candidates.blocks])

    for rows, found in over_pieces(piece, len(futures), piece=size, threads=threads or usable_cores()):
        values[:, rows] = found
    broken = ~np.isfinite(values).all(axis=1)
    if broken.any():
        names = candidates.table["candidate_id"][broken].head(3).tolist()
        raise PlannerError(
            f"NPV is not a number in some future for {', '.join(names)}; look for missing or extreme factor values"
        )
    return values


def _needed(candidates: CandidateSet) -> Ints:
    """Rows of the book of paths that some candidate reads."""
    read = [
        np.unique(np.asarray(term.path)) for block in candidates.blocks for term in block.terms
        if isinstance(term, WindowTerm)
    ]
    needed: Ints = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *read]))
    return needed


def endings_are_certain(candidates: CandidateSet, values: Floats) -> bool:
    """Whether every way to end a cohort is worth the same in all futures, so that of ways equal in every row the best
    is best in all."""
    endings = candidates.table["kind"].isin((Kind.RETIRE, Kind.CLOSE)).to_numpy()
    chosen = values[endings]
    if not len(chosen):
        return True
    return bool((np.ptp(chosen, axis=1) <= SAME * np.maximum(np.abs(chosen).max(axis=1), 1.0)).all())


def column_values(formulation: Formulation, values: Floats, probability: Floats) -> ColumnValues:
    """Values of the model's columns in units of the model's money per unit of each, from those of the candidates (N, S)
    in dollars.

    Raises ValueError for a pooled model: pools hold one value for candidates that futures may tell apart.
    """
    if formulation.market is not None:
        raise ValueError("an aggregated market has no values by scenario; make the formulation with aggregate=False")
    return ColumnValues.of(
        (formulation.level_of.T @ values) * (formulation.unit / formulation.money)[:, None], probability,
        money=formulation.money,
    )
