"""Rows as a struct of NumPy columns, and the few things done with them: choosing, pairing, joining on whole numbers,
stacking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.arrays import Ints

Column = npt.NDArray[Any]


class Columns:
    """Columns of one length, by name. A scalar stands for a column that is the same in every row."""

    def __init__(self, count: int | None = None, /, **columns: Any) -> None:
        if count is None:
            count = next(len(column) for column in columns.values() if np.ndim(column) == 1)
        self._count = count
        self._columns: dict[str, Column] = {name: _column(column, count) for name, column in columns.items()}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    def take(self, which: npt.ArrayLike) -> Columns:
        """Some rows: those at places, or those where a mask is true."""
        chosen = np.asarray(which)
        count = int(chosen.sum()) if chosen.dtype == bool else len(chosen)
        return Columns(count, **{name: column[chosen] for name, column in self._columns.items()})

    def having(self, **columns: Any) -> Columns:
        """The same rows with columns added or replaced."""
        return Columns(self._count, **{**self._columns, **columns})

    def only(self, *names: str) -> Columns:
        """The same rows with some columns."""
        return Columns(self._count, **{name: self._columns[name] for name in names})

    def with_each(self, **columns: Column) -> Columns:
        """Every row with every entry of some columns of one length: row by row, the entries in their order."""
        count = len(next(iter(columns.values())))
        left, right = np.repeat(np.arange(self._count), count), np.tile(np.arange(count), self._count)
        return self.take(left).having(**{name: np.asarray(column)[right] for name, column in columns.items()})

    def joined(self, other: Columns, on: str | tuple[str, ...]) -> Columns:
        """Pairs of rows that agree in columns of whole numbers, in the order of this one, then of the other."""
        names = (on,) if isinstance(on, str) else on
        left, right = matches([self[name] for name in names], [other[name] for name in names])
        added = {name: other[name][right] for name in other.names if name not in names}
        return self.take(left).having(**added)

    def sorted_by(self, *names: str) -> Columns:
        """The rows in the order of some columns, the first of them first; equal rows stay in their order."""
        return self.take(np.lexsort([self[name] for name in reversed(names)]))

    def frame(self) -> pd.DataFrame:
        """The rows as a table."""
        return pd.DataFrame(self._columns)


def _column(column: Any, count: int) -> Column:
    if np.ndim(column) == 1:
        found = np.asarray(column)
        assert len(found) == count, f"{len(found)} rows among {count}"
        return found
    return np.full(count, column, dtype=object if isinstance(column, str) else None)


def stacked(parts: Sequence[Columns]) -> Columns:
    """Rows one after another; the parts have the same columns."""
    if len(parts) == 1:
        return parts[0]
    return Columns(
        sum(map(len, parts)), **{name: np.concatenate([part[name] for part in parts]) for name in parts[0].names}
    )


def codes_of(columns: Sequence[Column]) -> tuple[Ints, Ints]:
    """Distinct rows of some columns: the number of its distinct row for each row, and the first row of each, in order
    of appearance."""
    count = len(columns[0])
    if not count:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    code = _ranked(columns[0])
    for column in columns[1:]:
        code = _ranked(code * (int((ranks := _ranked(column)).max()) + 1) + ranks)
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[code], first[order].astype(np.int64)


def _ranked(column: Column) -> Ints:
    """Small whole numbers in place of a column's values, equal where they are."""
    if column.dtype.kind in "iub":
        low, high = int(column.min()), int(column.max())
        if high - low < 1 << 24:
            return column.astype(np.int64) - low
    if column.dtype == object:
        numbers: dict[Any, int] = {}
        return np.array([numbers.setdefault(value, len(numbers)) for value in column.tolist()], dtype=np.int64)
    return np.unique(column, return_inverse=True)[1].astype(np.int64)


def matches(left: Sequence[Ints], right: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Places of the pairs of rows that agree in all columns of whole numbers: by the left, then by the right in its
    order."""
    ours, theirs = _shared_codes(left, right)
    order = np.argsort(theirs, kind="stable")
    ranked = theirs[order]
    first, last = np.searchsorted(ranked, ours), np.searchsorted(ranked, ours, side="right")
    count = last - first
    rows = np.repeat(np.arange(len(ours)), count)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return rows, order[np.repeat(first, count) + within]


def _shared_codes(left: Sequence[Ints], right: Sequence[Ints]) -> tuple[Ints, Ints]:
    count = len(left[0])
    if len(left) == 1:
        return left[0], right[0]
    both, _ = codes_of([np.concatenate([ours, theirs]) for ours, theirs in zip(left, right, strict=True)])
    return both[:count], both[count:]


def least_by(groups: Ints, values: Ints, count: int, start: int) -> Ints:
    """The least value of each group 0..count - 1, `start` where it has none."""
    found = np.full(count, start, dtype=np.int64)
    np.minimum.at(found, groups, values)
    return found


def greatest_by(groups: Ints, values: Ints, count: int, start: int) -> Ints:
    """The greatest value of each group 0..count - 1, `start` where it has none."""
    found = np.full(count, start, dtype=np.int64)
    np.maximum.at(found, groups, values)
    return found
