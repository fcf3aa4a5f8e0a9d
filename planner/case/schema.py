"""How a table of a case is declared: its columns, their types, units, ranges and meanings.

One declaration serves the reader, the fault report, the written documentation and `planner new`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ColumnType(Enum):
    """What a cell of a column holds."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    FLAG = "yes or no"
    MONTH = "month, YYYY-MM"
    QUARTER = "quarter, YYYY-Qn"
    LIST = "names separated by ;"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    `default` is what a blank cell means; `None` means that blank stays blank, which `blank` puts
    in words ("no limit"). `refers_to` is "table.column": every value must stand there.
    `scalar_of` names the scalar column that this curve column replaces: a row gives one of the
    two, never both. `descriptive` marks a column that moves no number (names, places, sources).
    """

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    required: bool = False
    default: float | int | str | bool | None = None
    blank: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    refers_to: str | None = None
    scalar_of: str | None = None
    descriptive: bool = False


@dataclass(frozen=True)
class Table:
    """One table of a case. `key` columns together name a row and may not repeat."""

    name: str
    meaning: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The declaration of the column called `name`; raises KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in the order in which they are written."""
        return tuple(column.name for column in self.columns)


def text(name: str, meaning: str, **options: object) -> Column:
    """A text column."""
    return Column(name, ColumnType.TEXT, meaning, **options)  # type: ignore[arg-type]


def number(name: str, unit: str, meaning: str, **options: object) -> Column:
    """A number column, never negative unless `minimum` says otherwise."""
    options.setdefault("minimum", 0.0)
    return Column(name, ColumnType.NUMBER, meaning, unit=unit, **options)  # type: ignore[arg-type]


def whole(name: str, unit: str, meaning: str, **options: object) -> Column:
    """A whole-number column, never negative unless `minimum` says otherwise."""
    options.setdefault("minimum", 0)
    return Column(name, ColumnType.WHOLE, meaning, unit=unit, **options)  # type: ignore[arg-type]


def share(name: str, meaning: str, **options: object) -> Column:
    """A number from 0 to 1."""
    options.setdefault("maximum", 1.0)
    return number(name, "share", meaning, **options)


def flag(name: str, meaning: str, **options: object) -> Column:
    """A yes/no column; a blank cell means no."""
    options.setdefault("default", False)
    return Column(name, ColumnType.FLAG, meaning, **options)  # type: ignore[arg-type]


def month(name: str, meaning: str, **options: object) -> Column:
    """A month, written YYYY-MM."""
    return Column(name, ColumnType.MONTH, meaning, unit="YYYY-MM", **options)  # type: ignore[arg-type]


def quarter(name: str, meaning: str, **options: object) -> Column:
    """A calendar quarter, written YYYY-Qn."""
    return Column(name, ColumnType.QUARTER, meaning, unit="YYYY-Qn", **options)  # type: ignore[arg-type]


def names(name: str, meaning: str, **options: object) -> Column:
    """Several names in one cell, separated by semicolons."""
    return Column(name, ColumnType.LIST, meaning, **options)  # type: ignore[arg-type]


def curve(scalar: str, meaning: str) -> Column:
    """The curve twin of a scalar column: `x_usd` may be given as a number or `x_curve` as a curve."""
    base = scalar
    for suffix in ("_usd_per_gpu_hour", "_usd_per_ph_day", "_usd_per_mmbtu", "_usd_per_mwh", "_usd"):
        if scalar.endswith(suffix):
            base = scalar[: -len(suffix)]
            break
    return Column(
        f"{base}_curve",
        ColumnType.TEXT,
        meaning,
        refers_to="curves.curve_id",
        scalar_of=scalar,
        blank="the scalar column holds in every month",
    )


SOURCE = Column("source", ColumnType.TEXT, "where the figures of this row come from, with a date", descriptive=True)
