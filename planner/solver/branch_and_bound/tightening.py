"""Tighter switches: in rows `sum of a x <= M y` with y integer, M no larger than what the left side can reach.

A lease of 50,000 GPUs on a site that holds 8,000 is written `units <= 50,000 x block`; the relaxation then pays a
sixth of a decision for the whole site. What the left side can reach is bounded by a linear programme over what stands
behind
its levels: the columns that provide to the rows that limit them, and on along the chain (GPUs owned, halls, contracted
power, deliveries), everything else taken at its least use. Levels with integral y are the same as before;
fractional ones fewer. Prices are not taken from such a model: a switch at its least M binds where the wider one would
not.

Coefficient tightening of variable upper bounds: Savelsbergh, Preprocessing and probing techniques for mixed integer
programming problems, ORSA Journal on Computing 6 (1994), 445-454.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from planner.solver.fresh_highs import fresh_highs
from planner.solver.highs_threads import run
from planner.solver.model_arrays import FloatArray, IntArray, ModelArrays

MOST_PROVIDERS = 60
"""Rows with more providers than this (capital that everything pays into) are passed over, which loosens a bound and
never breaks it."""
MOST_COLUMNS = 2500
MOST_ANSWERED = 20_000
_ANSWERED: dict[bytes, float | None] = {}
"""What `_most` found, by the hash of what it was asked: plans of one case under other prices ask the same."""
_SLACK = 1e-7
_LEAST = 1e-6
"""Smallest M that is written, relative to the M before: zeros would vanish from the matrix."""


def remembered() -> dict[bytes, float | None]:
    """What was found so far in this process, for another one."""
    return dict(_ANSWERED)


def remember(found: Mapping[bytes, float | None]) -> None:
    """Take over what another process found."""
    _ANSWERED.update(found)


def tightened(arrays: ModelArrays) -> ModelArrays:
    """The same model with every M as small as the bounds on its left side allow."""
    switches = _switch_rows(arrays)
    if not len(switches):
        return arrays
    behind = _Behind.of(arrays)
    value = arrays.value.copy()
    for row in switches.tolist():
        cells = slice(arrays.start[row], arrays.start[row + 1])
        index, coefficient = arrays.index[cells], value[cells]
        switch = arrays.integer[index]
        reach = behind.reach(index[~switch], coefficient[~switch])
        if reach is None:
            continue
        most = reach * (1.0 + _SLACK)
        value[cells] = np.where(switch & (-coefficient > most), -np.maximum(most, -coefficient * _LEAST), coefficient)
    return replace(arrays, value=value)


def _switch_rows(arrays: ModelArrays) -> NDArray[np.int64]:
    """Rows `sum of a x - sum of M y <= 0` with a, M > 0, levels x >= 0, and integer y >= 0, one of each at least."""
    row = np.repeat(np.arange(arrays.rows), np.diff(arrays.start))
    switch, lower = arrays.integer[arrays.index], arrays.col_lower[arrays.index] >= 0.0
    fits = lower & np.where(switch, arrays.value < 0.0, arrays.value > 0.0)
    count = np.bincount(row, minlength=arrays.rows)
    switches, fitting = (np.bincount(row, weights=kind, minlength=arrays.rows) for kind in (switch, fits))
    bounded = (arrays.row_upper == 0.0) & np.isneginf(arrays.row_lower)
    return np.flatnonzero(bounded & (fitting == count) & (switches > 0) & (switches < count))


@dataclass(frozen=True)
class _Behind:
    """The model as `use @ x <= limit`, and who provides to each of these rows.

    limiting: use > 0, by column; providing: use < 0, by row. least: least activity of each cell.
    """

    arrays: ModelArrays
    use: csr_array
    limit: FloatArray
    limiting: csc_array
    providing: csr_array
    least: csr_array

    @staticmethod
    def of(arrays: ModelArrays) -> _Behind:
        """The rows of a model in this form; rows with very many providers limit nothing here."""
        above, below = np.isfinite(arrays.row_upper), np.isfinite(arrays.row_lower)
        use = csr_array(vstack([arrays.matrix[above], -arrays.matrix[below]], format="csr"))
        limit = np.concatenate([arrays.row_upper[above], -arrays.row_lower[below]])
        bound = np.where(use.data > 0.0, arrays.col_lower[use.indices], arrays.col_upper[use.indices])
        least = csr_array((use.data * bound, use.indices, use.indptr), shape=use.shape)
        limiting, providing = csc_array(use.maximum(0.0)), csr_array((-use).maximum(0.0))
        for matrix in (limiting, providing):
            matrix.eliminate_zeros()
        few = np.diff(providing.indptr) <= MOST_PROVIDERS
        keep = csr_array((few.astype(float), (np.arange(len(few)), np.arange(len(few)))), shape=(len(few), len(few)))
        return _Behind(arrays, use, limit, csc_array(keep @ limiting), providing, least)

    def reach(self, columns: IntArray, coefficients: FloatArray) -> float | None:
        """An upper bound of coefficients @ levels of some columns; None where nothing limits them."""
        chosen, rows = self._chain(columns)
        limit = self.limit[rows] - self._outside(rows, chosen)
        known = np.isfinite(limit)
        rows, limit = rows[known], limit[known]
        part = csr_array(self.use[rows][:, chosen])
        cost = np.zeros(len(chosen))
        cost[np.searchsorted(chosen, columns)] = coefficients
        return _most(part, limit, self.arrays.col_lower[chosen], self.arrays.col_upper[chosen], cost)

    def _chain(self, columns: IntArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns that stand behind some columns, themselves included, and the rows that limit them."""
        seen, rows = np.zeros(self.use.shape[1], dtype=bool), np.zeros(self.use.shape[0], dtype=bool)
        fresh = columns.astype(np.int64)
        seen[fresh] = True
        count = len(fresh)
        while len(fresh) and count <= MOST_COLUMNS:
            limiting = _fresh(self.limiting, fresh, rows)
            fresh = _fresh(self.providing, limiting, seen)
            count += len(fresh)
        return np.flatnonzero(seen), np.flatnonzero(rows)

    def _outside(self, rows: NDArray[np.int64], chosen: NDArray[np.int64]) -> FloatArray:
        """Least activity of the columns that are not chosen, in each row; minus infinity where it has none."""
        part = csr_array(self.least[rows])
        inside = np.zeros(self.use.shape[1], dtype=bool)
        inside[chosen] = True
        data = np.where(inside[part.indices], 0.0, part.data)
        row = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
        return np.asarray(np.bincount(row, weights=data, minlength=len(rows)), dtype=np.float64)


def _fresh(matrix: Any, which: NDArray[np.int64], seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Indices of the cells of some major slices of a sparse matrix that were not seen before; marks them as seen."""
    start, stop = matrix.indptr[which].astype(np.int64), matrix.indptr[which + 1].astype(np.int64)
    length = stop - start
    at = np.repeat(start - np.cumsum(length) + length, length) + np.arange(int(length.sum()))
    found = matrix.indices[at]
    found = np.sort(found[~seen[found]]).astype(np.int64)
    first = np.ones(len(found), dtype=bool)
    np.not_equal(found[1:], found[:-1], out=first[1:])
    found = found[first]
    seen[found] = True
    return found


def _most(use: csr_array, limit: FloatArray, lower: FloatArray, upper: FloatArray, cost: FloatArray) -> float | None:
    """max cost @ x subject to use @ x <= limit and bounds; None when it is not an optimum."""
    asked = hashlib.sha256(
        f"{use.shape} {use.nnz}".encode()
        + b"".join(
            np.ascontiguousarray(each).tobytes()
            for each in (use.indptr, use.indices, use.data, limit, lower, upper, cost)
        )
    ).digest()
    if asked in _ANSWERED:
        return _ANSWERED[asked]
    found = _solved(use, limit, lower, upper, cost)
    if len(_ANSWERED) < MOST_ANSWERED:
        _ANSWERED[asked] = found
    return found


def _solved(use: csr_array, limit: FloatArray, lower: FloatArray, upper: FloatArray, cost: FloatArray) -> float | None:
    highs = fresh_highs()
    for name, choice in (("presolve", "off"), ("solver", "simplex"), ("simplex_strategy", 4)):
        highs.setOptionValue(name, choice)
    highs.passModel(
        len(cost), len(limit), use.nnz, int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMaximize), 0.0, cost,
        lower, upper,
        np.full(len(limit), -np.inf), limit, use.indptr.astype(np.int32), use.indices.astype(np.int32), use.data,
        np.zeros(len(cost), dtype=np.int32),
    )
    run(highs)
    optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return max(float(highs.getInfo().objective_function_value), 0.0) if optimal else None
