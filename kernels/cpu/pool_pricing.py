"""The fast twin of `kernels.reference.pool_pricing`: a pool of millions of columns priced in one pass over its values.

The pass reads every value once and keeps nothing but the best few of each group, so it runs at the rate at which memory
(or, for values mapped from a file, the disk's cache) is read. In the dtype of the values it is a matrix-vector product
of the BLAS library on pieces that threads share; `exact` widens each piece to float64 first, for the pass on which a
proof rests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kernels.backend import Array, array_namespace, to_host
from kernels.pieces import over_pieces, usable_cores

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PIECE_BYTES = 32 << 20
"""Values read by a thread at once."""
WIDENED_ROWS = 2048
"""Rows widened to float64 at once: they stay in the cache between the copy and the product."""


@dataclass(frozen=True)
class Priced:
    """The best columns of each group and their reduced value per unit of the group's limit, (groups, most) each.

    column is -1 and worth 0 where a group has no more. largest: greatest reduced value per unit of a limit over the
    whole pool, -inf for an empty one. best: that of each group, (groups,), -inf for a group without columns.
    """

    column: Ints
    worth: Floats
    best: Floats

    @property
    def largest(self) -> float:
        """Greatest reduced value per unit of its limit over the whole pool."""
        return float(self.best.max(initial=-np.inf))


@dataclass(frozen=True, eq=False)
class PoolPricer:
    """A pool ready to be priced: values (N, S) of NumPy (also mapped from a file) or CuPy, use (N, P) as sparse rows.

    share: (N,) units of its group's limit that a unit of a column takes, above 0. group: (N,) below `groups`. threads:
    None for all cores. With values in device memory the pass over them is one product there; use, share and group stay
    on the host.
    """

    values: Array
    use: Any
    share: Floats
    group: Ints
    groups: int
    threads: int | None = None

    def __post_init__(self) -> None:
        count = self.values.shape[0]
        if self.use.shape[0] != count or self.share.shape != (count,) or self.group.shape != (count,):
            raise ValueError(
                f"one use, share and group per column expected: {self.values.shape}, {self.use.shape}, "
                f"{self.share.shape}, {self.group.shape}"
            )
        if count and not (self.share.min() > 0.0 and np.isfinite(self.share).all()):
            raise ValueError(
                "a share is not a number above 0; a column that takes nothing of its group's limit has no bound"
            )
        if count and not (self.group.min() >= 0 and self.group.max() < self.groups):
            raise ValueError(f"groups 0..{self.groups - 1} expected, got {self.group.min()}..{self.group.max()}")

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def reduced(self, weights: Floats, prices: Floats, rows: slice = slice(None), /, *, exact: bool = True) -> Floats:
        """Reduced values of a run of columns on the host, (n,): `values @ weights - use @ prices`."""
        if not (np.isfinite(weights).all() and np.isfinite(prices).all()):
            raise ValueError("a scenario weight or a price is not a number")
        values = self.values[rows]
        if isinstance(values, np.ndarray):
            found = _product(values, weights, exact=exact)
            found -= np.asarray(self.use[rows] @ prices)
            return found
        xp = array_namespace(values)
        # One product on the device; in `exact` the rows are widened in pieces, so that they fit.
        worth = [
            (
                (part.astype(xp.float64) if exact else part)
                @ xp.asarray(weights, dtype=xp.float64 if exact else part.dtype)
            )
            for part in (
                [values[at : at + 64 * WIDENED_ROWS] for at in range(0, len(values), 64 * WIDENED_ROWS)] if exact
                else [values]
            )
        ]
        return np.asarray(to_host(xp.concatenate(worth)), dtype=np.float64) - np.asarray(self.use[rows] @ prices)

    def price(
        self, weights: Floats, prices: Floats, /, *, most: int, above: float = 0.0, exact: bool = False,
        without: Ints | None = None
    ) -> Priced:
        """One pass over the pool: the best `most` columns of each group whose worth is more than `above`.

        exact: products in float64; else in the dtype of the values. without: columns that do not take part, in
        ascending order. Raises ValueError for NaN.
        """
        if most < 1:
            raise ValueError(f"at least one column of each group expected, got {most=}")

        def piece(rows: slice) -> tuple[Ints, Floats, Floats]:
            worth = self.reduced(weights, prices, rows, exact=exact) / self.share[rows]
            if not np.isfinite(worth).all():
                raise ValueError("a reduced value is not a number; look for NaN in the values or uses of the pool")
            if without is not None:
                worth[
                    without[np.searchsorted(without, rows.start) : np.searchsorted(without, rows.stop)] - rows.start
                ] = -np.inf
            group = self.group[rows]
            best = np.full(self.groups, -np.inf)
            np.maximum.at(best, group, worth)
            # What is below the best few of its group in this piece cannot be among those of the pool.
            chosen = np.flatnonzero(worth > above)
            kept = chosen[_first_of_groups(worth[chosen], group[chosen], most)]
            return kept + rows.start, worth[kept], best

        size = max(PIECE_BYTES // max(self.values.shape[1] * self.values.dtype.itemsize, 1), 1)
        threads = (self.threads or usable_cores()) if isinstance(self.values, np.ndarray) else 1
        size = size if isinstance(self.values, np.ndarray) else max(len(self), 1)
        parts = [found for _, found in over_pieces(piece, len(self), piece=size, threads=threads)]
        columns = np.concatenate([np.zeros(0, dtype=np.int64), *(part[0] for part in parts)])
        worth = np.concatenate([np.zeros(0), *(part[1] for part in parts)])
        best = np.max([np.full(self.groups, -np.inf), *(part[2] for part in parts)], axis=0)
        return self._table(columns, worth, best, most)

    def _table(self, columns: Ints, worth: Floats, best: Floats, most: int) -> Priced:
        kept = _first_of_groups(worth, self.group[columns], most)
        group = self.group[columns[kept]]
        rank = np.arange(len(kept)) - np.searchsorted(group, group, side="left")
        found, held = np.full((self.groups, most), -1, dtype=np.int64), np.zeros((self.groups, most))
        found[group, rank], held[group, rank] = columns[kept], worth[kept]
        return Priced(found, held, best)


def _product(values: npt.NDArray[Any], weights: Floats, *, exact: bool) -> Floats:
    if not exact or values.dtype == np.float64:
        return np.asarray(values @ weights.astype(values.dtype), dtype=np.float64)
    found = np.empty(len(values))
    wide = np.empty((min(WIDENED_ROWS, len(values)), values.shape[1]))
    for at in range(0, len(values), WIDENED_ROWS):
        part = values[at : at + WIDENED_ROWS]
        wide[: len(part)] = part
        found[at : at + len(part)] = wide[: len(part)] @ weights
    return found


def _first_of_groups(worth: Floats, group: Ints, most: int) -> Ints:
    """Places of the best `most` of each group, ordered by group, then best first, then lower number."""
    order = np.lexsort((-worth, group))
    ordered = group[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
    kept: Ints = order[rank < most]
    return kept


def sparse_rows(matrix: Any) -> sparse.csr_array:
    """A matrix as sparse rows with sorted columns and no repeats, as `PoolPricer` reads them fastest."""
    rows = sparse.csr_array(matrix)
    rows.sum_duplicates()
    rows.sort_indices()
    return rows
