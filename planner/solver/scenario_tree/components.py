"""A model of which some columns are fixed falls apart: its pieces are solved each by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from threading import Event

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from planner.arrays import Flags, Floats, Ints
from planner.solver.model_arrays import ModelArrays
from planner.solver.scenario_tree.engine import Clock, solved
from planner.solver.side_by_side import Stop, side_by_side, workers
from planner.solver.solution import TOLERANCE


@dataclass(frozen=True)
class Pieced:
    """Levels (columns,) that keep every limit, None without any; pieces: into how many the model fell apart."""

    levels: Floats | None
    pieces: int


def solved_in_pieces(arrays: ModelArrays, *, gap: float, clock: Clock) -> Pieced:
    """A model solved piece by piece, where columns of equal bounds join nothing; each gets its share of the time.

    Without levels if a piece has none, or none within its time: nothing is proven by that.
    """
    fixed = arrays.col_lower == arrays.col_upper
    levels = np.where(fixed, arrays.col_lower, 0.0)
    matrix = arrays.matrix
    spent = matrix @ levels
    free = np.flatnonzero(~fixed)
    rows = sparse.csr_array(matrix[:, free])
    idle = np.flatnonzero(np.diff(rows.indptr) == 0)
    if _broken(spent[idle], arrays.row_lower[idle], arrays.row_upper[idle]):
        return Pieced(None, 0)
    of_row, of_column, count = _labels(rows)
    of_row, of_column, count = _together(of_row, of_column, count, arrays.integer[free])
    columns_of, rows_of = _grouped(of_column, count), _grouped(of_row, count)
    at_a_time, without = workers(count), Event()

    def solve(at: int, stop: Stop) -> Floats | None:
        if without.is_set():
            return None
        own = rows_of[at]
        part = _part(arrays, rows[own][:, columns_of[at]], free[columns_of[at]], own, spent[own])
        found = solved(part, gap=gap, seconds=clock.share(min(at_a_time / (count - at), 1.0)), stop=stop)
        if found.values is None:
            without.set()
        return found.values

    for at, found in enumerate(side_by_side([partial(solve, at) for at in range(count)])):
        if found is None:
            return Pieced(None, count)
        levels[free[columns_of[at]]] = found
    return Pieced(levels, count)


def _labels(rows: sparse.csr_array) -> tuple[Ints, Ints, int]:
    """The piece of each row and of each column; rows without columns belong to none (-1)."""
    m, n = rows.shape
    cells = rows.tocoo()
    joins = sparse.coo_array((np.ones(cells.nnz), (cells.coords[0], cells.coords[1] + m)), shape=(m + n, m + n))
    _, label = connected_components(joins, directed=False)
    _, of_column = np.unique(label[m:], return_inverse=True)
    names = np.full(int(label.max(initial=-1)) + 1, -1)
    names[label[m:]] = of_column
    count = int(of_column.max(initial=-1)) + 1
    return names[label[:m]], of_column, count


def _together(of_row: Ints, of_column: Ints, count: int, integer: Flags) -> tuple[Ints, Ints, int]:
    """The same with all pieces without integers as the last piece: one linear programme is sooner solved than many."""
    integral = np.bincount(of_column[integer], minlength=count) > 0
    names = np.where(integral, np.cumsum(integral) - 1, int(integral.sum()))
    named = np.where(of_row >= 0, names[of_row], -1) if count else of_row
    return named, names[of_column] if count else of_column, int(integral.sum()) + int(not integral.all())


def _grouped(label: Ints, count: int) -> list[Ints]:
    """Where each label stands, in order."""
    order = np.argsort(label, kind="stable")
    ends = np.searchsorted(label[order], np.arange(count + 1))
    return [order[ends[at] : ends[at + 1]] for at in range(count)]


def _part(arrays: ModelArrays, matrix: sparse.csr_array, columns: Ints, rows: Ints, spent: Floats) -> ModelArrays:
    """Some columns and rows as a model of their own; spent: what the fixed columns use of the rows."""
    matrix = sparse.csr_array(matrix)
    return replace(
        arrays,
        cost=arrays.cost[columns],
        offset=0.0,
        start=matrix.indptr.astype(np.int32),
        index=matrix.indices.astype(np.int32),
        value=matrix.data,
        row_lower=arrays.row_lower[rows] - spent,
        row_upper=arrays.row_upper[rows] - spent,
        col_lower=arrays.col_lower[columns],
        col_upper=arrays.col_upper[columns],
        integer=arrays.integer[columns],
        variables=tuple(arrays.variables[at] for at in columns.tolist()),
        row_names=tuple(arrays.row_names[at] for at in rows.tolist()),
    )


def _broken(activity: Floats, lower: Floats, upper: Floats) -> bool:
    size = np.maximum(1.0, np.abs(activity))
    return bool(((lower - activity > TOLERANCE * size) | (activity - upper > TOLERANCE * size)).any())
