"""A small case with factors, with its candidates and their values in some futures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.case.generate import generate_case
from planner.case.made_up.frame import declared_frame
from planner.case.tables import TABLES
from planner.scenarios.futures import Futures

FACTORS = [
    {
        "factor_id": "gpus", "model": "two_regimes", "drives": "market", "volatility_per_year": 0.3,
        "drift_glut_per_year": -0.35,
        "drift_shortage_per_year": 0.35, "stay_glut_months": 18, "stay_shortage_months": 18, "starts_in_shortage": True,
    },
    {
        "factor_id": "use", "model": "mean_reverting", "drives": "utilisation", "volatility_per_year": 0.2,
        "reversion_per_year": 2,
    },
    {
        "factor_id": "gas", "model": "mean_reverting", "drives": "curves[henry_hub]", "volatility_per_year": 0.5,
        "reversion_per_year": 1.5,
    },
]


def case_with_factors(*, sites: int = 3, leases: int = 6, skus: int = 2, months: int = 36, seed: int = 3) -> Case:
    case = generate_case(sites=sites, leases=leases, skus=skus, months=months, seed=seed)
    return replace(case, tables={**case.tables, "factors": declared_frame(TABLES["factors"], FACTORS)})


@dataclass(frozen=True)
class RiskyCase:
    """The case, its candidates, sixty futures, and NPV by candidate and future."""

    case: Case
    candidates: CandidateSet
    futures: Futures
    values: np.ndarray
