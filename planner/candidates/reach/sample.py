"""A case of so many sites, leases and SKUs of another, evenly chosen: to count on, and to see what fewer of them would
make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.candidates.lease_offers import lease_windows
from planner.candidates.outlook import Outlook
from planner.candidates.power_paths import power_paths
from planner.case.case import Case

KEYS = {"sites": "site_id", "leases": "lease_id", "gpus": "gpu_id"}
"""Tables that can be thinned out, and the column by which other tables speak of their rows."""
COUNTED = {"sites": 120, "leases": 400}
"""Rows on which candidates are counted; of more, as many evenly chosen ones stand for the rest."""
ROUGHLY = {"sites": 30, "leases": 80}
"""The same where one size is compared with another."""

PAIRS = 1_000_000
"""Windows of leases times power paths that are counted at most: fewer sites and leases where there are more."""


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
        known = pd.Index([*kept, ""], dtype=object)
        tables = {
            other: table[known.get_indexer(table[key].to_numpy(object)) >= 0] if key in table else table
            for other, table in tables.items()
        }
    return replace(case, tables=tables)


@dataclass(frozen=True)
class Sample:
    """An outlook over the sites and leases on which counts are taken, with the steps and windows of the whole case.

    sites, leases: what each of those counted stands for.
    """

    outlook: Outlook
    sites: float
    leases: float


def sample_of(outlook: Outlook, counted: Mapping[str, int]) -> Sample:
    """What counts of a case are taken on: the case itself, unless it is large or its leases may begin at many dates."""
    part = _part(outlook, counted)
    pairs = len(lease_windows(part)) * len(power_paths(part))
    if pairs > PAIRS:
        kept = (PAIRS / pairs) ** 0.5
        part = _part(outlook, {name: max(int(kept * len(part.tables[name])), 1) for name in counted})
    weight = {name: len(outlook.tables[name]) / max(len(part.tables[name]), 1) for name in ("sites", "leases")}
    return Sample(part, weight["sites"], weight["leases"])


def _part(outlook: Outlook, counted: Mapping[str, int]) -> Outlook:
    """The outlook over some sites and leases, at the steps and windows of all."""
    part = replace(outlook, case=thinned(outlook.case, counted))
    part.__dict__.update(steps=outlook.steps, windows=outlook.windows)  # where the cached properties look
    return part
