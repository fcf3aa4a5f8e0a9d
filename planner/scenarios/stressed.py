"""Named stresses as futures of a plan that stands: what a stress does to the cash of the same candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from planner.candidates.outlook import Floats, Outlook
from planner.case.case import Case
from planner.case.edits import apply_stress

CARRIED: dict[str, tuple[str, ...]] = {
    "curves": ("value",),
    "market": ("usd_per_gpu_hour", "price_curve"),
    "mining": ("hashprice_usd_per_ph_day", "hashprice_curve", "joules_per_th"),
    "power": (
        "energised", "status", "delay_low_months", "delay_mode_months", "delay_high_months",
        "energy_usd_per_mwh", "energy_curve", "gas_usd_per_mmbtu", "gas_curve",
    ),
    "customers": ("rating", "default_rate_per_year", "recovery", "guarantor"),
    "leases": ("renewal_probability",),
}
"""Columns that reach the cash of a candidate through the outlook; any other is fixed when the candidates are made."""
CARRIED_SETTINGS = ("discount_rate", "relet_fraction")
UNSEEN = ("factors", "correlations", "stresses")
"""Tables that the outlook of one future does not read."""


@dataclass(frozen=True)
class StressedOutlook(Outlook):
    """The outlook of a stressed case, read by candidates that were made for the case without the stress."""

    def by_month(self, row: pd.Series, scalar: str, curve: str) -> Floats | None:
        """A scalar column or its curve twin by month; a candidate's own row of `power` gives way to the stressed one."""
        if "source_id" in row.index:
            table = self.case.tables["power"]
            row = table[(table["source_id"] == row["source_id"]) & (table["phase"] == row["phase"])].iloc[0]
        return super().by_month(row, scalar, curve)


@dataclass(frozen=True)
class Stresses:
    """Named stresses: their outlooks on the months of the base case, and why others cannot be had with a plan that stands."""

    outlooks: dict[str, Outlook]
    left_out: dict[str, str]


def stress_outlooks(base: Outlook) -> Stresses:
    """Each named stress of a case as one more future, of weight 0: an outlook that the same books can be read under.

    A stress that changes what a candidate is made of (a lease rate, a size, a limit, a capex) has no such outlook: it
    is left out with the reason. Plan under it, or score by `plan` with the stress, instead.
    """
    outlooks: dict[str, Outlook] = {}
    left_out: dict[str, str] = {}
    for name in dict.fromkeys(base.case.tables["stresses"]["stress"]):
        stressed = apply_stress(base.case, name)
        fixed = list(dict.fromkeys(_fixed(base.case, stressed)))
        if fixed:
            left_out[name] = f"it changes {', '.join(fixed)}: fixed when the candidates are made, so plan under the stress instead"
        else:
            outlooks[name] = StressedOutlook(stressed, base.base, base.tail, base.calendar, base.monthly_windows)
    return Stresses(outlooks, left_out)


def _fixed(case: Case, stressed: Case) -> Iterator[str]:
    """What a stress changes that the outlook does not carry."""
    for entry in fields(case.settings):
        if entry.name not in CARRIED_SETTINGS and getattr(case.settings, entry.name) != getattr(stressed.settings, entry.name):
            yield f"case.{entry.name}"
    for table, before in case.tables.items():
        after = stressed.tables[table]
        for column in before.columns if table not in UNSEEN else ():
            changed = ~((before[column] == after[column]) | (before[column].isna() & after[column].isna())).fillna(False).to_numpy(dtype=bool)
            if changed.any():
                yield from _not_carried(case, table, column, changed)


def _not_carried(case: Case, table: str, column: str, changed: np.ndarray) -> Iterator[str]:
    if column not in CARRIED.get(table, ()):
        yield f"{table}.{column}"
    elif table == "curves":
        gpus = case.tables["gpus"]
        for name in sorted(set(case.tables["curves"]["curve_id"][changed]) & set(gpus["capex_curve"])):
            yield f"curves.value[{name}], the price of GPUs"
    elif (table, column) == ("leases", "renewal_probability"):
        leases = case.tables["leases"]
        for name in leases["lease_id"][changed & (leases["renewal_probability"] == 0.0)]:
            yield f"leases.renewal_probability[{name}], of a lease without a next term"
