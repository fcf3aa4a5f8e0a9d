"""The tables of a case as NumPy arrays: each column made once, and names as rows of the table that they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import Flags, Floats, Ints, Texts
from planner.case.reading.given import shown
from planner.case.schema import ColumnType, Table
from planner.case.tables import TABLES

NO_ROW = -1
"""In place of a row where a name is blank, or stands in no row."""


class TableArrays:
    """The columns of one table; all of shape (rows,), in the order of the table, not to be written on."""

    def __init__(self, declared: Table, frame: pd.DataFrame, tables: CaseArrays) -> None:
        self._declared, self._frame, self._tables = declared, frame, tables
        self._kept: dict[tuple[str, str], Any] = {}

    def __len__(self) -> int:
        return len(self._frame)

    def floats(self, name: str) -> Floats:
        """A column of numbers, NaN where blank."""
        return self._once("floats", name, lambda column: column.to_numpy(np.float64, na_value=np.nan))

    def ints(self, name: str, blank: int = 0) -> Ints:
        """A column of whole numbers, `blank` where blank."""
        return self._once(f"ints {blank}", name, lambda column: column.to_numpy(np.int64, na_value=blank))

    def texts(self, name: str) -> Texts:
        """A column of text, "" where blank."""
        return self._once("texts", name, lambda column: column.to_numpy(object))

    def flags(self, name: str) -> Flags:
        """A column of yes or no."""
        return self._once("flags", name, lambda column: column.to_numpy(bool))

    def given(self, name: str) -> Flags:
        """Where a column of numbers is not blank."""
        return ~np.isnan(self.floats(name))

    def rows_of(self, name: str) -> Ints:
        """Rows of the table that a column refers to, NO_ROW where blank."""
        refers_to = self._declared.column(name).refers_to
        assert refers_to is not None, f"{self._declared.name}.{name} refers to no table"
        target, key = refers_to.split(".")
        number = self._tables[target].number_of(key)
        return self._once(
            "rows", name, lambda _: np.array([number.get(cell, NO_ROW) for cell in self.texts(name)], dtype=np.int64)
        )

    def number_of(self, name: str) -> Mapping[str, int]:
        """The first row of each text of a column."""
        return self._once(
            "numbers", name, lambda _: {cell: row for row, cell in reversed(list(enumerate(self.texts(name))))}
        )

    def written(self, name: str) -> list[str]:
        """A column as a person writes it."""
        return self._once("written", name, lambda column: [shown(value) for value in column.tolist()])

    @cached_property
    def written_keys(self) -> list[tuple[str, ...]]:
        """The key of each row as a person writes it."""
        return list(zip(*(self.written(name) for name in self._declared.key), strict=True))

    def with_column(self, name: str, frame: pd.DataFrame, tables: CaseArrays) -> TableArrays:
        """The same table with another column; what was made of the others is kept."""
        found = TableArrays(self._declared, frame, tables)
        found._kept = {key: kept for key, kept in self._kept.items() if key[1] != name}
        if name not in self._declared.key and "written_keys" in self.__dict__:
            found.__dict__["written_keys"] = self.written_keys
        return found

    def record(self, row: int) -> dict[str, Any]:
        """One row: numbers as float (NaN where blank), text, months and lists as str, flags as bool."""
        return {column.name: self._cells(column.name, column.type)[row] for column in self._declared.columns}

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """All rows, each as `record` gives it."""
        return [self.record(row) for row in range(len(self))]

    def _cells(self, name: str, kind: ColumnType) -> list[Any]:
        """A column as plain Python values."""
        read = (
            self.flags if kind is ColumnType.FLAG else self.floats if kind in (ColumnType.NUMBER, ColumnType.WHOLE)
            else self.texts
        )
        return self._once("cells", name, lambda _: read(name).tolist())

    def _once(self, sort: str, name: str, make: Any) -> Any:
        kept = self._kept.get((sort, name))
        if kept is None:
            kept = self._kept[sort, name] = make(self._frame[name])
        return kept


class CaseArrays:
    """The tables of a case by name, as arrays."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self._made = {
            name: TableArrays(declared, tables[name], self) for name, declared in TABLES.items() if name in tables
        }

    def with_column(self, table: str, column: str, tables: Mapping[str, pd.DataFrame]) -> CaseArrays:
        """The arrays of tables of which one column of one table is another; what does not depend on it is kept."""
        if column in TABLES[table].key:
            return CaseArrays(tables)
        found = CaseArrays({})
        found._made = {**self._made, table: self._made[table].with_column(column, tables[table], found)}
        return found

    def __getitem__(self, name: str) -> TableArrays:
        return self._made[name]
