"""Plans of tiny cases against enumeration: every combination of whole decisions, the rest by another LP code."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np
import pytest
from at_length import in_tiers
from oracle.enumerated import combinations
from oracle.tiny_case import cluster, grid, hall, rate, site, tiny_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.formulation.allocate import Allocation, allocate
from planner.solver.options import SolverOptions
from planner.solver.status import Status

SEEDS = range(9)


def best_by_enumeration(candidates: CandidateSet) -> tuple[float, int]:
    """Best NPV in dollars over all whole decisions, and how many combinations had a plan at all; -inf when none had."""
    found = [one.most(candidates.npv_usd) for one in combinations(candidates)]
    plans = [value for value in found if value is not None]
    return max(plans, default=-np.inf), len(plans)



def random_case(seed: int) -> Case:
    """One or two sites that cost something to open, a lumpy or stepped phase, leases with whole decisions, a market."""
    draw = random.Random(seed)

    def either(*values: Any) -> Any:
        return draw.choice(values)

    two = seed % 2 == 0
    linked = two and seed % 4 == 0
    group = {"fabric_group": "near"} if linked else {}
    sites = [
        site("a", mw=either(0.8, 1.2), opening_cost_usd=draw.randint(0, 2) * 4e5, opex_usd_per_kw_month=30, **group)
    ]
    power = [
        grid(
            "a", mw=1.5, fee_usd_per_kw_month=draw.randint(0, 8),
            **either({"lumpy": True}, {"step_mw": 0.5}, {"min_mw": 0.6}),
        )
    ]
    if two:
        sites.append(site("b", mw=either(0.6, 1.0), opening_cost_usd=draw.randint(0, 3) * 4e5, **group))
        power.append(grid("b", mw=1.5, fee_usd_per_kw_month=draw.randint(0, 8), **either({}, {"lumpy": True})))
    whole = draw.sample([{"all_or_nothing": True}, {"min_size": 250}, {}], 2)
    leases = [
        cluster("one", size=draw.randrange(300, 700, 50), **whole[0], single_fabric=linked),
        cluster(
            "two", size=draw.randrange(200, 500, 50), start="2027-04", term_months=12, **whole[1],
            min_block=0 if linked else either(0, 150),
        ),
    ]
    rates = [
        rate("one", draw.uniform(1.2, 2.5)), rate("two", draw.uniform(1.5, 3.5), max_units=150),
        rate("two", 1.4, tier=2),
    ]
    if not linked:
        leases.append(
            hall("room", mw=0.5, rate=draw.uniform(40, 160), start="2027-07", term_months=12, min_size=either(0.0, 0.3))
        )
    return tiny_case(
        months=18, sites=sites, power=power, leases=leases, lease_rates=rates,
        market=[{"gpu_id": "gpu", "tier": 1, "usd_per_gpu_hour": round(draw.uniform(1.5, 3.0), 2), "depth_gpus": 120}],
        budget=[
            {"quarter": "2027-Q1", "new_capital_usd": 1.1e7}, {"quarter": "2027-Q3", "new_capital_usd": 5e6}
        ] if seed % 3 == 0 else [],
        links=[{"site_id": "a", "other_site_id": "b", "fibre_capex_usd": draw.randint(0, 4) * 2e5}] if linked else [],
        settings={"budget_carries_over": seed % 2 == 0},
    )


@cache
def _candidates(seed: int) -> CandidateSet:
    return build_candidates(make_outlook(random_case(seed)))


@cache
def _pooled_answer(seed: int) -> Allocation:
    return allocate(_candidates(seed), SolverOptions(gap=1e-9))


@pytest.mark.parametrize("seed", in_tiers(SEEDS, 5))
def test_the_plan_is_the_best_of_all_combinations(seed):
    candidates = _candidates(seed)
    best, feasible = best_by_enumeration(candidates)
    assert feasible >= 3
    for answer in (_pooled_answer(seed), allocate(candidates, SolverOptions(gap=1e-9), aggregate=False)):
        assert answer.status is Status.OPTIMAL, answer.message
        assert answer.objective_usd == pytest.approx(best, rel=1e-6, abs=1.0)
        assert answer.bound_usd >= best - 1e-6 * abs(best) - 1.0


def test_the_random_cases_are_worth_enumerating():
    """Most plans do something, and differ from what dropping the whole decisions would give."""
    earning = rounded = 0
    for seed in SEEDS:
        exact = _pooled_answer(seed).objective_usd
        relaxed = allocate(_candidates(seed), SolverOptions(gap=1e-9, relax=True)).objective_usd
        assert relaxed >= exact - 1.0
        earning += exact > 1e5
        rounded += relaxed > exact + 1e3
    assert earning >= 6
    assert rounded >= 3
