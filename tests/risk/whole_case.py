"""Small cases whose whole decisions matter: sites that cost something to open, leases all or nothing, a link, a whole
phase, least sizes."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import pandas as pd
from oracle.tiny_case import cluster, grid, hall, rate, site, tiny_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.risk.bundle_grid import Grid, bundle_grid
from planner.risk.case_pool import CasePool, make_case_pool
from planner.risk.worth import candidate_values
from planner.scenarios.futures import make_futures
from planner.solver.column_generation.mean_cvar import MeanCvar

FACTORS = [
    {"factor_id": "gpus", "model": "gbm", "drives": "market", "volatility_per_year": 0.4},
    {
        "factor_id": "energy", "model": "mean_reverting", "drives": "utilisation", "volatility_per_year": 0.3,
        "reversion_per_year": 1,
    },
]


def whole_case(seed: int) -> Case:
    """Two campuses that a link may join; one lease fits a campus, one needs both, one has a least size; a hall and a
    market beside them."""
    draw = random.Random(seed)
    sites = [
        site(name, mw=mw, opening_cost_usd=draw.randint(1, 5) * 2e5, opex_usd_per_kw_month=20, fabric_group="near")
        for name, mw in (("a", 1.2), ("b", 0.8))
    ]
    power = [
        grid("a", mw=2.0, fee_usd_per_kw_month=draw.randint(0, 8), **draw.choice([{"step_mw": 0.5}, {"min_mw": 0.6}])),
        grid("b", mw=1.5, fee_usd_per_kw_month=draw.randint(0, 8), lumpy=True),
    ]
    leases = [
        cluster("one", size=draw.randrange(350, 500, 50), all_or_nothing=True, single_fabric=True),
        cluster("both", size=draw.randrange(650, 800, 50), all_or_nothing=True, single_fabric=True),
        cluster("least", size=300, min_size=200, start="2027-07", term_months=12, min_block=150),
        hall("room", mw=0.5, rate=draw.uniform(60, 140), start="2027-07", term_months=12, min_size=0.3),
    ]
    return tiny_case(
        months=24, sites=sites, power=power, leases=leases, factors=FACTORS,
        lease_rates=[rate(name, round(draw.uniform(1.6, 2.8), 2)) for name in ("one", "both", "least")],
        market=[{"gpu_id": "gpu", "tier": 1, "usd_per_gpu_hour": round(draw.uniform(1.8, 2.6), 2), "depth_gpus": 150}],
        links=[{"site_id": "a", "other_site_id": "b", "fibre_capex_usd": draw.randint(1, 5) * 2e5}],
    )


@dataclass(frozen=True)
class PooledCase:
    """A case with its pool: values by candidate and future, bundles, and the measure."""

    case: Case
    candidates: CandidateSet
    values: np.ndarray
    measure: MeanCvar
    bundles: pd.DataFrame
    made: CasePool


def pooled(seed: int, *, scenarios: int = 16, weight: float = 0.5) -> PooledCase:
    case = whole_case(seed)
    outlook = make_outlook(case)
    candidates = build_candidates(outlook)
    futures = make_futures(case, outlook.calendar, scenarios=scenarios)
    values = candidate_values(candidates, futures, threads=1)
    bundles = bundle_grid(candidates, Grid(early_months=6, sales=2))
    made = make_case_pool(candidates, values, futures.weights, bundles, threads=1, dtype=np.float64)
    return PooledCase(case, candidates, values, MeanCvar(weight, 0.8, futures.weights), bundles, made)
