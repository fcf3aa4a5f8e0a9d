"""What a case gives, typed but not yet checked, and how checks speak of its cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from planner.case.reading.frames import FIRST_ROW
from planner.case.settings import Settings
from planner.errors import Fault


@dataclass(frozen=True)
class Given:
    """Typed tables under check.

    `files[table]` is how faults call the place; `refused[table]` holds (line, column) of cells that
    were refused and so stand as blanks; `unread` names tables whose content is not known at all,
    `missing[table]` required columns that the file lacks, `doubtful[table]` columns with refused cells.
    """

    settings: Settings | None
    tables: Mapping[str, pd.DataFrame]
    files: Mapping[str, str]
    refused: Mapping[str, frozenset[tuple[int, str]]] = field(default_factory=dict)
    missing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    doubtful: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def known(self, table: str, column: str) -> bool:
        """Whether the content of a column is known, so that references into it can be judged."""
        lacking = self.missing.get(table, frozenset()) | self.doubtful.get(table, frozenset())
        return table not in self.unread and column not in lacking

    def is_refused(self, table: str, line: int, *columns: str) -> bool:
        """Whether one of these cells has been refused already."""
        refused = self.refused.get(table, frozenset())
        lacking = self.missing.get(table, frozenset())
        return any((line, column) in refused or column in lacking for column in columns)

    def fault(self, table: str, line: int, column: str, why: str, remedy: str) -> Fault:
        """A fault of the cell in a line of a table, with the value that stands there."""
        value = self.tables[table][column].iloc[line]
        return Fault(self.files[table], line + FIRST_ROW, column, shown(value), why, remedy)

    def faults_where(self, table: str, mask: pd.Series, column: str, why: str, remedy: str) -> Iterable[Fault]:
        """A fault of `column` in each line where the mask holds."""
        for line in np.flatnonzero(mask.fillna(False).to_numpy(dtype=bool)):
            if not self.is_refused(table, int(line), column):
                yield self.fault(table, int(line), column, why, remedy)


def shown(value: object) -> str:
    """A typed value as a person writes it: no decimals where there are none, nothing where blank."""
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if np.isnan(number):
            return ""
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(value)
