"""The model of a plan in PuLP, one family of rows at a time.

    maximise    sum over columns of NPV x level
    subject to  sum of use x level <= limit        for each row of each family of resources
                level of a stock = its level before + what comes - what goes
                on demand at sites = taken by tiers, and its MW = drawn on phases       (where sells are pooled)
                0/1 and whole decisions are whole

In units of money that fit the case (see `money`), thousand GPUs and MW. The rows of each family state their inequality
in `resources.Family`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pulp
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.candidates.resources import Family
from planner.formulation.formulation import Balance, Formulation
from planner.solver.model_arrays import linear_expression


@dataclass(frozen=True)
class Model:
    """A PuLP problem with its columns in the order of `formulation`, and what each of its rows is.

    resource_row: row of `formulation.resources` behind each resource row of the problem, in order, then balances.
    row_scale: what each resource row was divided by. Values and prices of its solutions become dollars here alone.
    """

    problem: Any
    variables: list[Any]
    formulation: Formulation
    resource_row: Ints
    row_scale: Floats

    @property
    def money(self) -> float:
        """Dollars of one unit of the objective."""
        return self.formulation.money

    @property
    def column_names(self) -> list[str]:
        """What each column decides: a candidate by its id, GPUs on demand by place, tier or phase, a stock by its
        month."""
        return self.formulation.name

    @property
    def row_names(self) -> list[str]:
        """What each row limits: `PHASE:source:phase@2028-01`, from that month on; then the balances by what they
        tie."""
        written = self.formulation.candidates.outlook.calendar.written
        table = self.formulation.resources.table.iloc[self.resource_row]
        limits = [
            f"{family}:{name}@{written(month)}"
            for family, name, month in zip(table["family"], table["name"], table["start"].tolist(), strict=True)
        ]
        return limits + [f"balance:{name}" for balance in self.formulation.balances for name in balance.names]

    def usd(self, value: float) -> float:
        """A value of the objective in dollars."""
        return value * self.money

    def usd_per_limit(self, duals: Floats) -> Floats:
        """Prices of the resource rows in dollars for each unit of their limit, (resource rows,), from the duals of all
        rows."""
        return duals[: len(self.row_scale)] * self.money / self.row_scale

    def usd_per_unit(self, costs: Floats) -> Floats:
        """Costs, or reduced costs, of the columns in dollars for each unit of their level, (columns,).

        What stands behind them in a model made from this one (the tail of a plan after risk, bundles of a pool) is left
        out.
        """
        return costs[: len(self.formulation.unit)] * self.money / self.formulation.unit


def make_model(formulation: Formulation, *, relax: bool = False) -> Model:
    """Write the model of a candidate set in PuLP; `relax` makes every decision continuous."""
    problem = pulp.LpProblem("plan", pulp.LpMaximize)
    variables = _columns(problem, formulation, relax)
    problem.setObjective(linear_expression(variables, formulation.npv_usd * formulation.unit / formulation.money))
    rows, scale = add_resource_rows(problem, variables, formulation)
    for balance in formulation.balances:
        add_balance_rows(problem, variables, formulation, balance)
    return Model(problem, variables, formulation, rows, scale)


def _columns(problem: Any, formulation: Formulation, relax: bool) -> list[Any]:
    bounds = [(bound / formulation.unit).tolist() for bound in (formulation.lower, formulation.upper)]
    columns = zip(*bounds, formulation.integral.tolist(), strict=True)
    return [
        problem.add_variable(
            f"c{number}",
            None if low == -math.inf else low,
            None if up == math.inf else up,
            pulp.LpInteger if whole and not relax else pulp.LpContinuous,
        )
        for number, (low, up, whole) in enumerate(columns)
    ]


def add_resource_rows(problem: Any, variables: list[Any], formulation: Formulation) -> tuple[Ints, Floats]:
    """sum over columns of use[column, row] x level[column] <= limit[row], family by family.

    A row that no levels can break (nothing is used, only provided) is left out. Returns the rows and their scales.
    """
    family = formulation.resources.table["family"].to_numpy(object)
    rows = np.concatenate([np.flatnonzero(family == each.name) for each in Family])
    if not len(rows):
        return rows, np.zeros(0)
    use = sp.csr_array(formulation.resources.use[rows] * formulation.unit[None, :])
    limit = formulation.resources.table["limit"].to_numpy(np.float64)[rows]
    uses = np.asarray((use > 0).sum(axis=1)).reshape(-1) > 0
    kept = np.flatnonzero(uses | (limit < 0.0) | _can_be_negative(formulation, use))
    scale = row_scales(use)[kept]
    names = [f"{family[number]}_{number}" for number in rows[kept]]
    _add(problem, variables, use[kept], scale, pulp.LpConstraintLE, limit[kept], names)
    return rows[kept], scale


def _can_be_negative(formulation: Formulation, use: sp.csr_array) -> np.ndarray:
    """Rows with a column whose level may be negative."""
    free = (formulation.lower < 0.0).astype(float)
    touched: np.ndarray = (abs(use) @ free) > 0.0
    return touched


def add_balance_rows(problem: Any, variables: list[Any], formulation: Formulation, balance: Balance) -> None:
    """sum of coefficient x level = 0, for each row of a balance."""
    matrix = sp.csr_array(balance.matrix * formulation.unit[None, :])
    scale = row_scales(matrix)
    label = balance.names[0].split(":")[0] if balance.names else "balance"
    names = [f"{label}_{i}" for i in range(matrix.shape[0])]
    _add(problem, variables, matrix, scale, pulp.LpConstraintEQ, np.zeros(len(names)), names)


def row_scales(matrix: sp.csr_array) -> Floats:
    """A power of two near the largest coefficient of each row, so that scaling is exact."""
    largest = abs(matrix).max(axis=1).toarray().reshape(-1)
    return np.exp2(np.round(np.log2(np.where(largest > 0.0, largest, 1.0))))


def _add(
    problem: Any, variables: list[Any], matrix: sp.csr_array, scale: Floats, sense: int, limit: Floats, names: list[str]
) -> None:
    """matrix @ columns against limit, row by row, each row divided by its scale."""
    rows = sp.csr_array(matrix)
    # Plain lists: a NumPy number costs several times a Python one wherever it is touched alone.
    values = (rows.data / np.repeat(scale, np.diff(rows.indptr))).tolist()
    columns = [variables[j] for j in rows.indices.tolist()]
    edges = pairwise(rows.indptr.tolist())
    for (start, stop), most, name in zip(edges, (limit / scale).tolist(), names, strict=True):
        expression = linear_expression(columns[start:stop], values[start:stop])
        problem.addConstraint(pulp.LpConstraint(expression, sense, name, most))
