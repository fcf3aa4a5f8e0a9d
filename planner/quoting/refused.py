"""What a quote has to say beside its floor: dates outside the case, and what stops a deal that cannot be served at any
rate."""

from __future__ import annotations

from planner.candidates.outlook import Outlook
from planner.explaining.impossible import lease_beside
from planner.planning.options import PlanOptions
from planner.quoting.inquiry import Inquiry


def begun_before(outlook: Outlook, inquiry: Inquiry) -> str:
    """What is not counted of a deal that begins before the case starts; blank for others."""
    due = outlook.calendar.index(inquiry.start)
    left = due + inquiry.term_months
    if due >= 0 or left <= 0:
        return ""
    return (
        f"it begins in {inquiry.start}, before the case starts in {outlook.calendar.start}: only the {left} months "
        "from then on are counted, "
        f"of {inquiry.term_months}, and a prepayment as received already"
    )


def why_never(outlook: Outlook, inquiry: Inquiry, options: PlanOptions) -> str:
    """What stops a deal that cannot be served at any rate, alone or beside what is committed."""
    return lease_beside(outlook.case, options, inquiry.name, inquiry.size, options.solver.time_limit_s, own=False)
