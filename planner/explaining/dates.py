"""Cases in which dates may move: power, GPUs and halls that come sooner, leases that start later.

Each gives every candidate of the case and more; the additional ones are closed while the date holds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.candidates.hall_cohorts import NEW
from planner.candidates.kinds import Kind as CandidateKind
from planner.candidates.options import CandidateOptions
from planner.candidates.outlook import Outlook
from planner.candidates.phases import phase_table
from planner.candidates.tranches import lease_parts, part_names, part_sizes
from planner.case.case import Case
from planner.case.table_arrays import NO_ROW
from planner.explaining.contract_value import contract_value_usd
from planner.explaining.decided_limits import decided_limits
from planner.explaining.limits import Kind, Limit
from planner.explaining.stated_limits import StatedLimits

SOONER = " sooner"
_LATE_INCOME = (Line.REVENUE, Line.SERVICES, Line.PENALTIES)


def with_later_starts(case: Case, options: CandidateOptions) -> StatedLimits:
    """The limits of a case whose committed leases may start later than their customers accept."""
    leases, tranches = case.tables["leases"], case.tables["lease_tranches"]
    committed = leases["committed"].astype(bool)
    grace = leases["late_grace_months"].where(~committed, leases["term_months"] - 1)
    own = tranches["late_grace_months"].where(~tranches["lease_id"].isin(leases["lease_id"][committed]))
    later = case.with_table("leases", leases.assign(late_grace_months=grace.astype(leases["late_grace_months"].dtype)))
    stated = decided_limits(
        later.with_table("lease_tranches", tranches.assign(late_grace_months=own)), options, twins=(SOONER,)
    )
    outlook, columns = stated.candidates.outlook, stated.candidates.columns
    table = stated.candidates.table
    worth = contract_value_usd(outlook)
    income = {
        block.first: stated.candidates.valuation.npv(block, _LATE_INCOME)[:, 0] for block in stated.candidates.blocks
        if block.kind in ("serve", "host")
    }
    earned = np.zeros(len(table))
    for first, usd in income.items():
        earned[first : first + len(usd)] = usd
    serving = table["kind"].isin([CandidateKind.SERVE, CandidateKind.HOST]).to_numpy()
    parts, sizes = lease_parts(case.arrays, outlook.calendar), part_sizes(case.arrays, columns)
    leases_of = case.arrays["leases"].texts("lease_id")
    columns_of_parts = (parts[name].tolist() for name in ("lease", "tranche", "due", "grace"))
    for name, lease, tranche, due, months in zip(part_names(case.arrays, parts), *columns_of_parts, strict=True):
        if not committed.iat[lease]:
            continue
        lease_id, last = str(leases_of[lease]), max(due, 0) + months
        late = np.flatnonzero(
            serving & (columns["lease"] == lease) & (columns["tranche"] == tranche) & (columns["from_month"] > last)
        ).tolist()
        words = f"lease {name} starts by {outlook.calendar.written(last)}"
        of = "leases" if tranche == NO_ROW else "lease_tranches"
        number = stated.add(
            Limit(Kind.START, name, words, float(last), "months", edit=f"{of}.late_grace_months[{name}]={{value}}")
        )
        for candidate in late:
            stated.closed.append((number, candidate))
            units = float(sizes[candidate]) / float(table["upper"].iat[candidate])
            stated.cost_usd[candidate] = max(worth[lease_id] * units - earned[candidate], 0.0)
    return stated


def with_sooner_dates(
    case: Case, options: CandidateOptions, *, sooner_months: dict[str, int] | None = None
) -> StatedLimits:
    """The limits of a case in which leases may start later and power, GPUs and halls may come sooner.

    sooner_months: how much sooner a phase may come, by its name; by default it may be there from the start.
    """
    outlook = options.outlook(case)
    moved = _with_twins(case, outlook, options, sooner_months or {})
    gpus, sites = case.tables["gpus"], case.tables["sites"]
    moved = moved.with_table("gpus", gpus.assign(order_lead_months=0 * gpus["order_lead_months"]))
    moved = moved.with_table("sites", sites.assign(ready_month="", build_lead_months=0 * sites["build_lead_months"]))
    stated = with_later_starts(moved, options)
    _close_power(stated, outlook)
    _close_gpus(stated, outlook)
    _close_halls(stated, outlook)
    return stated


def _with_twins(case: Case, outlook: Outlook, options: CandidateOptions, sooner: dict[str, int]) -> Case:
    """Beside each phase still to come a twin that offers the same MW until the phase itself does."""
    power = phase_table(outlook)
    decided = " ".join((*options.fixes, *options.excludes))
    coming = power[(power["energised_month"] > 0) & (power["energised_month"] < outlook.horizon)]
    coming = coming[[f"power[{name}]" not in decided and f"[{name}]" not in decided for name in coming["phase_name"]]]
    if coming.empty:
        return case
    months = np.array(
        [
            min(sooner.get(name, month), month)
            for name, month in zip(coming["phase_name"], coming["energised_month"], strict=True)
        ]
    )
    coming, months = coming[months > 0], months[months > 0]
    first = coming["energised_month"].to_numpy(np.int64) - months
    twins = coming.assign(
        phase=coming["phase"] + SOONER, energised=[outlook.calendar.written(int(month)) for month in first],
        status="approved",
        term_months=months, delay_low_months=0, delay_mode_months=0, delay_high_months=0, committed_mw=0.0, min_mw=0.0,
        lead_months=0,
    )
    columns = list(case.tables["power"].columns)
    both = pd.concat(
        [case.tables["power"], twins[columns].astype(case.tables["power"].dtypes.to_dict())], ignore_index=True
    )
    return case.with_table("power", both)


def _close_power(stated: StatedLimits, outlook: Outlook) -> None:
    table = stated.candidates.table
    for row in phase_table(outlook).itertuples():
        twin = stated.numbers((table["kind"] == CandidateKind.POWER) & (table["phase"] == f"{row.phase_name}{SOONER}"))
        if not twin:
            continue
        comes = outlook.calendar.written(row.energised_month)
        late = int(row.energised_month) - int(outlook.promised[row.phase_number])
        delay = f" (promised {row.energised}, {late} months late on average)" if late > 0 else ""
        words = f"{row.phase_name} at {row.site_id} has power from {comes}{delay}"
        number = stated.add(
            Limit(
                Kind.POWER_DATE, str(row.phase_name), words, float(row.energised_month), "months",
                edit=f"power.energised[{row.phase_name}]+=-{{more}}",
            )
        )
        stated.closed += [(number, candidate) for candidate in twin]


def _close_gpus(stated: StatedLimits, outlook: Outlook) -> None:
    table = stated.candidates.table
    for row in outlook.case.tables["gpus"].itertuples():
        lead = int(row.order_lead_months)
        early = stated.numbers(
            (table["kind"] == CandidateKind.OWN) & (table["gpu_id"] == row.gpu_id) & (table["from_month"] < lead)
        )
        if early:
            words = (
                f"{row.gpu_id} ordered at the start is delivered {lead} months later, from "
                f"{outlook.calendar.written(lead)}"
            )
            number = stated.add(
                Limit(
                    Kind.GPU_DATE, str(row.gpu_id), words, float(lead), "months",
                    edit=f"gpus.order_lead_months[{row.gpu_id}]+=-{{more}}",
                )
            )
            stated.closed += [(number, candidate) for candidate in early]


def _close_halls(stated: StatedLimits, outlook: Outlook) -> None:
    table = stated.candidates.table
    for row in outlook.case.tables["sites"].itertuples():
        ready = max(outlook.calendar.index(row.ready_month), 0) if row.ready_month else 0
        first = max(ready, int(row.build_lead_months))
        new = (stated.candidates.columns["way"] == NEW) & (table["site_id"] == row.site_id)
        early = stated.numbers(new & (table["from_month"] < first))
        if early:
            why = f"{int(row.build_lead_months)} months to build" if first > ready else f"ready from {row.ready_month}"
            words = f"new halls at {row.site_id} can stand from {outlook.calendar.written(first)} ({why})"
            edit = (
                f"sites.build_lead_months[{row.site_id}]+=-{{more}}" if first > ready
                else f"sites.ready_month[{row.site_id}]+=-{{more}}"
            )
            number = stated.add(Limit(Kind.HALL_DATE, str(row.site_id), words, float(first), "months", edit=edit))
            stated.closed += [(number, candidate) for candidate in early]
