"""Plans of cases made in a test, written as a run and audited from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import planner
from planner.auditing.agreement import Agreement, audit
from planner.case.case import Case
from planner.planning.options import PlanOptions
from planner.planning.plan import Plan


def audited(case: Case, folder: Path, **options: Any) -> tuple[Plan, Agreement]:
    """The plan of a case and what the ledger says of its run; the case must have a plan."""
    plan = planner.plan(case, PlanOptions(prices="none", **options))
    assert plan.levels is not None, plan.status
    planner.write_run(plan, folder, force=True)
    return plan, audit(folder, case)


def told(agreement: Agreement) -> str:
    """The first few figures that are apart, for the message of a failing test."""
    apart: list[Any] = [cell for cell in agreement.cells if not cell.agrees][:4]
    apart += [worth for worth in agreement.worths if not worth.agrees]
    apart += [
        check for check in agreement.checks if check.broken
    ][:4] + [law for law in agreement.laws if not law.holds][:4]
    return "\n".join([", ".join(agreement.disagreements), *(str(each) for each in apart)])
