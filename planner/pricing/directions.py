"""A direction: which limits of the model move, and by how much, for one unit more of something."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from planner.solver.changes import Changes
from planner.solver.model_arrays import FloatArray, IntArray, ModelArrays

NO_PLACES: IntArray = np.zeros(0, dtype=np.int32)
NOTHING: FloatArray = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Direction:
    """Limits that move together, in the units of the model.

    rows (k,) and row_change (k,): every finite limit of these rows moves by its change for one unit.
    columns (j,) and column_change (j,): the upper bound of each of these columns moves by its change; the lower one
    stays.
    """

    rows: IntArray = field(default_factory=lambda: NO_PLACES)
    row_change: FloatArray = field(default_factory=lambda: NOTHING)
    columns: IntArray = field(default_factory=lambda: NO_PLACES)
    column_change: FloatArray = field(default_factory=lambda: NOTHING)

    @property
    def empty(self) -> bool:
        """Whether nothing moves."""
        return not len(self.rows) and not len(self.columns)

    def reversed(self) -> Direction:
        """One unit less."""
        return Direction(self.rows, -self.row_change, self.columns, -self.column_change)

    def by(self, amount: float, arrays: ModelArrays) -> Changes:
        """The changes of a model for so many units."""
        at, col = self.rows, self.columns
        rows = (at, arrays.row_lower[at] + amount * self.row_change, arrays.row_upper[at] + amount * self.row_change)
        columns = (col, arrays.col_lower[col], arrays.col_upper[col] + amount * self.column_change)
        return Changes(columns=columns if len(col) else None, rows=rows if len(at) else None)

    def slope(self, arrays: ModelArrays, duals: FloatArray, reduced_costs: FloatArray) -> float:
        """Worth of one unit at these prices: greater is better, whatever the sense of the model.

        Worth is concave in the limits, so this bounds from above what any number of units brings.
        """
        sense = 1.0 if arrays.maximise else -1.0
        bound = np.maximum(sense * reduced_costs[self.columns], 0.0)  # below 0 it is the lower bound that pushes
        return float(sense * duals[self.rows] @ self.row_change + bound @ self.column_change)


def together(*parts: Direction) -> Direction:
    """Several directions as one; a limit that stands in two of them moves by both changes."""
    rows, row_change = _summed([part.rows for part in parts], [part.row_change for part in parts])
    columns, column_change = _summed([part.columns for part in parts], [part.column_change for part in parts])
    return Direction(rows, row_change, columns, column_change)


def _summed(places: list[IntArray], changes: list[FloatArray]) -> tuple[IntArray, FloatArray]:
    every, change = np.concatenate([NO_PLACES, *places]), np.concatenate([NOTHING, *changes])
    distinct, which = np.unique(every, return_inverse=True)
    return distinct.astype(np.int32), np.bincount(which, weights=change, minlength=len(distinct)).astype(np.float64)
