"""Named stresses as futures of a plan that stands: the same candidates, restated under each stress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Outlook
from planner.candidates.restated import HeldOutlook, Restated, restate
from planner.case.case import Case
from planner.case.edits import apply_stress
from planner.errors import PlannerError

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
"""Columns that reach the cash of a candidate through the outlook, so that its cash tables serve as they are."""
CARRIED_SETTINGS = ("discount_rate", "relet_fraction")
UNSEEN = ("factors", "correlations", "stresses")
"""Tables that the outlook of one future does not read."""


@dataclass(frozen=True)
class Stressed:
    """The candidates of a plan that stands under one stress.

    candidates: whose blocks and cash tables are valued under `outlook`; those of the base case if the stress reaches
    them through the outlook alone, else restated.
    """

    candidates: CandidateSet
    outlook: Outlook

    @property
    def restated(self) -> Restated | None:
        """The candidates restated, with use and limits of their own; None where those of the base case serve."""
        return self.candidates if isinstance(self.candidates, Restated) else None


@dataclass(frozen=True)
class Stresses:
    """Named stresses by name, and why others cannot be had with a plan that stands."""

    under: dict[str, Stressed]
    left_out: dict[str, str]


def stressed_candidates(candidates: CandidateSet) -> Stresses:
    """Each named stress of a case as one more future, of weight 0.

    Prices, energy, defaults and late power reach the candidates as they are; for any other change they are restated
    (see `candidates.restated`). A stress that asks for what no plan weighed, or for other months, is left out with the
    reason.
    """
    base = candidates.outlook
    under: dict[str, Stressed] = {}
    left_out: dict[str, str] = {}
    for name in dict.fromkeys(base.case.tables["stresses"]["stress"]):
        stressed = apply_stress(base.case, name)
        if not next(_not_carried(base.case, stressed), None):
            outlook = HeldOutlook(
                stressed, base.base, base.tail, base.calendar, base.monthly_windows, held=base, changed=stressed
            )
            under[name] = Stressed(candidates, outlook)
            continue
        try:
            restated = restate(candidates, stressed)
            under[name] = Stressed(restated, restated.outlook)
        except PlannerError as error:
            left_out[name] = str(error)
    return Stresses(under, left_out)


def _not_carried(case: Case, stressed: Case) -> Iterator[str]:
    """What a stress changes that the outlook alone does not carry."""
    for entry in fields(case.settings):
        if (
            entry.name not in CARRIED_SETTINGS
            and getattr(case.settings, entry.name) != getattr(stressed.settings, entry.name)
        ):
            yield f"case.{entry.name}"
    for table, before in case.tables.items():
        after = stressed.tables[table]
        for column in before.columns if after is not before and table not in UNSEEN else ():
            changed = ~(
                (before[column] == after[column]) | (before[column].isna() & after[column].isna())
            ).fillna(False).to_numpy(dtype=bool)
            if changed.any() and (column not in CARRIED.get(table, ()) or _fixed_at_birth(case, table, changed)):
                yield f"{table}.{column}"


def _fixed_at_birth(case: Case, table: str, changed: np.ndarray) -> bool:
    """Whether a column that is carried is also read once, when candidates are made: the price of GPUs from a curve."""
    return (
        table == "curves"
        and not set(case.tables["curves"]["curve_id"][changed]).isdisjoint(case.tables["gpus"]["capex_curve"])
    )
