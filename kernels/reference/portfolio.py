"""Portfolios as levels of candidates, and the sums that follow from them, always in the order in which they are listed.

These are the specification; `kernels.cpu.portfolio` holds the fast twins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.backend import Array, array_namespace


@dataclass(frozen=True)
class Portfolios:
    """Levels of candidates, portfolio after portfolio (compressed sparse rows).

    Portfolio p holds `levels[k]` units of candidate `candidates[k]` for k in `starts[p]` .. `starts[p + 1] - 1`;
    a candidate listed twice counts with the sum of its levels.
    """

    starts: Array
    """(portfolios + 1,), whole numbers from 0 up to the number of levels."""
    candidates: Array
    """(levels,), whole numbers."""
    levels: Array
    """(levels,), in the unit of each candidate."""

    def __len__(self) -> int:
        return int(self.starts.shape[0]) - 1

    def part(self, rows: slice) -> Portfolios:
        """The portfolios of a slice with given ends, without copying their levels."""
        first, last = int(self.starts[rows.start]), int(self.starts[rows.stop])
        return Portfolios(
            self.starts[rows.start : rows.stop + 1] - first, self.candidates[first:last], self.levels[first:last]
        )


def portfolios_from_dense(levels: Array, /) -> Portfolios:
    """Portfolios from NumPy levels (portfolios, candidates); levels of 0 are left out."""
    rows, candidates = np.nonzero(levels)
    starts = np.zeros(levels.shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=levels.shape[0]), out=starts[1:])
    return Portfolios(starts, candidates.astype(np.int32), levels[rows, candidates])


def require_portfolios(portfolios: Portfolios, candidate_count: int) -> None:
    """Raise ValueError unless starts rise from 0 to the end, candidates exist, and levels are finite."""
    starts, candidates, levels = portfolios.starts, portfolios.candidates, portfolios.levels
    xp = array_namespace(starts, candidates, levels)
    if starts.ndim != 1 or starts.shape[0] == 0 or candidates.shape != levels.shape or levels.ndim != 1:
        raise ValueError(
            f"one candidate per level expected, got starts {starts.shape}, candidates {candidates.shape}, levels "
            f"{levels.shape}"
        )
    if int(starts[0]) != 0 or int(starts[-1]) != levels.shape[0] or bool(xp.any(starts[1:] < starts[:-1])):
        raise ValueError(f"starts must rise from 0 to the number of levels ({levels.shape[0]})")
    if bool(xp.any((candidates < 0) | (candidates >= candidate_count))):
        raise ValueError(f"a portfolio holds a candidate that is not among 0 .. {candidate_count - 1}")
    if not bool(xp.all(xp.isfinite(levels))):
        raise ValueError("a level is NaN or infinite")


def portfolio_sums(portfolios: Portfolios, unit: Array, /) -> Array:
    """Sum over candidates of level x unit value, in the listed order.

    `unit` (candidates, ...) holds finite values of one unit: NPV by scenario, cash by scenario and month, or use of
    each resource. Result (portfolios, ...), in the dtype of `unit`.
    """
    require_portfolios(portfolios, unit.shape[0])
    xp = array_namespace(unit, portfolios.levels)
    count = len(portfolios)
    first, sizes = portfolios.starts[:-1], portfolios.starts[1:] - portfolios.starts[:-1]
    longest = int(xp.max(sizes)) if count else 0
    columns = (1,) * (unit.ndim - 1)
    total = _zeros(count, unit)
    for place in range(longest):  # one candidate of every portfolio at a time
        held = sizes > place
        entry = xp.where(held, first + place, 0)
        level = xp.where(held, xp.astype(xp.take(portfolios.levels, entry), unit.dtype), 0.0)
        rows = xp.take(unit, xp.take(portfolios.candidates, entry), axis=0)
        total = total + xp.reshape(level, (count, *columns)) * rows
    return total


def dense_portfolio_sums(levels: Array, unit: Array, /) -> Array:
    """As `portfolio_sums`, from levels (portfolios, candidates): candidate after candidate, zeros included."""
    xp = array_namespace(levels, unit)
    if levels.ndim != 2 or levels.shape[1] != unit.shape[0]:
        raise ValueError(
            f"levels (portfolios, candidates) and unit values (candidates, ...) expected, got {levels.shape} and "
            f"{unit.shape}"
        )
    columns = (1,) * (unit.ndim - 1)
    total = _zeros(levels.shape[0], unit)
    for candidate in range(unit.shape[0]):
        level = xp.reshape(xp.astype(levels[:, candidate], unit.dtype), (levels.shape[0], *columns))
        total = total + level * unit[candidate : candidate + 1, ...]
    return total


def excess_over_limits(portfolios: Portfolios, use: Array, limit: Array, /) -> Array:
    """Use of each resource less its limit: use (candidates, resources), limit (resources,) -> (portfolios, resources).

    Above 0 a limit is broken, by that much in the unit of the resource. A limit may be +inf, never NaN.
    """
    xp = array_namespace(use, limit)
    if bool(xp.any(xp.isnan(limit))):
        raise ValueError("a limit is NaN; use +inf for no limit")
    return portfolio_sums(portfolios, use) - limit


def _zeros(count: int, unit: Array) -> Array:
    """Zeros (count, ...) on the device and of the dtype of `unit` (candidates, ...)."""
    xp = array_namespace(unit)
    row = xp.zeros_like(xp.sum(unit, axis=0, keepdims=True, dtype=unit.dtype))
    return xp.broadcast_to(row, (count, *unit.shape[1:]))
