"""Integers that a relaxation leaves fractional for no reason: they cost nothing, and one of the two
breaks no row."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array

from planner.solver.model_arrays import FloatArray, IntArray

ROW_SLACK = 1e-9


def settled(
    levels: FloatArray, activity: FloatArray, decisions: IntArray, columns: csc_array, row_lower: FloatArray,
    row_upper: FloatArray,
) -> FloatArray:
    """The levels with some integers moved to an integral level, the upper one first, where no row objects; others stay.

    levels (columns,); activity (rows,): columns @ levels; decisions: numbers of the columns to be moved, of which none
    has a cost.
    """
    x, used = levels.copy(), activity.copy()
    for j in decisions.tolist():
        cells = slice(columns.indptr[j], columns.indptr[j + 1])
        rows, coefficients = columns.indices[cells], columns.data[cells]
        for integral in (np.ceil(x[j]), np.floor(x[j])):
            moved = used[rows] + coefficients * (integral - x[j])
            if (moved <= row_upper[rows] + ROW_SLACK).all() and (moved >= row_lower[rows] - ROW_SLACK).all():
                used[rows], x[j] = moved, integral
                break
    return x
