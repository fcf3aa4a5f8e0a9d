"""What a unit of a lease is worth to whoever signed it: the income given up when it is not served."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from planner.candidates.builder import CandidateBuilder
from planner.candidates.columns import Columns
from planner.candidates.lease_terms import LeaseTerms
from planner.candidates.named import rates_with_units
from planner.candidates.outlook import Outlook
from planner.candidates.tranches import part_shares
from planner.case.table_arrays import NO_ROW


def contract_value_usd(outlook: Outlook) -> dict[str, float]:
    """Discounted after-tax income of a unit of each lease over its term at its best rate, dollars by lease_id.

    Income after expected defaults, from the start of the case on; a unit is a GPU or MW of the lease's size, and comes
    in its tranches.
    """
    terms = LeaseTerms(CandidateBuilder(outlook))
    rates = rates_with_units(outlook)
    kept = 1.0 - outlook.case.settings.tax_rate
    found = {}
    for number, lease in enumerate(outlook.case.tables["leases"].itertuples()):
        parts = outlook.lease_parts.take(outlook.lease_parts["lease"] == number)
        dollar = _over_terms(terms, parts, int(lease.term_months), partial(terms.income_path, number, gpu=NO_ROW))
        if lease.kind == "hosting":
            found[str(lease.lease_id)] = kept * float(lease.usd_per_kw_month) * 1000.0 * dollar
            continue
        mine, services = rates[rates["lease_id"] == lease.lease_id], float(terms.services_usd[number])
        billed = 0.0
        if services:
            billed = services * _over_terms(
                terms, parts, int(lease.term_months), partial(terms.services_path, number)
            )
        best = ((mine["usd_per_gpu_hour"] * dollar + billed) / mine["units_per_gpu"]).max() if len(mine) else 0.0
        found[str(lease.lease_id)] = kept * float(best)
    return found


def _over_terms(terms: LeaseTerms, parts: Columns, term_months: int, path: Callable[[int], int]) -> float:
    """A path of income, given by the month in which its term begins, discounted over the terms of the parts of a lease,
    by their shares."""
    outlook, total = terms.outlook, 0.0
    for share, due in zip(part_shares(outlook.tables, parts["tranche"]).tolist(), parts["due"].tolist(), strict=True):
        months = slice(max(due, 0), int(np.clip(due + term_months, 0, outlook.last_month)))
        total += share * float(terms.builder.paths.row(path(due))[months] @ outlook.discount[months])
    return total
