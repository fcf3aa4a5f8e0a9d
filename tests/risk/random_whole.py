"""Random pools with whole decisions in the master (openings, leases taken or not, a link, power in steps), and every
whole choice in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pulp
import scipy.sparse as sp
from random_pools import Problem, big_programme

from planner.solver.column_generation.columns import ColumnValues, FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.model_arrays import linear_expression, model_arrays

OPENINGS, STEPS, LEASES = 2, 2, 3
DECISIONS = OPENINGS + 1 + LEASES + 1
"""Sites opened, power of the first in steps, leases taken, one link."""


@dataclass(frozen=True)
class WholeProblem:
    """A problem whose first DECISIONS columns are whole, at most `most` (DECISIONS,)."""

    problem: Problem
    most: np.ndarray


def random_whole_problem(seed: int, *, columns: int = 30, scenarios: int = 8) -> WholeProblem:
    """Bundles stand on one of two sites and serve one of three leases; site and lease must be there.

    Lease 0 is all or nothing (served whole or not at all), lease 1 has a least size, and leases 1 and 2 together take
    the link. Rows: MW of each site, then each lease at most and at least its size, then the link.
    """
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.ones(scenarios) * 5.0)
    opening, step, lease, link = np.split(np.arange(DECISIONS), np.cumsum([OPENINGS, 1, LEASES]))
    cost = np.round(
        np.concatenate(
            [rng.uniform(0.2, 1.5, OPENINGS), rng.uniform(0.1, 0.4, 1), np.zeros(LEASES), rng.uniform(0.1, 0.6, 1)]
        ),
        2,
    )
    site, group = rng.integers(0, OPENINGS, columns), rng.integers(0, LEASES, columns)
    values = np.round(rng.normal(0.6, 0.8, (columns, 1)) + rng.normal(0.0, 0.8, (columns, scenarios)), 2)
    mw, size = np.round(rng.uniform(0.4, 1.0, columns), 1), np.round(rng.uniform(0.8, 2.0, LEASES), 1)
    least = size * np.array([1.0, 0.5, 0.0])
    rows = OPENINGS + 2 * LEASES + 1
    master, use = np.zeros((rows, DECISIONS)), np.zeros((columns, rows))
    master[np.arange(OPENINGS), opening] = -np.array([1.0, 2.0])
    master[0, step] = -0.5
    master[OPENINGS + np.arange(LEASES), lease] = -size
    master[OPENINGS + LEASES + np.arange(LEASES), lease] = least
    master[-1, lease[1:]], master[-1, link] = 1.0, -1.0
    use[np.arange(columns), site] = mw
    use[np.arange(columns), OPENINGS + group] = 1.0
    use[np.arange(columns), OPENINGS + LEASES + group] = -1.0
    limit = np.append(np.zeros(rows - 1), 1.0)
    most = np.concatenate([np.ones(OPENINGS), [STEPS], np.ones(LEASES), [1.0]])
    # Power in steps only on a site that is open.
    master, use, limit = np.vstack([master, np.zeros(DECISIONS)]), np.hstack(
        [use, np.zeros((columns, 1))]
    ), np.append(limit, 0.0)
    master[-1, opening[0]], master[-1, step] = -STEPS, 1.0
    problem = pulp.LpProblem("whole", pulp.LpMaximize)
    decided = [problem.add_variable(f"d{j}", 0, int(most[j]), pulp.LpInteger) for j in range(DECISIONS)]
    problem.setObjective(linear_expression(decided, -cost))
    for r in range(rows + 1):
        held = np.flatnonzero(master[r])
        expression = linear_expression([decided[j] for j in held], master[r, held])
        problem.addConstraint(pulp.LpConstraint(expression, pulp.LpConstraintLE, f"row{r}", float(limit[r])))
    certain = np.repeat(-cost[:, None], scenarios, axis=1)
    fixed = FixedPart(model_arrays(problem, variables=decided), ColumnValues.of(certain, probability))
    pool = Pool(
        values, sp.csr_array(use), sp.csr_array(sp.eye_array(rows + 1)), np.ones(columns), group.astype(np.int64), size,
        np.full(columns, np.inf), threads=1
    )
    upper = np.concatenate([most, np.full(columns, np.inf)])
    return WholeProblem(
        Problem(fixed, pool, probability, np.vstack([certain, values]), np.hstack([master, use.T]), limit, upper), most
    )


def best_of_all(whole: WholeProblem, measure: MeanCvar, *, cvar_limit: float | None = None) -> float:
    """The best value over every whole choice in turn, the bundles of each chosen by SciPy out of all; -inf where none
    has a plan."""
    found = -np.inf
    problem = whole.problem
    for choice in product(*(range(int(most) + 1) for most in whole.most)):
        level = np.array(choice, dtype=float)
        # All that was decided stands in one last column, which a row holds at 1.
        used = problem.use[:, :DECISIONS] @ level
        use = np.hstack([problem.use[:, DECISIONS:], used[:, None]])
        row = np.zeros((1, use.shape[1]))
        row[0, -1] = -1.0
        held = replace(
            problem, values=np.vstack([problem.values[DECISIONS:], level @ problem.values[:DECISIONS]]),
            use=np.vstack([use, row]),
            limit=np.append(problem.limit, -1.0), upper=np.append(problem.upper[DECISIONS:], 1.0),
        )
        answer = big_programme(held, measure, cvar_limit=cvar_limit)
        if answer.status == 0:
            found = max(found, -answer.fun)
    return found
