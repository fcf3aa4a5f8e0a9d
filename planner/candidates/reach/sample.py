"""A case of so many sites, leases and SKUs of another, evenly chosen: to count on, and to see what fewer of them would
make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import Ints
from planner.candidates.outlook import Outlook
from planner.case.case import Case

KEYS = {"sites": "site_id", "leases": "lease_id", "gpus": "gpu_id"}
"""Tables that can be thinned out, and the column by which other tables speak of their rows."""
COUNTED = {"sites": 120, "leases": 400}
"""Rows on which the ways to serve leases are counted; of more, as many evenly chosen ones stand for the rest."""
ROUGHLY = {"sites": 30, "leases": 80}
"""The same where one size is compared with another."""


def thinned(case: Case, most: Mapping[str, int]) -> Case:
    """The case with at most so many rows of some of the tables KEYS, evenly chosen, and of other tables what speaks of
    those left.

    It is good for counting alone: it need not hold together as a case.
    """
    tables = dict(case.tables)
    for name, count in most.items():
        rows = case.tables[name]
        if len(rows) <= count:
            continue
        key = KEYS[name]
        kept = rows[key].iloc[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]
        known = {*kept, ""}
        tables = {other: table[table[key].isin(known)] if key in table else table for other, table in tables.items()}
    return replace(case, tables=tables)


@dataclass(frozen=True)
class Sample:
    """An outlook over the sites and leases on which counts are taken, with the dates of the whole case.

    sites, leases: what each of those counted stands for. steps, endings, windows: months, as in the whole outlook.
    """

    outlook: Outlook
    steps: Ints
    endings: Ints
    windows: tuple[Ints, Ints]
    sites: float
    leases: float


def sample_of(outlook: Outlook, counted: Mapping[str, int]) -> Sample:
    """What counts of a case are taken on: the case itself, unless it is large."""
    case = outlook.case
    fewer = thinned(case, counted)
    weight = {name: len(case.tables[name]) / max(len(fewer.tables[name]), 1) for name in counted}
    starts, ends = (outlook.windows[name] for name in ("from_month", "to_month"))
    endings = outlook.endings[outlook.endings < outlook.last_month]
    return Sample(
        replace(outlook, case=fewer), outlook.steps, endings, (starts, ends), weight["sites"], weight["leases"]
    )
