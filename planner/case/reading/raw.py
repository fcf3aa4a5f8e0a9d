"""A case as it stands in its files, before any cell has been understood."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.errors import Fault


@dataclass(frozen=True)
class RawTable:
    """The cells of one table: text from a CSV file, native values from a sheet.

    `header` holds the column names as written; `rows[i]` stands in row i + 2 of the file and is as
    long as the header. `file` is how faults call the place.
    """

    name: str
    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class RawSetting:
    """One setting as written: its dotted key, its native value and the row that it stands in."""

    key: str
    value: object
    row: int | None


@dataclass(frozen=True)
class RawCase:
    """All tables and settings of a case as written, with the faults of the files themselves.

    `unread` names the declared tables that stand in the files but could not be read, so that
    references to them are not reported on top.
    """

    source: str
    settings_file: str
    settings: tuple[RawSetting, ...]
    tables: dict[str, RawTable]
    faults: tuple[Fault, ...] = ()
    settings_read: bool = True
    unread: frozenset[str] = field(default_factory=frozenset)
