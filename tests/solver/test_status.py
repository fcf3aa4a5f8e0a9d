"""The vocabulary of solves."""

from __future__ import annotations

import pytest

from planner.solver.status import Status

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    ("status", "code"),
    [("OPTIMAL", 0), ("FEASIBLE", 4), ("INFEASIBLE", 3), ("UNBOUNDED", 3), ("TIME_LIMIT", 5), ("ERROR", 5)],
)
def test_exit_codes(status: str, code: int) -> None:
    assert Status[status].exit_code == code


def test_every_status_is_tested_for_its_code() -> None:
    assert len(Status) == 6


def test_only_answers_have_values() -> None:
    assert {status.label for status in Status if status.has_values} == {"optimal", "feasible"}


@pytest.mark.parametrize("status", [status for status in Status if status.exit_code])
def test_a_status_that_is_no_success_says_causes_and_remedy(status: Status) -> None:
    assert "Usual causes:" in status.text
    assert str(status).startswith(f"{status.label}: ")
    assert len(status.text) > 150
