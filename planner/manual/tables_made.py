"""Parts of pages that are made from declarations: the columns of a case, and those of the files of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from planner.case.schema import Column
from planner.case.settings import ASSET_CLASSES, DEFAULT_DEPRECIATION, DEPRECIATION, SETTINGS
from planner.case.tables import TABLES
from planner.case.writing.format_page import allowed, when_blank
from planner.storage.schemas import FILES


def case_columns() -> str:
    """Every setting and every table of a case, a row for each column."""
    lines = ["## case: settings", "", *_declared(SETTINGS)]
    for asset in ASSET_CLASSES:
        standard = DEFAULT_DEPRECIATION[asset]
        defaults = f"{standard.method}, years {standard.years:g}, bonus_share {standard.bonus_share:g}"
        left_out = f"Where the whole table is left out: {defaults}."
        lines += ["", f"### depreciation.{asset}", "", left_out, "", *_declared(DEPRECIATION)]
    for table in TABLES.values():
        key = " and ".join(f"`{name}`" for name in table.key)
        row = f"One row is {table.row}. {table.meaning} Rows are named by {key}."
        lines += ["", f"## {table.name}", "", row, "", *_declared(table.columns)]
    return "\n".join(lines)


def case_words() -> str:
    """Every column of a case by its name, with its tables and unit."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for place, columns in _case():
        for column in columns:
            found.setdefault((column.name, _unit(column), column.meaning), []).append(place)
    rows = sorted((name, ", ".join(places), unit, meaning) for (name, unit, meaning), places in found.items())
    return "\n".join(_table(("column", "of", "unit", "meaning"), rows))


def result_words() -> str:
    """Every column of the files of results, file by file, with its unit."""
    lines: list[str] = []
    for file in FILES:
        lines += ["", f"### {file.name} of `planner {file.verb}`", "", f"One row is {file.row}.", ""]
        rows = [(column.name, column.unit, column.meaning) for column in file.columns]
        lines += _table(("column", "unit", "meaning"), rows)
    return "\n".join(lines[1:])


MADE: dict[str, Callable[[], str]] = {
    "columns of a case": case_columns,
    "words of a case": case_words,
    "words of results": result_words,
}
"""What a page may ask for, by name."""


def _case() -> Iterable[tuple[str, tuple[Column, ...]]]:
    yield "case", SETTINGS
    yield "depreciation", DEPRECIATION
    for table in TABLES.values():
        yield table.name, table.columns


def _unit(column: Column) -> str:
    return column.unit or column.type.value


def _declared(columns: tuple[Column, ...]) -> list[str]:
    rows = [(column.name, _unit(column), column.meaning, when_blank(column), allowed(column)) for column in columns]
    return _table(("column", "unit", "meaning", "when blank", "allowed"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table; the first cell of each row is a name as it is written in files."""
    shown = [[f"`{row[0]}`", *(_plain(cell) for cell in row[1:])] for row in rows]
    lines = [heads, ["---"] * len(heads), *shown]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _plain(cell: str) -> str:
    for sign in "\\|*<[`":
        cell = cell.replace(sign, f"\\{sign}")
    return cell
