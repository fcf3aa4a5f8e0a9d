"""NPV of a unit of candidates in every future, formed in pieces of scenarios."""

from __future__ import annotations

import numpy as np

from kernels.pieces import over_pieces, usable_cores
from kernels.terms import WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.valuation import renumbered, select
from planner.errors import PlannerError
from planner.scenarios.futures import Futures
from planner.scenarios.outlook import scenario_outlook

CELLS = 3_000_000
"""Cells of paths formed at once by one thread: 24 MB, and as much for their prefix sums; half a second, which Ctrl-C
waits for."""

AHEAD = 4096
"""Futures up to which all are drawn at once, and not piece by piece: a hundred streams of a hundred months take some
300 MB."""


def unit_values(
    candidates: CandidateSet, futures: Futures, chosen: Ints, *, equity: bool = False, threads: int | None = None
) -> Floats:
    """After-tax NPV of a unit of some candidates in each future, dollars, shape (n, S): unlevered, or to equity.

    chosen: their numbers, rising, shape (n,). The same numbers as scores are made of; a portfolio's NPV is its levels
    @ these. Only paths that they read are formed. Raises PlannerError where a value is no number.
    """
    outlook, cash_tables = candidates.outlook, candidates.cash_tables
    blocks = []
    for block in candidates.blocks:
        first, last = np.searchsorted(chosen, [block.first, block.first + len(block)])
        if first < last:
            blocks.append(select(block.terms, chosen[first:last] - block.first))
    read = [np.unique(np.asarray(term.path)) for terms in blocks for term in terms if isinstance(term, WindowTerm)]
    needed: Ints = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *read]))
    blocks = [[renumbered(term, needed) for term in terms] for terms in blocks]
    size = max(CELLS // max(len(needed) * outlook.months, 1), 1)
    values = np.empty((len(chosen), len(futures)))
    futures = futures.drawn_ahead() if len(futures) <= AHEAD else futures

    def piece(rows: slice) -> Floats:
        valuation = cash_tables.under(scenario_outlook(outlook, futures.piece(rows)), needed=needed)
        return np.concatenate([valuation.npv_of(terms, equity=equity) for terms in blocks])

    for rows, found in over_pieces(piece, len(futures) if blocks else 0, piece=size, threads=threads or usable_cores()):
        values[:, rows] = found
    broken = ~np.isfinite(values).all(axis=1)
    if broken.any():
        names = candidates.table["candidate_id"].to_numpy()[chosen[broken]][:3].tolist()
        raise PlannerError(
            f"NPV is not a number in some future for {', '.join(names)}; look for missing or extreme factor values"
        )
    return values
