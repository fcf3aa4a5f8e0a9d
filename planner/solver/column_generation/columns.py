"""What the columns of a model are worth by scenario, and pools of columns too many for one model.

Money is in the unit of the model of a plan (`Formulation.money`), per unit of a column (thousand GPUs, MW or a whole
decision).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from kernels.cpu.pool_pricing import PoolPricer, sparse_rows
from planner.arrays import Floats, Ints
from planner.errors import PlannerError
from planner.solver.model_arrays import ModelArrays

MILLION = 1e6
SAME = 1e-12
"""A column whose values differ by less than this share of them over the scenarios is worth the same in all."""


@dataclass(frozen=True, eq=False)
class ColumnValues:
    """NPV by column and scenario, split: mean (n,); deviation from it (k, S) of the columns `varying` (k,), 0 for
    others.

    Most columns (capex, openings, halls) are worth the same in every scenario, so most rows of a scenario are empty.
    money: dollars of one unit of them.
    """

    mean: Floats
    varying: Ints
    deviation: Floats
    money: float = MILLION

    @staticmethod
    def of(values: Floats, probability: Floats, *, money: float = MILLION) -> ColumnValues:
        """The split of values (n, S) at scenario probabilities (S,); raises PlannerError for NaN or infinite values."""
        mean = values @ probability
        if not np.isfinite(mean).all():
            raise PlannerError(
                f"the NPV of column {int(np.flatnonzero(~np.isfinite(mean))[0])} is not a number in some scenario; "
                "look for missing input"
            )
        spread = (
            values.max(axis=1, initial=-np.inf) - values.min(axis=1, initial=np.inf) if len(values) else np.zeros(0)
        )
        varying = np.flatnonzero(spread > SAME * np.maximum(np.abs(mean), SAME))
        return ColumnValues(mean, varying, values[varying] - mean[varying, None], money)

    @property
    def scenarios(self) -> int:
        """How many scenarios."""
        return int(self.deviation.shape[1])

    def npv(self, levels: Floats) -> Floats:
        """NPV by scenario of a plan, (S,), from levels (n,)."""
        found: Floats = float(self.mean @ levels) + levels[self.varying] @ self.deviation
        return found

    def at(self, weights: Floats) -> Floats:
        """Value of a unit of each column at scenario weights (S,), which need not add to 1; shape (n,)."""
        worth = self.mean * float(weights.sum())
        worth[self.varying] += self.deviation @ weights
        return worth


@dataclass(frozen=True, eq=False)
class FixedPart:
    """What always stands in the master: rows and columns of a model, and what its columns are worth by scenario."""

    arrays: ModelArrays
    values: ColumnValues


@dataclass(frozen=True, eq=False)
class Pool:
    """Columns of which few will be held, over the rows of a fixed part.

    values: (N, S) NPV by scenario, float32 or float64, in memory or mapped from a file. use: (N, P) sparse, over
    points;
    points: (P, rows) sparse: what a unit of a point uses of each row of the master, so that a column uses use @ points.
    share: (N,) units of its group's limit per unit of the column; group: (N,) below G; limit: (G,): the levels of a
    group's columns obey sum of share x level <= limit, whatever else holds; that makes the bound finite. upper: (N,).
    on_device: the values once more in the memory of a GPU, which prices them; None where the CPU does.
    """

    values: Any
    use: sp.csr_array
    points: sp.csr_array
    share: Floats
    group: Ints
    limit: Floats
    upper: Floats
    threads: int | None = field(default=None)
    on_device: Any = field(default=None)

    def __post_init__(self) -> None:
        if not np.isfinite(self.limit).all() or (self.limit < 0.0).any():
            raise PlannerError(
                "a group of the pool has no finite limit of 0 or more, so nothing bounds what its columns could add; "
                "give it one"
            )

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @cached_property
    def pricer(self) -> PoolPricer:
        """The pool as the kernels price it."""
        return PoolPricer(
            self.values if self.on_device is None else self.on_device, sparse_rows(self.use), self.share, self.group,
            len(self.limit), self.threads,
        )

    def columns(self, chosen: Ints) -> tuple[Floats, sp.csc_array]:
        """Values (k, S) in float64 and uses (rows, k) of some columns."""
        values = np.asarray(self.values[chosen], dtype=np.float64)
        return values, sp.csc_array((sp.csr_array(self.use[chosen]) @ self.points).T)
