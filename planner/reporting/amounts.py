"""Figures in the words that a meeting uses: few digits, one unit each."""

from __future__ import annotations

import math
from collections.abc import Iterable

from planner.wording import fixed, percent

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
NOTHING = "–"


def dollars(usd: float | None) -> str:
    """Dollars with three digits: $9.14B, -$45.2M, $310; a dash for no value."""
    if usd is None or math.isnan(usd):
        return NOTHING
    if math.isinf(usd):
        return "∞" if usd > 0 else "-∞"
    sign, size = ("-" if usd < 0 else ""), abs(usd)
    for scale, letter in _SCALES:
        if size >= 0.9995 * scale:
            scaled = size / scale
            return f"{sign}${scaled:,.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f}{letter}"
    return f"{sign}${size:,.0f}" if size >= 0.5 else "$0"


def rate(usd: float | None) -> str:
    """A price per GPU-hour, kW-month or MWh: two decimals."""
    if usd is None or math.isnan(usd):
        return NOTHING
    text = fixed(usd, 2)
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"


def count(value: float | None) -> str:
    """Whole units: 373,970; a small amount with two digits."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 9.95 or float(value).is_integer() else f"{value:.2g}"


def megawatts(value: float | None) -> str:
    """MW: one decimal below 100."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 99.95 or abs(value - round(value)) < 0.005 else f"{value:,.1f}"


def share(value: float | None) -> str:
    """A share in per cent with one decimal."""
    return NOTHING if value is None or math.isnan(value) else percent(value)


def number(value: float | None) -> str:
    """A figure without a unit of its own: four digits."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.4g}"


def words(name: str) -> str:
    """A name of a vocabulary as words: fuel_cell is fuel cell."""
    return name.replace("_", " ")


def line_words(line: str, amounts: Iterable[float]) -> str:
    """A line of the statement in words, by its amounts: what a late supplier pays us is no penalty, but damages
    received."""
    if line != "penalties":
        return words(line)
    signs = {amount > 0.0 for amount in amounts if amount != 0.0}
    return {
        (True,): "damages received", (False, True): "damages received less penalties"
    }.get(tuple(sorted(signs)), "penalties")
