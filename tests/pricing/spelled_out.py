"""What a plan is worth when limits move, by another road: every candidate and every row spelled out, solved by SciPy.

Nothing of the allocator is used: no pooling, no stocks, no cohorts, no warm basis. Whole decisions are held at the
plan's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.optimize import linprog

from planner.candidates.build import CandidateSet
from planner.planning.plan import Plan

MILLION = 1e6
GPU_UNIT = 1e3


def worth(
    plan: Plan, candidates: CandidateSet | None = None, limits: Callable[[pd.DataFrame], np.ndarray] | None = None
) -> float | None:
    """NPV in dollars of the best levels with the plan's whole decisions; None where nothing is possible.

    candidates: of a changed case, matched with the plan's by their ids. limits: what is added to the limit of each row
    of `CandidateSet.rows.table`.
    """
    found = plan.candidates if candidates is None else candidates
    assert plan.levels is not None
    decided = dict(zip(plan.candidates.table["candidate_id"], plan.levels, strict=True))
    table, rows = found.table, found.rows
    lower, upper = table["lower"].to_numpy(float).copy(), table["upper"].to_numpy(float).copy()
    whole = table["integral"].to_numpy(bool)
    held = np.array([np.round(decided.get(name, 0.0)) for name in table["candidate_id"][whole]])
    lower[whole] = upper[whole] = np.clip(held, lower[whole], upper[whole])
    unit = np.where(table["unit"] == "GPU", GPU_UNIT, 1.0)
    use = sp.csr_array(rows.use * unit[None, :])
    limit = rows.table["limit"].to_numpy(float) + (0.0 if limits is None else limits(rows.table))
    largest = abs(use).max(axis=1).toarray().reshape(-1)
    scale = np.where(largest > 0.0, largest, 1.0)
    answer = linprog(
        -found.npv_usd * unit / MILLION, A_ub=sp.diags_array(1.0 / scale) @ use, b_ub=limit / scale,
        bounds=np.stack([lower / unit, upper / unit], axis=1), method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
    )
    return -float(answer.fun) * MILLION if answer.status == 0 else None


def raised(
    family: str, name: str, amount: float, start: int = 0, end: int = 10**6
) -> Callable[[pd.DataFrame], np.ndarray]:
    """So much more in every row of a resource that lies within the months [start, end)."""

    def limits(table: pd.DataFrame) -> np.ndarray:
        here = (table["family"] == family) & (table["name"] == name) & (table["start"] >= start) & (table["end"] <= end)
        return np.where(here.to_numpy(), amount, 0.0)

    return limits
