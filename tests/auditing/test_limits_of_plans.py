"""Room in the limits that matter most, month by month: the ledger's, from the case, equals that of the planner's rows
to 1e-9."""

from __future__ import annotations

from pathlib import Path

import pytest
from at_length import in_tiers
from auditing.audited import audited
from oracle.rich_case import rich_case

SAME = {
    "halls": "HALL", "liquid cooling": "LIQUID", "contracted power": "PHASE", "shared feed": "GROUP",
    "GPUs owned": "FLEET",
    "supply of GPUs": "SUPPLY", "depth of the market": "DEPTH", "mining load": "MINING", "new capital": "CAPITAL",
    "cash floor": "CASH_FLOOR",
    "share of a customer": "REVENUE_SHARE", "share of a customer in a year": "YEARLY_SHARE",
    "size of a lease": "VOLUME", "units at a rate": "TIER",
    "convertible halls": "CONVERTIBLE", "pace of building": "BUILD", "site": "SITE",
}
"""Families of the ledger by those of the planner's rows that say the same."""


@pytest.mark.parametrize("seed", in_tiers([1, 3], 1))
def test_least_room_is_the_same(seed: int, tmp_path: Path) -> None:
    plan, agreement = audited(rich_case(seed, limited=True), tmp_path / "run")
    rows = plan.candidates.rows
    room = rows.table["limit"].to_numpy() - rows.use @ plan.levels
    compared, apart = 0, []
    for ours, theirs in SAME.items():
        checks = [check for check in agreement.checks if check.family == ours]
        used = (rows.table["family"] == theirs).to_numpy()
        if checks and used.any():
            compared += 1
            scale = max(*(check.scale for check in checks), 1.0)
            least = min(check.room for check in checks)
            if least != pytest.approx(room[used].min(), abs=1e-9 * scale):
                apart.append((ours, least, room[used].min()))
    assert not apart
    assert compared >= 10
