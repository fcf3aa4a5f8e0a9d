"""What of a minimum take is not drawn at some levels: the levels that `short` candidates have to have."""

from __future__ import annotations

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.resources import Family


def take_not_drawn(candidates: CandidateSet, levels: Floats) -> tuple[Ints, Floats]:
    """Numbers of the `short` candidates, and mean MW of minimum take that nothing else at these levels draws in the
    window of each.

    levels: of every candidate, shape (N,); those of `short` themselves do not count.
    """
    numbers = candidates.of_kind(Kind.SHORT)
    if not len(numbers):
        return numbers, np.zeros(0)
    drawn = levels.copy()
    drawn[numbers] = 0.0
    rows = candidates.rows
    takes = np.flatnonzero((rows.table["family"] == Family.MIN_TAKE.name).to_numpy())
    missing = rows.use[takes] @ drawn - rows.table["limit"].to_numpy(np.float64)[takes]
    pays = rows.use[takes][:, numbers].tocoo()
    needed = np.zeros(len(numbers))
    np.maximum.at(needed, pays.col, missing[pays.row])
    return numbers, needed
