"""A case: its settings and its tables, checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from planner.case.checking.validate import Checked
from planner.case.settings import Settings
from planner.case.table_arrays import CaseArrays
from planner.case.tables import TABLES


@dataclass(frozen=True, repr=False)
class Case:
    """A checked case.

    `tables` holds one DataFrame for every declared table, in declared column order, empty where
    the case has none. Numbers are float64 with NaN where blank stays blank; whole numbers are Int64;
    flags are bool; text, months (YYYY-MM) and quarters (YYYY-Qn) are str, "" where blank; lists are
    the written text. Defaults have been filled in. Line i of a table stands in row i + 2 of its file
    (row 1 is the header), so that a figure can be traced back. `source_hash` is over the content, not
    the file format.
    """

    settings: Settings
    tables: dict[str, pd.DataFrame]
    source: str = ""
    source_hash: str = ""
    checked: Checked | None = field(default=None, repr=False, compare=False)
    """What the checks of some of these tables have read, so that a change is checked where it matters; None where none
    were made."""

    def __repr__(self) -> str:
        settings = self.settings
        rows = ", ".join(
            f"{len(self.tables[name])} in {name}" for name in ("sites", "power", "gpus", "leases")
            if name in self.tables
        )
        return f"<Case {settings.name!r} of {settings.months} months from {settings.start}: {rows}>"

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name in TABLES:
            return self.tables[name]
        raise AttributeError(f"a case has no table {name!r}")

    @cached_property
    def arrays(self) -> CaseArrays:
        """The tables as NumPy arrays, names as rows of the tables that they refer to."""
        return CaseArrays(self.tables)

    def with_column(self, table: str, column: str, values: pd.Series) -> Case:
        """The same case with one column of one table replaced."""
        tables = {**self.tables, table: self.tables[table].assign(**{column: values})}
        found = replace(self, tables=tables)
        found.__dict__["arrays"] = self.arrays.with_column(table, column, tables)
        return found

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: arrays are made there again."""
        return {name: value for name, value in self.__dict__.items() if name != "arrays"}

    def with_table(self, name: str, table: pd.DataFrame) -> Case:
        """The same case with one table replaced."""
        return replace(self, tables={**self.tables, name: table})
