"""Curtailable power in a generated case: connections that come earlier if they may be curtailed until the grid is
strengthened, batteries behind some, and leases that accept some hours of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from planner.case.calendar import Calendar
from planner.case.made_up.dice import Dice, Row

_EARLIER_MONTHS = (6, 9, 12)
_SOONEST_MONTH = 3
_BACKED = 0.5
"""Share of the connections behind which storage can stand."""
_ACCEPTING = 0.4
"""Share of the leases that accept hours."""


def curtailable_rows(rows: dict[str, list[Row]], dice: Dice, calendar: Calendar) -> dict[str, list[Row]]:
    """The tables `power` and `leases` of a case with curtailable connections in place of late ones."""
    power = [_curtailed(row, dice, calendar) if _to_come(row) else row for row in rows["power"]]
    return rows | {
        "power": power + [_battery(row, dice) for row in power if _to_come(row) and dice.chance(_BACKED)],
        "leases": [_accepting(row, dice) for row in rows["leases"]],
    }


def _to_come(phase: Row) -> bool:
    return phase["kind"] == "grid" and phase["status"] != "energised"


def _curtailed(phase: dict[str, Any], dice: Dice, calendar: Calendar) -> Row:
    """A connection some quarters earlier, partly firm until the month in which it would have come."""
    promised = calendar.index(phase["energised"])
    early = max(promised - dice.pick(_EARLIER_MONTHS), min(promised, _SOONEST_MONTH))
    delays: Iterable[int] = (phase[f"delay_{part}_months"] for part in ("low", "mode", "high"))
    return phase | {
        "energised": calendar.written(early), "lead_months": min(phase["lead_months"], early),
        "firm_share": dice.pick((0.0, 0.3, 0.6)), "curtailed_hours_per_year": dice.pick((22, 44, 88)),
        "curtailed_until": calendar.written(promised + math.ceil(sum(delays) / 3)),
        "curtailment_notice_hours": dice.pick((1, 24)),
    }


def _battery(phase: dict[str, Any], dice: Dice) -> Row:
    """Storage that can be there with a connection, behind half of it."""
    return {
        "source_id": f"{phase['source_id']}_battery", "phase": phase["phase"], "site_id": phase["site_id"],
        "kind": "battery", "ownership": "owned", "energised": phase["energised"], "status": phase["status"],
        "delay_low_months": phase["delay_low_months"], "delay_mode_months": phase["delay_mode_months"],
        "delay_high_months": phase["delay_high_months"],
        "guaranteed_mw": phase["guaranteed_mw"] / 2.0, "mw_per_it_mw": 1.0, "hours_per_year": 100,
        "capex_usd_per_kw": dice.between(700.0, 1_100.0, -1), "fixed_om_usd_per_kw_month": 1.0, "lead_months": 0,
        "term_months": 180,
    }


def _accepting(lease: Row, dice: Dice) -> Row:
    """A lease with the hours that it accepts, and the discount for them."""
    if not dice.chance(_ACCEPTING):
        return lease
    hours, discount = dice.pick(((44, 0.01), (88, 0.02), (200, 0.04)))
    return lease | {"curtailable_hours_per_year": hours, "curtailment_discount": discount}
