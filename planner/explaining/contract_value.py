"""What a unit of a lease is worth to whoever signed it: the income given up when it is not served."""

from __future__ import annotations

import numpy as np

from planner.candidates.builder import CandidateBuilder
from planner.candidates.lease_terms import LeaseTerms
from planner.candidates.named import rates_with_units
from planner.candidates.outlook import Outlook
from planner.case.table_arrays import NO_ROW


def contract_value_usd(outlook: Outlook) -> dict[str, float]:
    """Discounted after-tax income of a unit of each lease over its term at its best rate, dollars by lease_id.

    Income after expected defaults, from the start of the case on; a unit is a GPU or MW of the lease's size.
    """
    terms = LeaseTerms(CandidateBuilder(outlook))
    rates = rates_with_units(outlook)
    rates = rates.assign(per_unit=rates["usd_per_gpu_hour"] / rates["units_per_gpu"])
    best = rates.groupby("lease_id")["per_unit"].max()
    kept = 1.0 - outlook.case.settings.tax_rate
    found = {}
    for number, lease in enumerate(outlook.case.tables["leases"].itertuples()):
        due = outlook.calendar.index(lease.start)
        end = int(np.clip(due + lease.term_months, 0, outlook.last_month))
        path = terms.builder.paths.row(terms.income_path(number, due, NO_ROW))[max(due, 0) : end]
        rate = (
            float(lease.usd_per_kw_month) * 1000.0 if lease.kind == "hosting" else float(best.get(lease.lease_id, 0.0))
        )
        found[str(lease.lease_id)] = kept * rate * float(path @ outlook.discount[max(due, 0) : end])
    return found
