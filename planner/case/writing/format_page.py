"""The format of a case in words, from the declarations of its tables and settings."""

from __future__ import annotations

from planner.case.schema import Column, Table
from planner.case.settings import ASSET_CLASSES, DEFAULT_DEPRECIATION, DEPRECIATION, SETTINGS
from planner.case.tables import TABLES

_RULES = """\
A case is this folder (case.toml and one CSV file for each table), or one workbook with a sheet for each table and a
sheet `case` of settings; the two hold the same. Only what the case needs must be there: a table or column left out
means none, a blank cell means what the column 'when blank' says. Numbers are plain, with a point for decimals and
without thousands separators, percent or currency signs; shares run from 0 to 1; months are written YYYY-MM, quarters
YYYY-Qn, several names in one cell a;b. A value and its curve are never given together. `planner check` says all that
is wrong.
"""


def when_blank(column: Column) -> str:
    """What a blank cell of the column means."""
    if column.required:
        return "required"
    if column.blank:
        return column.blank
    if isinstance(column.default, bool):
        return "yes" if column.default else "no"
    if column.default in (None, ""):
        return "none"
    return f"{column.default:g}" if isinstance(column.default, (int, float)) else str(column.default)


def allowed(column: Column) -> str:
    """The range, the choices or the table that values of the column come from."""
    parts = []
    if column.choices:
        parts.append(" / ".join(column.choices))
    if column.above is not None:
        parts.append(f"above {column.above:g}")
    elif column.minimum is not None:
        parts.append(f"at least {column.minimum:g}")
    if column.maximum is not None:
        parts.append(f"at most {column.maximum:g}")
    if column.refers_to is not None:
        parts.append(f"a {column.refers_to}")
    if column.scalar_of is not None:
        parts.append(f"in place of {column.scalar_of}")
    return ", ".join(parts)


def column_note(column: Column) -> str:
    """Meaning, type, unit, range and default of a column in a few lines."""
    lines = [column.meaning, f"type: {column.type.value}"]
    if column.unit and column.unit != column.type.value:
        lines.append(f"unit: {column.unit}")
    if allowed(column):
        lines.append(f"allowed: {allowed(column)}")
    lines.append(when_blank(column) if column.required else f"when blank: {when_blank(column)}")
    return "\n".join(lines)


def format_page() -> str:
    """The whole format as a page of Markdown: the rules, the settings and every table with its columns."""
    lines = ["# What a case holds", "", _RULES, "## case: settings", ""]
    lines += _columns(SETTINGS)
    for asset in ASSET_CLASSES:
        standard = DEFAULT_DEPRECIATION[asset]
        defaults = f"{standard.method}, years {standard.years:g}, bonus_share {standard.bonus_share:g}"
        lines += ["", f"### depreciation.{asset} (keys left out: {defaults})", ""]
        lines += [
            f"- `{column.name}`: {column.meaning}" + (f" ({allowed(column)})" if allowed(column) else "")
            for column in DEPRECIATION
        ]
    for table in TABLES.values():
        lines += ["", *_table(table)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    key = " and ".join(f"`{name}`" for name in table.key)
    return [
        f"## {table.name}: one row is {table.row}", "", f"{table.meaning} Rows are named by {key}.", "",
        *_columns(table.columns),
    ]


def _columns(columns: tuple[Column, ...]) -> list[str]:
    lines = ["| column | type | unit | when blank | allowed | meaning |", "|---|---|---|---|---|---|"]
    for column in columns:
        cells = (
            f"`{column.name}`", column.type.value, column.unit, when_blank(column), allowed(column), column.meaning
        )
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return lines
