"""Months and quarters as they are written, YYYY-MM and YYYY-Qn, and as numbers of months since the year 0."""

from __future__ import annotations

import re

_MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
_QUARTER = re.compile(r"^(\d{4})-Q([1-4])$")


def month_number(written: str) -> int:
    """Months since the year 0 of a month written YYYY-MM; raises ValueError when it is not one."""
    match = _MONTH.match(written)
    if match is None:
        raise ValueError(f"{written!r} is not a month written YYYY-MM")
    return int(match[1]) * 12 + int(match[2]) - 1


def quarter_number(written: str) -> int:
    """Months since the year 0 of the first month of a quarter written YYYY-Qn; raises ValueError when it is not one."""
    match = _QUARTER.match(written)
    if match is None:
        raise ValueError(f"{written!r} is not a quarter written YYYY-Qn")
    return int(match[1]) * 12 + (int(match[2]) - 1) * 3


def written_month(number: int) -> str:
    """A month number as YYYY-MM."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def written_quarter(number: int) -> str:
    """The quarter that holds a month number, as YYYY-Qn."""
    return f"{number // 12:04d}-Q{number % 12 // 3 + 1}"
