"""The rows of `factors`: multipliers of mean one that move by month, and what is drawn once for a whole future."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kernels.draws import uniforms_of
from kernels.factor_models import (
    discrete,
    gbm,
    in_shortage,
    mean_reverting_log,
    triangular,
    triangular_mean,
    two_regimes,
    two_regimes_mean,
)
from planner.case.case import Case
from planner.case.factor_names import (
    DISCRETE,
    DISCRETE_DELAY,
    GIVEN,
    SINGLE,
    Target,
    drives_a_phase,
    outcomes_of,
    shares_of,
    target_of,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Factor:
    """A factor of the table: its name, its model, what it drives, and its row."""

    name: str
    model: str
    target: Target
    row: pd.Series

    @property
    def has_regimes(self) -> bool:
        """Whether it needs uniforms for its regimes beside its normals."""
        return self.model == "two_regimes"

    @property
    def single(self) -> bool:
        """Whether one draw holds for a whole future: late halls, late deliveries, capex over budget, offered sizes."""
        return self.target.word in SINGLE

    def slip_months(self, normals: Floats, *, horizon: int) -> Ints:
        """Months late (early below 0) in each future, rounded to the nearest, from normals (M, S): shape (S,)."""
        months: Ints = np.rint(self._draw(normals, horizon)).astype(np.int64)
        return months

    def overrun(self, normals: Floats, *, horizon: int) -> Floats:
        """What is paid of the capex planned in each future, over its mean, from normals (M, S): shape (S,)."""
        paid: Floats = (1.0 + self._draw(normals, horizon)) / (1.0 + triangular_mean(**self._corners()))
        return paid

    def share(self, normals: Floats, *, horizon: int) -> Floats:
        """Share offered of a lease in each future, 0 to 1, from normals (M, S): shape (S,)."""
        return self._draw(normals, horizon)

    def _draw(self, normals: Floats, horizon: int) -> Floats:
        """One draw a future, from the sum of the shocks over the horizon: it joins the copula as what moves by month
        does."""
        # Month by month, so that no sum depends on how many scenarios there are.
        uniform = uniforms_of(np.cumsum(normals[:horizon], axis=0)[-1] / math.sqrt(horizon))
        if self.model == DISCRETE_DELAY:
            months, chances = outcomes_of(str(self.row["outcomes"]))
            return np.asarray(discrete(uniform, values=months, probabilities=chances))
        if self.model == DISCRETE:
            shares, chances = shares_of(str(self.row["outcomes"]))
            return np.asarray(discrete(uniform, values=shares, probabilities=chances))
        return np.asarray(triangular(uniform, **self._corners()))

    def _corners(self) -> dict[str, float]:
        return {name: float(self.row[name]) for name in ("low", "mode", "high")}

    def path(self, normals: Floats, uniforms: Floats | None) -> Floats:
        """Its multipliers over their mean, from normals and uniforms of shape (M, S): shape (S, M)."""
        volatility = float(self.row["volatility_per_year"])
        if self.model == "gbm":
            path = gbm(normals, volatility=volatility)
        elif self.model == "mean_reverting":
            path = mean_reverting_log(normals, volatility=volatility, reversion=float(self.row["reversion_per_year"]))
        else:
            assert uniforms is not None, "regimes need uniforms"
            path = self._regimes(normals, uniforms, volatility)
        return np.ascontiguousarray(path.T)

    def _regimes(self, normals: Floats, uniforms: Floats, volatility: float) -> Floats:
        stays = {
            "stay_glut_months": float(self.row["stay_glut_months"]),
            "stay_shortage_months": float(self.row["stay_shortage_months"]),
        }
        drifts = {
            "drift_glut": float(self.row["drift_glut_per_year"]),
            "drift_shortage": float(self.row["drift_shortage_per_year"]),
        }
        start = bool(self.row["starts_in_shortage"])
        shortage = in_shortage(uniforms, **stays, starts_in_shortage=start)
        mean = two_regimes_mean(len(normals), **drifts, **stays, starts_in_shortage=start)
        path: Floats = two_regimes(normals, shortage, volatility=volatility, **drifts) / np.array(mean)[:, None]
        return path


def table_factors(case: Case) -> tuple[Factor, ...]:
    """The factors of a case but for chances of a phase's delay, in the order of their table."""
    found = []
    for _, row in case.tables["factors"].iterrows():
        target = target_of(str(row["drives"]))
        assert target is not None, "the reader refuses a factor that drives nothing"
        if not drives_a_phase(str(row["model"]), str(row["drives"])):
            found.append(Factor(str(row["factor_id"]), str(row["model"]), target, row))
    return tuple(found)


def must_be_imported(factor: Factor) -> bool:
    """Whether the case leaves the paths of a factor to whoever makes the futures."""
    return factor.model == GIVEN
