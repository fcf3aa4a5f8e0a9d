"""How much each rule of a future differs from the best that the same plan could do once the future shows."""

from __future__ import annotations

import numpy as np
import pytest
from redispatch import dispatch
from scoring_case import ScoringCase

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.made_up.frame import declared_frame
from planner.case.tables import TABLES

FACTORS = [
    {"factor_id": "builders", "model": "discrete_delay", "drives": "construction", "outcomes": "0:1"},
    {"factor_id": "chips", "model": "discrete_delay", "drives": "delivery", "outcomes": "0:1"},
    {"factor_id": "spot", "model": "gbm", "drives": "market", "volatility_per_year": 0.2},
]


@pytest.fixture(scope="module")
def standing(planned: ScoringCase) -> tuple[CandidateSet, np.ndarray]:
    """The plan in a case with late halls and late GPUs, its contracts without notice, prepayment, penalty or grace, so
    that a month let is a month's rate."""
    case = planned.plan.case
    leases = case.tables["leases"].assign(notice_months=None, prepay_fraction=0.0, late_penalty=0.0)
    leases["notice_months"] = leases["notice_months"].astype(case.tables["leases"]["notice_months"].dtype)
    case = case.with_table("leases", leases).with_table("factors", declared_frame(TABLES["factors"], FACTORS))
    candidates = build_candidates(make_outlook(case))
    assert list(candidates.table["candidate_id"]) == list(planned.candidates.table["candidate_id"])
    return candidates, planned.levels


@pytest.fixture(scope="module")
def sizes(standing: tuple[CandidateSet, np.ndarray]) -> dict[str, tuple[float, float, float]]:
    """By future, as shares of the NPV on time: its cost by the rules, its cost at best, and what the best is ahead by
    then."""
    candidates, levels = standing
    base = candidates.outlook
    power = base.case.tables["power"]
    phases = {
        f"delay[{row.source_id}:{row.phase}]": float(late + 3)
        for row, late, month in zip(power.itertuples(), base.energised - base.promised, base.energised, strict=True)
        if month > 0
    }
    still = {"builders": 0.0, "chips": 0.0}
    on_time = dispatch(candidates, levels, once=still)
    futures = {
        "on time": dispatch(candidates, levels, once=still),
        "market halves": dispatch(candidates, levels, once=still, paths={"spot": 0.5}),
    }
    for name, once in (("phases", phases), ("halls", {"builders": 3.0}), ("GPUs", {"chips": 3.0})):
        futures[name] = dispatch(candidates, levels, once={**still, **once})
    scale = on_time.by_rule
    return {
        name: ((at.by_rule - on_time.by_rule) / scale, (at.best - on_time.best) / scale, (at.best - at.by_rule) / scale)
        for name, at in futures.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("future", "most"), [("on time", 0.0), ("market halves", 0.03), ("phases", 0.01), ("halls", 0.10), ("GPUs", 0.12)]
)
def test_a_future_costs_by_the_rules_nearly_what_it_costs_at_best(
    future: str, most: float, sizes: dict[str, tuple[float, float, float]]
) -> None:
    """The rules never claim more than the best dispatch earns, and their cost of a future is within the bound that the
    README's sizes keep."""
    by_rule, best, ahead = sizes[future]
    print(
        f"{future}: {100 * by_rule:.2f} % by the rules, {100 * best:.2f} % at best, which is then ahead by "
        f"{100 * ahead:.2f} %"
    )
    assert ahead >= -1e-6
    assert abs(by_rule - best) <= most


@pytest.mark.slow
def test_lateness_costs_the_plan(sizes: dict[str, tuple[float, float, float]]) -> None:
    for future in ("phases", "halls", "GPUs"):
        assert max(sizes[future][:2]) < -0.01, future
