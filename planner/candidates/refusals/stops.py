"""One limit that stops a lease at a site, in a planner's words, with the edits that would lift it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique

from planner.case.written_dates import written_month

HAVE = "{have}"
"""Where the figure of a limit stands in its sentence."""


@unique
class StopKind(Enum):
    """What can stop a lease at a site; the value is a word for files."""

    BEYOND_HORIZON = "horizon"
    OVER = "ended before the start"
    REGION = "region"
    SITE_LIST = "sites allowed"
    LINK = "link"
    NOT_ACCEPTED = "SKU not accepted"
    RACK = "rack"
    NO_COOLING = "liquid cooling"
    CO2 = "CO2"
    NO_POWER = "no power"
    POWER_DATE = "date of power"
    POWER_TERM = "term of power"
    CURTAILED = "curtailed power"
    POWER_MW = "MW of power"
    GROUP = "shared substation"
    NO_HALL = "no halls"
    HALL_DATE = "date of halls"
    HALL_PACE = "pace of halls"
    HALL_MW = "MW of halls"
    COOLING_MW = "MW of liquid cooling"
    ORDER_LEAD = "order lead"
    SUPPLY = "supply of GPUs"
    LIFE = "life of GPUs"
    CLUSTER = "largest cluster"
    TIER = "units at the rate"


@dataclass(frozen=True)
class Stop:
    """A limit that has to be lifted, among others that are named beside it.

    what: its sentence, with {have} in place of a figure that differs from site to site; general: the same for several
    sites whose sentences differ in more than that. have, need: the figure of the limit and the one that the lease
    needs, in `unit` (a month number where that is "month"; NaN where it has none). edits: changes of the case that lift
    it, as `--set` takes them.
    """

    kind: StopKind
    what: str
    general: str = ""
    have: float = float("nan")
    need: float = float("nan")
    unit: str = ""
    edits: tuple[str, ...] = ()

    def __str__(self) -> str:
        return said(self.what, figure(self.have, self.unit))


def said(words: str, have: str) -> str:
    """A sentence with its figure; names in it may hold braces of their own."""
    return words.replace(HAVE, have)


def figure(amount: float, unit: str, *, beside: float | None = None) -> str:
    """A figure with its unit: 40 kW, 12,000 GPUs, 3.25 MW, 2028-04; with as many digits as tell it from the figure
    beside it."""
    if unit == "month":
        return written_month(int(amount))
    shown = _sized(amount, unit, 4)
    for digits in (6, 8, 10):
        if beside is None or beside == amount or shown != _sized(beside, unit, digits - 2):
            break
        shown = _sized(amount, unit, digits)
    return shown


def _sized(amount: float, unit: str, digits: int) -> str:
    whole = digits == 4 and (unit in ("GPUs", "units") or abs(amount) >= 1000.0)
    return f"{f'{amount:,.0f}' if whole else f'{amount:,.{digits}g}'} {unit}".strip()


def together(stops: Sequence[Stop]) -> str:
    """The sentence of one kind of limit that stops a lease at several sites: the least and the most of its figures."""
    first = stops[0]
    words = first.what if len({stop.what for stop in stops}) == 1 or not first.general else first.general
    if HAVE not in words:
        return words
    low, high = min(stop.have for stop in stops), max(stop.have for stop in stops)
    shown = figure(low, first.unit)
    if figure(high, first.unit) != shown:
        shown = f"{figure(low, first.unit if first.unit == 'month' else '')} to {figure(high, first.unit)}"
    return said(words, shown)


def in_brief(stops: Sequence[Stop]) -> str:
    """One kind of limit in a few words, where many stand beside it: 'MW of power 132.8 to 139.9 of 465'."""
    first = stops[0]
    have, need = _range([stop.have for stop in stops], first.unit), _range([stop.need for stop in stops], first.unit)
    if math.isnan(first.have) or math.isnan(first.need):
        return first.kind.value
    if first.unit == "month":
        return f"{first.kind.value} {have}, by {need}"
    return (
        f"{first.kind.value} {have}, at most {need}" if first.have > first.need
        else f"{first.kind.value} {have} of {need}"
    )


def _range(amounts: Sequence[float], unit: str) -> str:
    if any(math.isnan(amount) for amount in amounts):
        return ""
    bare = unit if unit in ("month", "kW", "kg") else ""
    low, high = figure(min(amounts), bare), figure(max(amounts), bare)
    return low if low == high else f"{low.removesuffix(bare if bare != 'month' else '').rstrip()} to {high}"
