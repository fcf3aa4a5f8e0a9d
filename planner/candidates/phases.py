"""Phases of power as the case gives them: dates, sizes, steps and fees, each of shape (phases,) in the order of the
table `power`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import Flags, Floats, Ints
from planner.candidates.names import joined
from planner.candidates.outlook import Outlook
from planner.case.delays import uncommitted_phases


def phase_names(power: pd.DataFrame) -> list[str]:
    """Names of phases as SOURCE:PHASE, one per row of `power`."""
    return joined(power["source_id"], power["phase"])


def phase_table(outlook: Outlook) -> pd.DataFrame:
    """Rows of `power` with their name, number, base energisation and end, for tables that people read."""
    power = outlook.case.tables["power"].copy()
    power["phase_name"] = pd.Series(phase_names(power), index=power.index, dtype=object).astype(str)
    power["phase_number"] = np.arange(len(power))
    power["first_power"] = outlook.first_power
    power["energised_month"] = outlook.energised
    power["end_month"] = outlook.power_end
    return power


def more_power(row: Any, more: str) -> list[str]:
    """Changes of the case by which a phase guarantees more MW: its plant grows with it, and what is contracted whole
    stays whole."""
    columns = [
        "guaranteed_mw", *(["installed_mw"] if pd.notna(row.installed_mw) else []),
        *(["committed_mw"] if row.lumpy and row.committed_mw > 0 else []),
    ]
    return [f"power.{column}[{row.phase_name}]+={more}" for column in columns]


# --- sizes -------------------------------------------------------------------------------------------------------


def step_mw(outlook: Outlook) -> Floats:
    """MW in which what is not contracted yet of each phase can be had: all of it if lumpy, a step; NaN for any
    amount."""
    power = outlook.tables["power"]
    rest = power.floats("guaranteed_mw") - power.floats("committed_mw")
    return np.where(power.flags("lumpy"), rest, power.floats("step_mw"))


def counted_in_steps(outlook: Outlook) -> Flags:
    """Phases whose candidate is counted in whole steps: those of which no odd amount is contracted already."""
    power = outlook.tables["power"]
    return (power.flags("lumpy") | power.given("step_mw")) & (power.floats("committed_mw") == 0.0)


def unit_mw(outlook: Outlook) -> Floats:
    """MW of one unit of each phase's candidate: the whole phase if lumpy, a step, or 1 MW.

    A phase of which MW are contracted already is counted in MW: they are a fact, and the rest comes on top of them in
    whole steps (see `phase_limits`).
    """
    return np.where(counted_in_steps(outlook), step_mw(outlook), 1.0)


def installed_share(outlook: Outlook) -> Floats:
    """MW installed for each MW guaranteed."""
    power = outlook.tables["power"]
    guaranteed, installed = power.floats("guaranteed_mw"), power.floats("installed_mw")
    return np.where(np.isnan(installed), guaranteed, installed) / guaranteed


# --- dates -------------------------------------------------------------------------------------------------------


def to_be_paid(outlook: Outlook) -> Flags:
    """Phases whose capex and upfront charges still lie ahead."""
    found: Flags = outlook.tables["power"].texts("status") != "energised"
    return found


def sign_months(outlook: Outlook) -> Ints:
    """Month by which MW of each phase have to be signed: its lead before its promise, at the start where that is
    past."""
    return np.maximum(outlook.promised - outlook.tables["power"].ints("lead_months"), 0)


def commit_months(outlook: Outlook) -> Ints:
    """Month of the first commitment to each phase: when it has to be signed, or the start where MW are contracted
    already."""
    return np.where(outlook.tables["power"].floats("committed_mw") > 0.0, 0, sign_months(outlook))


def charges(outlook: Outlook) -> tuple[Ints, Ints]:
    """Month before which capex and upfront of each phase are spread, and over how many months.

    Over its lead up to its promise. Where the lead reaches before the start, a phase of which nothing is contracted
    comes later, after its lead; of one that is being built already the rest is paid in the months left until its
    promise.
    """
    power = outlook.tables["power"]
    promised, lead = np.maximum(outlook.promised, 0), power.ints("lead_months")
    begun = ~uncommitted_phases(power)
    return np.where(begun, promised, np.maximum(promised, lead)), np.where(begun, np.minimum(lead, promised), lead)


WITH_FIRST_POWER = np.iinfo(np.int64).min
"""In place of the month in which a deposit comes back: whenever first power does."""


def deposit_return_months(outlook: Outlook) -> Ints:
    """Month in which the deposit of each phase comes back, negative where that was before the start."""
    written = outlook.tables["power"].texts("deposit_returned")
    return np.where(written == "", WITH_FIRST_POWER, outlook.calendar.indices(written))


# --- fees --------------------------------------------------------------------------------------------------------


def fee_usd_per_mw_month(outlook: Outlook) -> Floats:
    """Fee per MW of contracted power and month, before escalation."""
    power = outlook.tables["power"]
    ratio = np.where(power.texts("fee_on") == "installed", installed_share(outlook), 1.0)
    fee: Floats = power.floats("fee_usd_per_kw_month") * 1000.0 * ratio
    return fee


def fee_start(outlook: Outlook) -> Ints:
    """Month from which the fee of each phase runs and on whose anniversaries it rises; negative where that was before
    the start."""
    power = outlook.tables["power"]
    contract = outlook.calendar.indices(power.texts("contract_month"))
    return np.where(power.texts("fee_from") == "contract", contract, outlook.first_power)
