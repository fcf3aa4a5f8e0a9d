"""How shares, months and money are written on the command line: one parser each, for every verb.

They are typer parsers: what cannot be read ends with exit code 2 and says how it is written. Their names are what
`--help` shows as the kind of value.
"""

from __future__ import annotations

import math
import re

import typer

from planner.case.written_dates import month_number, quarter_number, written_month

_MONEY = re.compile(
    r"^(?P<sign>-?\$?|\$-)\s*(?P<number>(\d[\d,_]*\.?\d*|\.\d+)(e[+-]?\d+)?)\s*(?P<scale>[kmb]?)$", re.IGNORECASE
)
_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


def share(written: str | float) -> float:
    """A share of 0 or more: 20%, or 0.2."""
    found = _fraction(written, f"{written!r} is not a share; write 20% or 0.2")
    if found < 0.0:
        raise typer.BadParameter(f"{written!r} is below 0; write a share such as 20% or 0.2")
    return found


def yearly(written: str | float) -> float:
    """A yearly rise or return, which may be below 0: 3%, or 0.03."""
    return _fraction(written, f"{written!r} is not a yearly rate; write 3% or 0.03")


def shares(written: str, option: str) -> list[float]:
    """Shares parted by commas, as given for an option: 0,50%,1."""
    try:
        return [share(part.strip()) for part in written.split(",")]
    except typer.BadParameter as refused:
        raise typer.BadParameter(f"{refused.message}; part shares by commas", param_hint=option) from None


def month(written: str) -> str:
    """A month as YYYY-MM, from 2027-10, or from 2027-Q4 for the first month of the quarter."""
    text = written.strip().upper()
    for number in (month_number, quarter_number):
        try:
            return written_month(number(text))
        except ValueError:
            continue
    raise typer.BadParameter(
        f"{written!r} is not a month; write 2027-10, or 2027-Q4 for the first month of that quarter"
    )


def money(written: str | float) -> float:
    """Dollars: 1.2B, 300M, $5k, -2.5e6 or 1,200,000."""
    if isinstance(written, (int, float)):
        return float(written)
    match = _MONEY.match(written.strip())
    if match is None:
        raise typer.BadParameter(f"{written!r} is not an amount of dollars; write 300M, 1.2B, $5k or 1200000")
    size = float(match["number"].replace(",", "").replace("_", "")) * _SCALES[match["scale"].lower()]
    return -size if "-" in match["sign"] else size


def rate(written: str | float) -> float:
    """Dollars a unit, 0 or more: 2.35, or $2.35."""
    found = money(written)
    if found < 0.0:
        raise typer.BadParameter(f"{written!r} is below 0; write dollars a unit such as 2.35")
    return found


def _fraction(written: str | float, why: str) -> float:
    """A finite number, of which per cent are hundredths."""
    text = str(written).strip()
    per_cent = text.endswith("%")
    try:
        found = float(text[:-1]) if per_cent else float(text)
    except ValueError:
        raise typer.BadParameter(why) from None
    if not math.isfinite(found):
        raise typer.BadParameter(why)
    # Read as written in hundredths, so that 20% and 0.2 are the same number.
    return (
        float(f"{text[:-1].strip()}e-2")
        if per_cent and "e" not in text.lower()
        else found / 100.0
        if per_cent
        else found
    )
