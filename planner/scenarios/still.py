"""What does not move in the futures of a case, in a sentence: prices, for a case without factors that drive one."""

from __future__ import annotations

import numpy as np

from planner.case.case import Case
from planner.case.delays import delay_triangle
from planner.case.factor_names import ONCE, SINGLE, once_names, target_of
from planner.scenarios.events import hazard_per_year

REMEDY = "rows in the table factors make prices move"
ALL_ALIKE = (
    "all futures are alike: the case has no factors, so no price moves, and nothing else in it differs by future "
    f"({REMEDY})"
)


def no_price_moves(case: Case, *, imported: bool = False) -> str | None:
    """One sentence where no price moves in the futures of a case; None where one does, or where paths are imported from
    elsewhere."""
    words = {target.word for target in map(target_of, case.tables["factors"]["drives"]) if target is not None}
    if imported or words - {*SINGLE, *ONCE}:
        return None
    differs = [*_once(case), *(said for word, said in _SINGLE_SAID.items() if word in words)]
    if not differs:
        return ALL_ALIKE
    listed = differs[0] if len(differs) == 1 else f"{', '.join(differs[:-1])} and {differs[-1]}"
    return (
        f"no price moves in these futures: the case has no factor that drives one ({REMEDY}); they differ by {listed} "
        "alone"
    )


_SINGLE_SAID = {
    "construction": "delays of halls", "delivery": "delays of deliveries", "capex": "capex over or under budget",
    "offered_size": "how much of a lease is offered", "goodput": "goodput of leases",
}


def _once(case: Case) -> list[str]:
    """What happens once and may happen otherwise in another future."""
    tables, found = case.tables, []
    driven = {str(target_of(drives)) for drives in tables["factors"]["drives"]}
    late = any(low < high for low, _, high in (delay_triangle(row) for _, row in tables["power"].iterrows()))
    if late or driven & set(once_names(tables, "delay")):
        found.append("delays of power")
    if any(hazard_per_year(row) > 0.0 for _, row in tables["customers"].iterrows()):
        found.append("defaults of customers")
    chance = tables["leases"]["renewal_probability"].to_numpy(np.float64)
    if ((chance > 0.0) & (chance < 1.0)).any():
        found.append("renewals of leases")
    if once_names(tables, "offer"):
        found.append("offers that are made or not")
    return found
