"""The rows of `factors` that move by month, as multipliers of mean one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kernels.factor_models import gbm, in_shortage, mean_reverting_log, two_regimes, two_regimes_mean
from planner.case.case import Case
from planner.case.factor_names import DISCRETE_DELAY, GIVEN, Target, target_of

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Factor:
    """A factor by month: its name, its model, what it drives, and its row."""

    name: str
    model: str
    target: Target
    row: pd.Series

    @property
    def has_regimes(self) -> bool:
        """Whether it needs uniforms for its regimes beside its normals."""
        return self.model == "two_regimes"

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
        stays = {"stay_glut_months": float(self.row["stay_glut_months"]), "stay_shortage_months": float(self.row["stay_shortage_months"])}
        drifts = {"drift_glut": float(self.row["drift_glut_per_year"]), "drift_shortage": float(self.row["drift_shortage_per_year"])}
        start = bool(self.row["starts_in_shortage"])
        shortage = in_shortage(uniforms, **stays, starts_in_shortage=start)
        mean = two_regimes_mean(len(normals), **drifts, **stays, starts_in_shortage=start)
        path: Floats = two_regimes(normals, shortage, volatility=volatility, **drifts) / np.array(mean)[:, None]
        return path


def monthly_factors(case: Case) -> tuple[Factor, ...]:
    """The factors of a case that move by month, in the order of their table."""
    found = []
    for _, row in case.tables["factors"].iterrows():
        target = target_of(str(row["drives"]))
        assert target is not None, "the reader refuses a factor that drives nothing"
        if row["model"] != DISCRETE_DELAY:
            found.append(Factor(str(row["factor_id"]), str(row["model"]), target, row))
    return tuple(found)


def must_be_brought(factor: Factor) -> bool:
    """Whether the case leaves the paths of a factor to whoever makes the futures."""
    return factor.model == GIVEN
