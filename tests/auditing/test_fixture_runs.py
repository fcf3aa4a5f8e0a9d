"""The ledger of the fixtures agrees with their plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from auditing.audited import audited, told

import planner

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def test_the_case_solved_by_hand(tmp_path: Path) -> None:
    plan, agreement = audited(planner.load_case(FIXTURES / "tiny"), tmp_path / "run")
    assert agreement.agrees, told(agreement)
    assert agreement.worths[0].books_usd == pytest.approx(58_360_320.0, abs=0.005)
    assert plan.npv_usd == pytest.approx(58_360_320.0, abs=0.005)
