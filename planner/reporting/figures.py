"""The figures of a run by name, for the page, a notebook, or a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from planner.reporting.beside_files import Swept
from planner.reporting.charts.changes import change_of_npv
from planner.reporting.charts.clusters import gpus_at_work, timeline
from planner.reporting.charts.look import Figure
from planner.reporting.charts.money import cash_by_year, cumulative_cash, waterfall
from planner.reporting.charts.policy import policy_capacity, policy_tree
from planner.reporting.charts.prices import both_ways, by_year, delivery_slots, paid_and_fee, what_binds
from planner.reporting.charts.risk import driver_tornado, frontier_chart, npv_spread, scatter, stress_tornado
from planner.reporting.charts.sites import halls_over_time, map_of_sites, power_over_time
from planner.reporting.charts.sweeps import sweep_chart
from planner.reporting.compare import Differences
from planner.reporting.findings import Findings
from planner.reporting.policies import Decided
from planner.reporting.scored import Scored

SWEEP = "sweep_"
"""How the names of figures of sweeps begin."""
OF_RUN: dict[str, Callable[[Findings], Figure | None]] = {
    "map": map_of_sites,
    "power": power_over_time,
    "halls": halls_over_time,
    "timeline": timeline,
    "gpus": gpus_at_work,
    "cash_by_year": cash_by_year,
    "cumulative_cash": cumulative_cash,
    "waterfall": waterfall,
    "could_pay": paid_and_fee,
    "mw_both_ways": both_ways,
    "mw_by_year": by_year,
    "delivery_slots": delivery_slots,
    "binding": what_binds,
}
"""What draws each figure of a run; None where the run has nothing to show."""


def figures_of(
    found: Findings, scored: Scored | None = None, moved: Differences | None = None, *, sweeps: Sequence[Swept] = (),
    frontier: pd.DataFrame | None = None, decided: Decided | None = None
) -> dict[str, Figure]:
    """All figures that a run has, with those of its scores, sweeps, frontier, policy, and of what moved since another
    run."""
    drawn = {name: draw(found) for name, draw in OF_RUN.items()} if found.has_plan else {"map": map_of_sites(found)}
    if scored is not None:
        drawn |= {
            "npv_spread": npv_spread(found, scored), "drivers": driver_tornado(scored),
            "stresses": stress_tornado(scored), "portfolios": scatter(scored),
        }
    drawn |= {f"{SWEEP}{number}": sweep_chart(swept) for number, swept in enumerate(sweeps, start=1)}
    if frontier is not None:
        drawn["frontier"] = frontier_chart(frontier)
    if decided is not None:
        drawn |= {"policy_tree": policy_tree(decided), "policy_capacity": policy_capacity(found, decided)}
    if moved is not None:
        drawn["change_of_npv"] = change_of_npv(moved)
    return {name: figure for name, figure in drawn.items() if figure is not None}
