"""Plans of tiny cases by enumeration: every combination of whole decisions, the rest by SciPy's LP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from planner.candidates.build import CandidateSet

MOST_COMBINATIONS = 600


@dataclass(frozen=True)
class Combination:
    """One combination of whole decisions, and the LP over the rest: columns `rest` under use @ x <= limit."""

    candidates: CandidateSet
    whole: np.ndarray
    chosen: np.ndarray
    rest: np.ndarray
    use: sp.csc_array
    limit: np.ndarray

    def most(
        self, weights: np.ndarray, *, npv_at_least: float = -np.inf, shut: np.ndarray | None = None
    ) -> float | None:
        """Greatest weights @ levels, with an NPV of at least so many dollars and the candidates `shut` at 0; None
        without a plan."""
        table, npv = self.candidates.table, self.candidates.npv_usd
        lower, upper = (
            table["lower"].to_numpy(np.float64)[self.rest], table["upper"].to_numpy(np.float64)[self.rest].copy()
        )
        if shut is not None:
            if self.chosen[np.isin(self.whole, shut)].any():
                return None
            upper[np.isin(self.rest, shut)] = 0.0
        use, limit = self.use, self.limit
        if np.isfinite(npv_at_least):
            use = sp.vstack([use, sp.csr_array(-npv[self.rest][None, :] / 1e6)], format="csc")
            limit = np.append(limit, (float(npv[self.whole] @ self.chosen) - npv_at_least) / 1e6)
        cost = -weights[self.rest]
        scale = max(float(np.abs(cost).max(initial=0.0)), 1e-12)
        answer = linprog(cost / scale, A_ub=use, b_ub=limit, bounds=np.column_stack([lower, upper]), method="highs-ds")
        assert answer.status in (0, 2), answer.message
        if answer.status == 2:
            return None
        return float(-answer.fun * scale + weights[self.whole] @ self.chosen)


def combinations(candidates: CandidateSet) -> Iterator[Combination]:
    """All combinations of whole decisions that the rows of whole decisions alone allow."""
    table, rows = candidates.table, candidates.rows
    use, limit = sp.csc_array(rows.use), rows.table["limit"].to_numpy(np.float64)
    whole = np.flatnonzero(table["integral"].to_numpy(bool))
    rest = np.setdiff1d(np.arange(len(table)), whole)
    lower, upper = table["lower"].to_numpy(np.float64), table["upper"].to_numpy(np.float64)
    choices = [range(round(lower[j]), round(upper[j]) + 1) for j in whole]
    assert np.prod([len(choice) for choice in choices]) <= 1 << 16
    continuous = use[:, rest]
    alone = np.asarray(abs(continuous).sum(axis=1)).reshape(-1) == 0.0
    count = 0
    for levels in itertools.product(*choices):
        chosen = np.array(levels, dtype=np.float64)
        left = limit - use[:, whole] @ chosen
        if np.any(left[alone] < -1e-9):
            continue
        count += 1
        assert count <= MOST_COMBINATIONS, "the case is too large to enumerate"
        yield Combination(candidates, whole, chosen, rest, continuous, left)


def greatest(
    candidates: CandidateSet, weights: np.ndarray, *, npv_at_least: float = -np.inf, shut: np.ndarray | None = None
) -> float | None:
    """Greatest weights @ levels over all plans; None where there is none."""
    found = [one.most(weights, npv_at_least=npv_at_least, shut=shut) for one in combinations(candidates)]
    known = [value for value in found if value is not None]
    return max(known) if known else None
