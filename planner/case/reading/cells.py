"""One cell understood as its column declares it, or refused with the reason and the remedy."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata

from planner.case.schema import Column, ColumnType
from planner.case.written_dates import month_number, quarter_number

TYPE_NAMES = {
    ColumnType.NUMBER: "a number",
    ColumnType.WHOLE: "a whole number",
    ColumnType.FLAG: "yes or no",
    ColumnType.MONTH: "a month written YYYY-MM",
    ColumnType.QUARTER: "a quarter written YYYY-Qn",
    ColumnType.TEXT: "text",
    ColumnType.LIST: "names separated by ;",
}

Parsed = float | int | str | bool | None

LONGEST_TEXT = 200
LONGEST_NOTE = 2000
_GREATEST = 1e21
"""No price, size or sum of a case comes near it; products of larger numbers would overflow."""
_GREATEST_WHOLE = 2**53
_YEARS = (1970, 2200)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[,'\u2019 \u00a0\u202f][0-9]{3})+(?:\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9.]*,[0-9]+")
_NOT_A_NUMBER = {
    "nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "na", "n/a", "null", "none", "-", "--", "?",
    "tbd",
}
EXCEL_ERRORS = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)
_YES = {"yes": True, "true": True, "no": False, "false": False}
_BLANK_REMEDY = "leave the cell blank when there is no value"


class CellRefused(Exception):
    """A cell that cannot be read; `why` and `remedy` go into the fault."""

    def __init__(self, why: str, remedy: str) -> None:
        self.why, self.remedy = why, remedy
        super().__init__(f"{why}; {remedy}")


def parse_text(column: Column, written: str) -> Parsed:
    """The value of a cell written as text, None when it is blank; raises CellRefused."""
    text = written.strip()
    if not text:
        return None
    if text in EXCEL_ERRORS:
        raise CellRefused("an error of the spreadsheet, not a value", "mend the formula that it came from")
    match column.type:
        case ColumnType.NUMBER:
            return _number(text)
        case ColumnType.WHOLE:
            return _whole(_number(text), text)
        case ColumnType.FLAG:
            return _flag(text)
        case ColumnType.MONTH:
            return _month(text)
        case ColumnType.QUARTER:
            return _quarter(text)
        case ColumnType.LIST:
            return _list(column, text)
        case _:
            return _text(column, text)


def parse_value(column: Column, value: object) -> Parsed:
    """The value of a cell that has a type of its own (a workbook, TOML), None when blank; raises CellRefused."""
    if value is None:
        return None
    if isinstance(value, str):
        if column.type in (ColumnType.NUMBER, ColumnType.WHOLE) and _NUMBER.fullmatch(value.strip()):
            raise CellRefused(
                "a number kept as text", "turn it into a number (without quotes, or with a number format)"
            )
        return parse_text(column, value)
    if isinstance(value, bool):
        if column.type is ColumnType.FLAG:
            return value
        raise CellRefused(f"yes/no where {TYPE_NAMES[column.type]} belongs", f"write {TYPE_NAMES[column.type]}")
    if isinstance(value, (int, float)):
        return _native_number(column, value)
    if isinstance(value, (dt.datetime, dt.date)):
        return _native_date(column, value)
    raise CellRefused(f"not {TYPE_NAMES[column.type]}", f"write {TYPE_NAMES[column.type]}")


def _native_number(column: Column, value: int | float) -> Parsed:
    if isinstance(value, int) and abs(value) > _GREATEST_WHOLE:
        raise CellRefused("too large to be kept exactly", "check the number of digits and the unit")
    if not math.isfinite(value):
        raise CellRefused("not a finite number", _BLANK_REMEDY)
    if column.type is ColumnType.NUMBER:
        if abs(value) > _GREATEST:
            raise CellRefused("too large for a number", "check the number of digits and the exponent")
        return float(value)
    if column.type is ColumnType.WHOLE:
        return _whole(float(value), str(value))
    if column.type in (ColumnType.TEXT, ColumnType.LIST):
        return str(int(value)) if float(value).is_integer() else repr(value)
    remedy = "write yes or no" if column.type is ColumnType.FLAG else f"write {TYPE_NAMES[column.type]}, as text"
    raise CellRefused(f"a number where {TYPE_NAMES[column.type]} belongs", remedy)


def _native_date(column: Column, value: dt.datetime | dt.date) -> Parsed:
    if column.type is not ColumnType.MONTH:
        raise CellRefused(
            f"a date where {TYPE_NAMES[column.type]} belongs",
            f"write {TYPE_NAMES[column.type]}; format the cell as text or number",
        )
    midnight = not isinstance(value, dt.datetime) or value.time() == dt.time(0)
    if value.day != 1 or not midnight:
        raise CellRefused("a day, not a month", "give the month as YYYY-MM, or its first day")
    return _month(f"{value.year:04d}-{value.month:02d}")


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text):
        value = float(text)
        if abs(value) > _GREATEST:
            raise CellRefused("too large for a number", "check the number of digits and the exponent")
        if value == 0.0 and re.search("[1-9]", re.split("[eE]", text)[0]):
            raise CellRefused("too small for a number", "write 0, or check the exponent")
        return value
    if text.endswith("%"):
        share = text[:-1].strip()
        meant = f"write {float(share) / 100.0:.10g}" if _NUMBER.fullmatch(share) else "write it as a share"
        raise CellRefused("a percent sign is not read", meant)
    if _GROUPED.fullmatch(text):
        plain = re.sub(r"[^0-9.+-]", "", text)
        raise CellRefused(
            "a thousands separator, or a decimal comma", f"write {plain} if that is meant, with a point for decimals"
        )
    if _DECIMAL_COMMA.fullmatch(text):
        raise CellRefused("a decimal comma", f"write {text.replace('.', '').replace(',', '.')}, with a point")
    if text.casefold() in _NOT_A_NUMBER:
        raise CellRefused("not a finite number", _BLANK_REMEDY)
    if text.lstrip("+-")[:1] in "$€£" or text[-1:] in "$€£":
        raise CellRefused("a currency sign is not read", "write the bare number; all money is in US dollars")
    if "_" in text:
        raise CellRefused("an underscore within a number", "write digits only")
    raise CellRefused(
        "text where a number belongs", "write a plain number such as 12.5, in the unit of the column's name"
    )


def _whole(value: float, text: str) -> int:
    if abs(value) > _GREATEST_WHOLE:
        raise CellRefused("too large to be kept exactly", "check the number of digits and the unit")
    if not value.is_integer():
        raise CellRefused("not a whole number", f"write {math.floor(value)} or {math.ceil(value)}")
    return int(text) if text.lstrip("+-").isdecimal() else int(value)


def _flag(text: str) -> bool:
    known = _YES.get(text.casefold())
    if known is None:
        raise CellRefused("neither yes nor no", "write yes or no")
    return known


def _month(text: str) -> str:
    try:
        year = month_number(text) // 12
    except ValueError:
        raise CellRefused("not a month", "write it as YYYY-MM, for example 2027-04") from None
    return _within_years(text, year)


def _quarter(text: str) -> str:
    try:
        year = quarter_number(text) // 12
    except ValueError:
        raise CellRefused("not a quarter", "write it as YYYY-Qn, for example 2027-Q2") from None
    return _within_years(text, year)


def _within_years(text: str, year: int) -> str:
    if not text.isascii() or not _YEARS[0] <= year <= _YEARS[1]:
        raise CellRefused(f"a year outside {_YEARS[0]} to {_YEARS[1]}", "check the year")
    return text


def _list(column: Column, text: str) -> str:
    parts = [part.strip() for part in text.split(";")]
    if parts[-1] == "":
        parts.pop()
    if "" in parts or not parts:
        raise CellRefused("an empty name in the list", "separate the names by single semicolons")
    if "," in text:
        raise CellRefused("a comma in the list", "separate the names by semicolons")
    if len(set(parts)) < len(parts):
        raise CellRefused("a name stands twice in the list", "name each once")
    return _text(column, ";".join(parts))


def _text(column: Column, text: str) -> str:
    longest = LONGEST_NOTE if column.descriptive or column.type is ColumnType.LIST else LONGEST_TEXT
    if len(text) > longest:
        raise CellRefused(f"{len(text)} characters long", f"use at most {longest} characters")
    if text.isascii() and text.isprintable():
        return text
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise CellRefused(
                f"a character that cannot be seen (U+{ord(character):04X}) within the text", "type the text anew"
            )
        if category == "Zs" and character != " " and not column.descriptive:
            raise CellRefused(f"a special space (U+{ord(character):04X}) within the text", "use a plain space")
    return unicodedata.normalize("NFC", text)
