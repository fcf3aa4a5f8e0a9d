"""Every model of the bank through every solver that is here."""

from __future__ import annotations

import numpy as np
import pytest
from cases.lp_bank import BANK, Known

from planner.solver.cbc import has_cbc
from planner.solver.options import SolverOptions
from planner.solver.solution import verify, verify_duals
from planner.solver.solvers import solve
from planner.solver.status import Status

pytestmark = pytest.mark.quick

CBC = pytest.param(
    "cbc",
    marks=pytest.mark.skipif(not has_cbc(), reason="no CBC on this machine"),
)


@pytest.mark.parametrize("solver", ["highs", CBC])
@pytest.mark.parametrize("known", BANK, ids=lambda known: known.name)
def test_the_known_answer(known: Known, solver: str) -> None:
    problem, variables = known.build()
    solution = solve(problem, SolverOptions(solver=solver), variables=variables)
    assert solution.status is Status[known.status]
    if known.objective is None:
        assert solution.values is None
        assert solution.objective is None
        assert [variable.varValue for variable in variables] == [None] * len(variables)
        return
    assert solution.objective == pytest.approx(known.objective, abs=1e-7)
    np.testing.assert_allclose(solution.values, known.values, atol=1e-6)
    np.testing.assert_allclose([variable.varValue for variable in variables], known.values, atol=1e-6)
    assert verify(solution.arrays, solution.values).worst <= 1e-7
    assert solution.bound == pytest.approx(known.objective, abs=1e-6)
    assert solution.gap <= 1e-4


@pytest.mark.parametrize("solver", ["highs", CBC])
@pytest.mark.parametrize(
    "known", [known for known in BANK if known.objective is not None and not known.mip], ids=lambda known: known.name
)
def test_the_known_duals(known: Known, solver: str) -> None:
    problem, variables = known.build()
    solution = solve(problem, SolverOptions(solver=solver), variables=variables)
    residuals = verify_duals(solution.arrays, solution)
    assert residuals.within(1e-7)
    assert residuals.dual_objective == pytest.approx(known.objective, abs=1e-6)
    if known.duals is None:
        return
    np.testing.assert_allclose(solution.duals, known.duals, atol=1e-7)
    np.testing.assert_allclose(solution.reduced_costs, known.reduced_costs, atol=1e-7)
    assert [row.pi for row in problem._constraints.values()] == pytest.approx(list(known.duals), abs=1e-7)
    assert [variable.dj for variable in variables] == pytest.approx(list(known.reduced_costs), abs=1e-7)


@pytest.mark.parametrize("solver", ["highs", CBC])
@pytest.mark.parametrize("known", [known for known in BANK if known.mip], ids=lambda known: known.name)
def test_a_mip_has_no_duals(known: Known, solver: str) -> None:
    problem, variables = known.build()
    solution = solve(problem, SolverOptions(solver=solver), variables=variables)
    assert solution.duals is None
    assert all(row.pi is None for row in problem._constraints.values())
    assert all(variable.dj is None for variable in variables)
