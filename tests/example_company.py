"""The example company and its plan, made once in a process for all tests that ask something of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import planner
from planner import Case, Plan

NEOCLOUD = Path(__file__).resolve().parents[1] / "fixtures" / "neocloud"


@cache
def company() -> Case:
    return planner.read(NEOCLOUD)


@cache
def company_plan() -> Plan:
    """Proven to the gap that plans have by default."""
    return planner.plan(company())
