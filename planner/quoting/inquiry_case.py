"""A case with inquiries among its leases, all at one rate; inquiries that need other steps of time stand in other
cases.

The start and the end of a lease are steps of the plan, and a longer lease a longer tail. Both give any plan a little
more room, with or without the lease, so both plans that a quote compares stand on the same steps. Inquiries whose dates
add the same steps share one case (those on quarter starts add none), so a quote does not depend on what else is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook, make_outlook
from planner.case.case import Case
from planner.case.checking.validate import validate
from planner.case.reading.frames import FIRST_ROW, typed_table
from planner.case.reading.given import Given, shown
from planner.case.reading.raw import RawTable
from planner.case.tables import TABLES
from planner.did_you_mean import remedy_for
from planner.errors import CaseError, Fault, PlannerError
from planner.quoting.inquiry import Inquiry

NEVER_DEFAULTS = "(never defaults)"
"""The customer of an inquiry that names none."""


@dataclass(frozen=True)
class InquiryGroup:
    """Inquiries that share steps of time, and the outlook of the case with all of them at a rate of $1."""

    inquiries: tuple[Inquiry, ...]
    outlook: Outlook


def inquiry_groups(case: Case, inquiries: Sequence[Inquiry], *, base: str, tail: str | None) -> list[InquiryGroup]:
    """The inquiries in groups that share a case; raises CaseError with every fault of their terms."""
    together = inquiry_case(case, inquiries)
    _refuse_faults(case, together.tables, inquiries)
    if len(inquiries) == 1:
        return [InquiryGroup(tuple(inquiries), make_outlook(together, base=base, tail=tail))]
    members: dict[tuple[int, bytes], list[Inquiry]] = {}
    for inquiry in inquiries:
        outlook = make_outlook(inquiry_case(case, [inquiry]), base=base, tail=tail)
        members.setdefault((outlook.months, outlook.steps.tobytes()), []).append(inquiry)
    return [
        InquiryGroup(tuple(group), make_outlook(inquiry_case(case, group), base=base, tail=tail))
        for group in members.values()
    ]


def inquiry_case(case: Case, inquiries: Sequence[Inquiry], *, rates: Mapping[str, float] | None = None) -> Case:
    """The case with each inquiry as a lease of any size up to its own, at its rate (1 where none is given)."""
    at = dict(rates or {})
    leases = _typed("leases", [_lease_row(case, inquiry, at.get(inquiry.name, 1.0)) for inquiry in inquiries])
    paid = _typed(
        "lease_rates", [row for inquiry in inquiries for row in rate_rows(case, inquiry, at.get(inquiry.name, 1.0))]
    )
    tables = dict(case.tables)
    tables["leases"] = pd.concat([case.tables["leases"], leases], ignore_index=True)
    if len(paid):
        tables["lease_rates"] = pd.concat([case.tables["lease_rates"], paid], ignore_index=True)
    if any(not inquiry.customer for inquiry in inquiries):
        safe = _typed(
            "customers",
            [{"customer_id": NEVER_DEFAULTS, "rating": "AAA", "default_rate_per_year": 0.0, "recovery": 1.0}],
        )
        tables["customers"] = pd.concat([case.tables["customers"], safe], ignore_index=True)
    return replace(case, tables=tables)


def sku_ratios(case: Case, inquiry: Inquiry) -> dict[str, float]:
    """GPUs of each SKU accepted that make one unit: as given, else by performance against the first SKU."""
    performance = case.tables["gpus"].set_index("gpu_id")["performance"].astype(float)
    first = inquiry.skus[0].gpu_id
    found = {}
    for sku in inquiry.skus:
        if sku.gpu_id not in performance.index:
            raise PlannerError(
                f"inquiry {inquiry.name}: the case has no SKU {sku.gpu_id!r}; "
                f"{remedy_for(sku.gpu_id, list(performance.index))}"
            )
        usual = float(performance[first]) / float(performance[sku.gpu_id])
        found[sku.gpu_id] = usual if sku.gpus_per_unit is None else sku.gpus_per_unit
    return found


def rate_rows(case: Case, inquiry: Inquiry, rate: float) -> list[dict[str, object]]:
    """Rows of `lease_rates` at a rate per unit: a SKU of which q make one unit is paid the rate / q."""
    if inquiry.hosting:
        return []
    return [
        {
            "lease_id": inquiry.name, "gpu_id": gpu_id, "tier": 1, "usd_per_gpu_hour": rate / units,
            "gpus_per_unit": units,
        }
        for gpu_id, units in sku_ratios(case, inquiry).items()
    ]


def _lease_row(case: Case, inquiry: Inquiry, rate: float) -> dict[str, object]:
    if inquiry.name in set(case.tables["leases"]["lease_id"]):
        raise PlannerError(f"inquiry {inquiry.name!r} has the name of a lease of the case; name it otherwise")
    hosting = inquiry.hosting
    return {
        **{name: value for name, value in inquiry.lease_cells().items() if value is not None},
        "lease_id": inquiry.name,
        "customer_id": inquiry.customer or NEVER_DEFAULTS,
        "kind": "hosting" if hosting else "gpu",
        "size_unit": "it_mw" if hosting else "gpus",
        "max_size": inquiry.size,
        # A fabric that cannot hold the least size that is asked about is no option.
        "min_size": inquiry.least_size if inquiry.single_fabric else None,
        "usd_per_kw_month": rate if hosting else None,
    }


def _typed(name: str, rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Rows of a table with every cell parsed as if it stood in a file."""
    table = TABLES[name]
    header = tuple(column for column in table.column_names if any(column in row for row in rows))
    cells = tuple(tuple(_written(row.get(column)) for column in header) for row in rows)
    typed = typed_table(table, RawTable(name, f"inquiries ({name}).csv", header, cells)) if rows else None
    if typed is not None and typed.faults:
        raise CaseError(typed.faults)
    return typed.frame if typed is not None else pd.DataFrame(columns=list(table.column_names))


def _written(value: object) -> str:
    return repr(value) if isinstance(value, float) else shown(value)


def _refuse_faults(case: Case, tables: dict[str, pd.DataFrame], inquiries: Sequence[Inquiry]) -> None:
    """Raise CaseError for what is wrong with the rows added, by the name of the inquiry."""
    files = {name: f"{name}.csv" for name in TABLES}
    before = len(case.tables["leases"])
    by_rate = [inquiry.name for inquiry in inquiries for _ in (inquiry.skus if not inquiry.hosting else ())]
    found = []
    for fault in validate(Given(case.settings, tables, files)):
        added = (
            -1 if fault.row is None
            else fault.row - FIRST_ROW - (before if fault.file == "leases.csv" else len(case.tables["lease_rates"]))
        )
        names = [inquiry.name for inquiry in inquiries] if fault.file == "leases.csv" else by_rate
        if fault.file in ("leases.csv", "lease_rates.csv") and 0 <= added < len(names):
            found.append(Fault(f"inquiry {names[added]}", None, fault.column, fault.value, fault.why, fault.remedy))
        else:
            found.append(fault)
    if found:
        raise CaseError(dict.fromkeys(found))


def units_by_candidate(table: pd.DataFrame, inquiry: Inquiry) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the ways to serve an inquiry, and the units of its size that one GPU or MW of each makes."""
    numbers = np.flatnonzero(
        ((table["lease_id"] == inquiry.name) & table["kind"].isin([Kind.SERVE, Kind.HOST])).to_numpy()
    )
    return numbers, inquiry.size / table["upper"].to_numpy(np.float64)[numbers]
