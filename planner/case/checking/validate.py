"""What every table must obey by its declaration: ranges, choices, keys, references, and one of a scalar and its
curve."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd

from planner.case.checking.cross_checks import CROSS_CHECKS
from planner.case.checking.watched import Cell, WatchedTables
from planner.case.reading.given import Given, shown
from planner.case.reading.settings_file import range_faults
from planner.case.reading.sizes import MOST_FAULTS, first_faults, more_faults
from planner.case.schema import Column, ColumnType, Table
from planner.case.tables import TABLES
from planner.did_you_mean import remedy_for
from planner.errors import Fault

ONE_OF_TWO_REQUIRED = {("gpus", "capex_usd"), ("market", "usd_per_gpu_hour"), ("mining", "hashprice_usd_per_ph_day")}
_RESERVED = "[];:=*\""
_FORMULA = ("+", "-", "@")
"""Results hold names too, and are opened in spreadsheets."""


@dataclass(frozen=True, eq=False)
class Checked:
    """What was found of some tables: their faults, and what each check read of them.

    tables: the frames that were checked; a frame that is another one has changed. reads: columns read, by check.
    """

    tables: Mapping[str, pd.DataFrame]
    faults: tuple[Fault, ...]
    reads: Mapping[str, frozenset[Cell]]


def validate(given: Given) -> list[Fault]:
    """Every fault of the typed tables, table by table and row by row; cells refused before are not judged again."""
    return list(check(given).faults)


def check(given: Given, before: Checked | None = None, changed: Collection[Cell] = ()) -> Checked:
    """Every fault, and what each check has read.

    before: of tables without a fault, of which some columns have `changed`, or whole frames: then only checks that read
    one of those are asked again, as the others say what they said.
    """
    moved = set(changed)
    if before is not None:
        other = [
            name for name, frame in given.tables.items()
            if frame is not before.tables[name] and not any(table == name for table, _ in moved)
        ]
        moved |= {(name, column) for name in other for column in TABLES[name].column_names}
    tables = WatchedTables(given.tables)
    watched = replace(given, tables=tables)
    reads = {} if before is None else dict(before.reads)

    def asked(name: str, ask: Callable[[Given], Iterable[Fault]]) -> Iterator[Fault]:
        if before is None or not reads[name].isdisjoint(moved):
            tables.read.clear()
            found = list(ask(watched))
            reads[name] = frozenset(tables.read)
            yield from found

    faults: list[Fault] = []
    for table, checks in _TABLE_CHECKS.items():
        found: list[Fault] = []
        if len(given.tables[table]):
            found += first_faults(chain.from_iterable(asked(name, ask) for name, ask in checks), 0)
            if len(found) == MOST_FAULTS:
                found.append(more_faults(given.files[table]))
        elif before is None:  # what they would read, as rows may come
            whole = frozenset((table, column) for column in TABLES[table].column_names)
            reads |= dict.fromkeys((name for name, _ in checks), whole)
        faults += sorted(found, key=lambda fault: fault.row or 0)
    # Where a table is broken throughout, checks between tables say nothing more, and take long to say it.
    if len(faults) <= MOST_FAULTS:
        for each in CROSS_CHECKS:
            faults += asked(each.__qualname__, each)
    return Checked(dict(given.tables), tuple(faults), reads)


def _range(given: Given, table: Table, column: Column) -> Iterator[Fault]:
    """minimum <= value <= maximum and value > above, where declared."""
    values = given.tables[table.name][column.name].to_numpy(dtype=float, na_value=np.nan)
    low = -np.inf if column.minimum is None else column.minimum
    high = np.inf if column.maximum is None else column.maximum
    above = -np.inf if column.above is None else column.above
    with np.errstate(invalid="ignore"):
        outside = (values < low) | (values > high) | ((values <= above) & np.isfinite(above)) | np.isinf(values)
    for line in np.flatnonzero(outside):
        reasons = (
            list(range_faults(column, float(values[line])))
            or [("not a finite number", "leave the cell blank when there is no value")]
        )
        for why, remedy in reasons:
            yield given.fault(table.name, int(line), column.name, why, remedy)


def _choices(given: Given, table: Table, column: Column) -> Iterator[Fault]:
    """The value is one of the declared choices."""
    for line, value in enumerate(given.tables[table.name][column.name].tolist()):
        if value and value not in column.choices:
            yield given.fault(
                table.name, line, column.name, "not one of the choices", remedy_for(value, column.choices)
            )


def _references(given: Given, table: Table, column: Column) -> Iterator[Fault]:
    """Every name stands in the table and column that it refers to."""
    assert column.refers_to is not None
    other, _, key = column.refers_to.partition(".")
    if not given.known(other, key):
        return
    known = list(dict.fromkeys(given.tables[other][key].tolist()))
    known_set = set(known)
    for line, value in enumerate(given.tables[table.name][column.name].tolist()):
        names = value.split(";") if column.type is ColumnType.LIST else [value]
        for name in names:
            if name and name not in known_set:
                remedy = remedy_for(
                    name, known, none_known=f"the case has no {other}; add a row to {other}, or leave this out"
                )
                if "did you mean" not in remedy and known:
                    remedy += f", or add a row to {other}"
                fault = given.fault(table.name, line, column.name, f"{other} has no {key} {name!r}", remedy)
                yield Fault(fault.file, fault.row, fault.column, name, fault.why, fault.remedy)


def _scalar_and_curve(given: Given, table: Table, column: Column) -> Iterator[Fault]:
    """A scalar and the curve that replaces it: never both, and at least one where a price is needed."""
    assert column.scalar_of is not None
    frame = given.tables[table.name]
    scalar = frame[column.scalar_of].notna().to_numpy()
    curve = (frame[column.name] != "").to_numpy()
    for line in np.flatnonzero(scalar & curve):
        yield given.fault(
            table.name, int(line), column.name, f"both {column.scalar_of} and {column.name} are given",
            "keep one of the two and leave the other blank",
        )
    if (table.name, column.scalar_of) in ONE_OF_TWO_REQUIRED:
        for line in np.flatnonzero(~scalar & ~curve):
            if not given.is_refused(table.name, int(line), column.scalar_of, column.name):
                unit = table.column(column.scalar_of).unit
                yield given.fault(
                    table.name, int(line), column.scalar_of, f"neither {column.scalar_of} nor {column.name} is given",
                    f"give one of the two ({unit})",
                )


def is_identifier(table: Table, column: Column) -> bool:
    """Whether the column names things that other tables, edits and results speak of."""
    return (
        column.type is ColumnType.TEXT and column.name in table.key and column.name != "target" and not column.choices
        and column.refers_to is None
    )


def _identifiers(given: Given, table: Table) -> Iterator[Fault]:
    """Names hold no character that means something in a list or in an edit."""
    for column in table.columns:
        if not is_identifier(table, column):
            continue
        for line, value in enumerate(given.tables[table.name][column.name].tolist()):
            found = next((character for character in _RESERVED if character in value), None)
            if found is not None:
                yield given.fault(
                    table.name, line, column.name, f"a name may not hold {found}",
                    "use letters, digits, spaces, - _ . /",
                )
            elif value.startswith(_FORMULA):
                yield given.fault(
                    table.name, line, column.name,
                    f"a name may not begin with {value[0]}, which a spreadsheet takes for a formula",
                    "begin with a letter or a digit",
                )


def _repeated_keys(given: Given, table: Table) -> Iterator[Fault]:
    """The key columns together name one row."""
    if any(name in given.missing.get(table.name, frozenset()) for name in table.key):
        return
    frame = given.tables[table.name]
    keys = list(zip(*(frame[name].tolist() for name in table.key), strict=True))
    if len(set(keys)) == len(keys):
        return
    first: dict[tuple[str, ...], int] = {}
    for line, key in enumerate(keys):
        if given.is_refused(table.name, line, *table.key) or any(pd.isna(part) for part in key):
            continue
        written = tuple(shown(part) for part in key)
        if written in first:
            named = " and ".join(table.key)
            fault = given.fault(
                table.name, line, table.key[0], f"the same {named} as in row {first[written] + 2}",
                f"{table.row} stands once; remove or rename one",
            )
            yield Fault(
                fault.file, fault.row, fault.column, " : ".join(part for part in written if part), fault.why,
                fault.remedy,
            )
        else:
            first[written] = line


def _table_checks(table: Table) -> list[tuple[str, Callable[[Given], Iterable[Fault]]]]:
    """What a table must obey by itself, each with a name."""

    def of_column(
        ask: Callable[[Given, Table, Column], Iterator[Fault]], column: Column
    ) -> Callable[[Given], Iterator[Fault]]:
        return lambda given: ask(given, table, column)

    applies: list[tuple[Callable[[Given, Table, Column], Iterator[Fault]], Callable[[Column], bool]]] = [
        (_range, lambda column: column.type in (ColumnType.NUMBER, ColumnType.WHOLE)),
        (_choices, lambda column: bool(column.choices)),
        (_references, lambda column: column.refers_to is not None),
        (_scalar_and_curve, lambda column: column.scalar_of is not None),
    ]
    found: list[tuple[str, Callable[[Given], Iterable[Fault]]]] = [
        (f"{ask.__name__} {table.name}.{column.name}", of_column(ask, column))
        for column in table.columns
        for ask, applicable in applies
        if applicable(column)
    ]
    return [
        *found, (f"identifiers {table.name}", partial(_identifiers, table=table)),
        (f"keys {table.name}", partial(_repeated_keys, table=table)),
    ]


_TABLE_CHECKS = {name: _table_checks(table) for name, table in TABLES.items()}
