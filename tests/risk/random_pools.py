"""Random masters with pools, and the one big programme that holds everything at once, put to SciPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pulp
import scipy.sparse as sp
from scipy.optimize import linprog

from planner.solver.column_generation.columns import ColumnValues, FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.model_arrays import linear_expression, model_arrays


@dataclass(frozen=True)
class Problem:
    """A master with a pool, and its plain numbers: values (n + N, S), use (rows, n + N), limit (rows,), upper (n +
    N,)."""

    fixed: FixedPart
    pool: Pool
    probability: np.ndarray
    values: np.ndarray
    use: np.ndarray
    limit: np.ndarray
    upper: np.ndarray


def random_problem(
    seed: int, *, columns: int = 40, scenarios: int = 12, groups: int = 4, resources: int = 3, repeated: bool = False
) -> Problem:
    """Providers of resources in the master; columns that use them, each in a group with a limit, in the pool."""
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.ones(scenarios) * 5.0)
    values = np.round(rng.normal(0.3, 1.0, (columns, scenarios)), 2)
    amount = np.round(rng.uniform(0.0, 1.0, (columns, resources)), 1)
    group = rng.integers(0, groups, columns)
    if repeated:
        half = columns // 2
        values[half : 2 * half], amount[half : 2 * half], group[
            half : 2 * half
        ] = values[:half], amount[:half], group[:half]
    limit = np.round(rng.uniform(0.5, 3.0, groups), 1)
    has, cost = np.round(rng.uniform(0.0, 2.0, resources), 1), np.round(rng.uniform(0.1, 0.8, resources), 2)
    problem = pulp.LpProblem("master", pulp.LpMaximize)
    bought = [problem.add_variable(f"buy{r}", 0.0, 2.0) for r in range(resources)]
    problem.setObjective(linear_expression(bought, -cost))
    for r in range(resources):
        problem.addConstraint(
            pulp.LpConstraint(
                linear_expression([bought[r]], [-1.0]), pulp.LpConstraintLE, f"resource{r}", float(has[r])
            )
        )
    for g in range(groups):
        problem.addConstraint(
            pulp.LpConstraint(pulp.LpAffineExpression(), pulp.LpConstraintLE, f"group{g}", float(limit[g]))
        )
    fixed_values = np.repeat(-cost[:, None], scenarios, axis=1)
    fixed_values[0] *= rng.uniform(0.5, 1.5, scenarios)  # a provider whose cost differs by scenario
    fixed = FixedPart(model_arrays(problem, variables=bought), ColumnValues.of(fixed_values, probability))
    inside = np.zeros((columns, groups))
    inside[np.arange(columns), group] = 1.0
    use = np.hstack([amount, inside])
    upper = np.where(rng.uniform(size=columns) < 0.3, 0.4, np.inf)
    pool = Pool(
        values, sp.csr_array(use), sp.csr_array(sp.eye_array(resources + groups)), np.ones(columns), group, limit,
        upper, threads=1,
    )
    provided = np.vstack([-np.eye(resources), np.zeros((groups, resources))])
    return Problem(
        fixed, pool, probability, np.vstack([fixed_values, values]), np.hstack([provided, use.T]),
        np.concatenate([has, limit]),
        np.concatenate([np.full(resources, 2.0), upper]),
    )


def big_programme(problem: Problem, measure: MeanCvar, *, cvar_limit: float | None = None) -> Any:
    """Rockafellar and Uryasev's programme as they wrote it, every column and every scenario in it, solved by SciPy."""
    count, scenarios = problem.values.shape
    p, share = measure.probability, measure.probability / (1.0 - measure.alpha)
    mean = problem.values @ p
    # columns: x, eta = VaR, u; minimise w (eta + share u) - (1 - w) mean x
    cost = np.concatenate([-(1.0 - measure.weight) * mean, [measure.weight], measure.weight * share])
    tail = np.hstack([-problem.values.T, -np.ones((scenarios, 1)), -np.eye(scenarios)])
    rows = [np.hstack([problem.use, np.zeros((len(problem.limit), 1 + scenarios))]), tail]
    limits = [problem.limit, np.zeros(scenarios)]
    if cvar_limit is not None:
        rows.append(np.concatenate([np.zeros(count), [1.0], share])[None, :])
        limits.append(np.array([cvar_limit]))
    bounds = [
        (0.0, None if np.isinf(most) else most) for most in problem.upper
    ] + [(None, None)] + [(0.0, None)] * scenarios
    return linprog(cost, A_ub=np.vstack(rows), b_ub=np.concatenate(limits), bounds=bounds, method="highs")
