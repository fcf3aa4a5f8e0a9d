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
    kept = 1.0 - outlook.case.settings.tax_rate
    found = {}
    for number, lease in enumerate(outlook.case.tables["leases"].itertuples()):
        due = outlook.calendar.index(lease.start)
        months = slice(max(due, 0), int(np.clip(due + lease.term_months, 0, outlook.last_month)))

        def worth(path: int, months: slice = months) -> float:
            return float(terms.builder.paths.row(path)[months] @ outlook.discount[months])

        dollar = worth(terms.income_path(number, due, NO_ROW))
        if lease.kind == "hosting":
            found[str(lease.lease_id)] = kept * float(lease.usd_per_kw_month) * 1000.0 * dollar
            continue
        mine = rates[rates["lease_id"] == lease.lease_id]
        services = float(terms.services_usd[number])
        billed = services * worth(terms.services_path(number, due)) if services else 0.0
        best = ((mine["usd_per_gpu_hour"] * dollar + billed) / mine["units_per_gpu"]).max() if len(mine) else 0.0
        found[str(lease.lease_id)] = kept * float(best)
    return found
