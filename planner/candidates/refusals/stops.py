"""One limit that stops a lease at a site, in a planner's words, with the edits that would lift it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique

from planner.case.calendar import written_month

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

    what: its sentence, with {have} in place of a figure that differs from site to site; general: the same for several sites whose
    sentences differ in more than that. have, need: the figure of the limit and the one that the lease needs, in `unit` (a month number
    where that is "month"; NaN where it has none). edits: changes of the case that lift it, as `--set` takes them.
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


def figure(amount: float, unit: str) -> str:
    """A figure with its unit: 40 kW, 12,000 GPUs, 3.25 MW, 2028-04."""
    if unit == "month":
        return written_month(int(amount))
    size = f"{amount:,.0f}" if unit in ("GPUs", "units") or abs(amount) >= 1000.0 else f"{amount:.4g}"
    return f"{size} {unit}".strip()


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
