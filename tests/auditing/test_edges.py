"""Every plan of a case at the edges passes the ledger: to the cent, within every limit, nothing made and nothing
lost."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from at_length import many
from auditing.audited import told
from cases.edges import counts, edge_cases
from hypothesis import HealthCheck, Phase, given, reject, settings

import planner
from planner.auditing.agreement import audit
from planner.case.case import Case
from planner.errors import PlannerError
from planner.planning.options import PlanOptions

MOST_REFUSED = 0.5
"""Share of the drawn cases that the reader may refuse: above it the cases would try the reader and not the plan."""
AT_RANDOM = bool(os.environ.get("EDGES_AT_RANDOM"))
"""Set it to draw other cases each time, in search of what no one has seen; otherwise a change fails by its own fault
alone."""
UNITS = "choose other units"
"""Ends the message of a model whose coefficients differ by more than a solver can tell apart."""


def holds(case: Case) -> None:
    """Plan a case and audit its run; a case without a plan has no books."""
    try:
        plan = planner.plan(case, PlanOptions(prices="none"))
    except PlannerError as error:
        if UNITS in str(error):
            counts["too wide"] += 1
            reject()
        raise
    if plan.levels is None:
        counts["no plan"] += 1
        return
    counts["audited"] += 1
    with TemporaryDirectory() as folder:
        planner.write_run(plan, Path(folder) / "run")
        agreement = audit(Path(folder) / "run", case)
    assert agreement.agrees, told(agreement)


@settings(
    max_examples=many(6, 15), deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(edge_cases())
def test_every_made_up_plan_passes_the_ledger(case: Case) -> None:
    holds(case)


@pytest.mark.slow
@settings(
    max_examples=many(30, 250), deadline=None, derandomize=not AT_RANDOM, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(edge_cases())
def test_many_made_up_plans_pass_the_ledger(case: Case) -> None:
    holds(case)


def test_most_drawn_cases_are_sound() -> None:
    """Runs after the first test of this file, on the same draws or on some of its own."""
    if not counts["drawn"]:
        test_every_made_up_plan_passes_the_ledger()
    assert counts["audited"] > 0
    assert counts["refused"] <= MOST_REFUSED * counts["drawn"]
