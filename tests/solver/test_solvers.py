"""Solvers by name: refusals, honest states at limits, and what each cannot do."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pulp
import pytest
from cases.lp_bank import covering, infeasible, knapsack, two_products

from planner.errors import PlannerError
from planner.solver.cbc import has_cbc
from planner.solver.model_arrays import linear_expression, model_arrays, plain_problem
from planner.solver.options import Feature, SolverOptions
from planner.solver.solution import Claim, SolveError, checked, cleaned, dual_residuals, verify
from planner.solver.solvers import make_solver, solve, solver_names, supports
from planner.solver.status import Status

pytestmark = pytest.mark.quick

needs_cbc = pytest.mark.skipif(not has_cbc(), reason="no CBC on this machine")


def many_items(items: int = 40, rows: int = 10) -> tuple[Any, list[Any]]:
    """A multi-dimensional knapsack that no solver proves in a fraction of a second."""
    draw = np.random.default_rng(7)
    problem = pulp.LpProblem("items", pulp.LpMaximize)
    variables = [problem.add_variable(f"item{i}", 0, 3, pulp.LpInteger) for i in range(items)]
    problem.setObjective(linear_expression(variables, draw.integers(10, 100, items)))
    for _ in range(rows):
        expression = linear_expression(variables, draw.integers(1, 60, items))
        problem.addConstraint(pulp.LpConstraint(expression, pulp.LpConstraintLE, rhs=500))
    return problem, variables


def long_lp() -> tuple[Any, list[Any]]:
    problem, variables = many_items(400, 200)
    for variable in variables:
        variable.cat = pulp.LpContinuous
    return problem, variables


# --- by name ---


@pytest.mark.parametrize(("typed", "meant"), [("higs", "highs"), ("CBC", "cbc"), ("couopt", "cuopt")])
def test_an_unknown_solver_is_refused_with_the_nearest_name(typed: str, meant: str) -> None:
    with pytest.raises(PlannerError, match=f"unknown solver '{typed}'; did you mean '{meant}'"):
        solve(two_products()[0], SolverOptions(solver=typed))


def test_names() -> None:
    assert solver_names() == ("highs", "cbc", "cuopt")
    assert supports("highs", Feature.START)
    assert not supports("cbc", Feature.START)


@pytest.mark.parametrize("solver", ["cbc", "cuopt"])
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"start": np.zeros(2)}, "start"),
        ({"log": print}, "log"),
        ({"progress": lambda *_: None}, "progress"),
        ({"extra": {"presolve": "off"}}, "extra"),
    ],
)
def test_what_a_solver_cannot_honour_is_refused(solver: str, given: dict[str, Any], named: str) -> None:
    with pytest.raises(PlannerError, match=f"solver '{solver}' cannot take {named}"):
        make_solver(SolverOptions(solver=solver, **given))


@pytest.mark.parametrize(
    "wrong", [{"gap": -1e-4}, {"gap": float("nan")}, {"time_limit_s": -1.0}, {"threads": 0}, {"seed": -1}]
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PlannerError, match=f"{next(iter(wrong))} = "):
        SolverOptions(**wrong)


def test_ortools_stays_out_of_the_process() -> None:
    """Together with highspy it crashes; nothing here or in PuLP may load it."""
    make_solver(SolverOptions())
    assert "highspy" in sys.modules
    assert "ortools" not in sys.modules


# --- the model as arrays ---


def test_arrays_of_a_small_model() -> None:
    problem, variables = covering(pulp.LpMinimize)()
    problem += variables[0] - 5 == 2 * variables[1]
    arrays = model_arrays(problem, variables=variables)
    np.testing.assert_array_equal(arrays.matrix.toarray(), [[1, 1], [1, 3], [1, -2]])
    np.testing.assert_array_equal(arrays.row_lower, [4, 6, 5])
    np.testing.assert_array_equal(arrays.row_upper, [np.inf, np.inf, 5])
    np.testing.assert_array_equal(arrays.cost, [2, 3])
    assert not arrays.maximise
    assert not arrays.is_mip


def test_the_order_of_columns_is_that_of_the_caller_even_after_pulp_sorted_them() -> None:
    problem = pulp.LpProblem("order", pulp.LpMinimize)
    z, a = problem.add_variable("z", 1), problem.add_variable("a", 2)
    problem += z + 10 * a
    first = solve(problem).values
    problem.variables()  # sorts by name, in place
    np.testing.assert_array_equal(first, [1, 2])
    np.testing.assert_array_equal(solve(problem).values, [1, 2])
    np.testing.assert_array_equal(solve(problem, variables=[a, z]).values, [2, 1])


def test_a_variable_that_stands_nowhere_gets_a_level() -> None:
    problem, variables = two_products()
    lone = problem.add_variable("lone", 2, 5)
    solution = solve(problem, variables=[*variables, lone])
    assert 2 <= lone.varValue <= 5
    assert solution.value("lone") == lone.varValue


def test_a_variable_left_out_of_the_columns_is_refused() -> None:
    problem, variables = two_products()
    with pytest.raises(PlannerError, match="variable 'y' is used but not among"):
        solve(problem, variables=variables[:1])
    with pytest.raises(PlannerError, match="same variable twice"):
        solve(problem, variables=[*variables, variables[0]])


@pytest.mark.parametrize(
    ("coefficient", "why"),
    [(1e-9, "reads as zero"), (-3e-12, "reads as zero"), (2e15, "refuses"), (float("nan"), "not a number")],
)
def test_coefficients_that_a_solver_would_change_are_refused(coefficient: float, why: str) -> None:
    problem, (x, y) = two_products()
    expression = pulp.LpAffineExpression([(x, 1.0), (y, coefficient)])
    problem.addConstraint(pulp.LpConstraint(expression, pulp.LpConstraintLE, "mw", 5))
    with pytest.raises(PlannerError, match=f"row 'mw', variable 'y': coefficient .* {why}"):
        solve(problem)


def test_a_zero_coefficient_is_no_fault() -> None:
    problem, (x, y) = two_products()
    problem.addConstraint(pulp.LpConstraint(pulp.LpAffineExpression([(x, 0.0), (y, 1.0)]), pulp.LpConstraintLE, rhs=5))
    arrays = model_arrays(problem)
    assert np.diff(arrays.start).tolist() == [1, 1, 2, 1]
    assert solve(problem).objective == pytest.approx(5 * 5 + 3 * 8 / 3)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda p, x: setattr(x, "upBound", float("nan")), "variable 'x': upper bound nan"),
        (lambda p, x: setattr(x, "upBound", 1e20), "variable 'x': upper bound 1e.20"),
        (lambda p, x: p.objective.update({x: 1e21}), "variable 'x': cost 1e.21"),
        (lambda p, x: setattr(p._constraints["_C2"], "constant", 3e20), "row '_C2': limit -3e.20"),
        (lambda p, x: setattr(p._constraints["_C2"], "constant", float("inf")), "row '_C2' has the limit -inf"),
        (lambda p, x: setattr(p.objective, "constant", float("nan")), "objective has the constant nan"),
        (lambda p, x: p.sos1.update({"s": {x: 1}}), "special ordered sets"),
    ],
)
def test_numbers_that_would_pass_quietly_are_refused(spoil: Any, why: str) -> None:
    problem, (x, _) = two_products()
    spoil(problem, x)
    with pytest.raises(PlannerError, match=why):
        solve(problem)


def test_repeats_of_a_variable_are_added_up() -> None:
    problem = pulp.LpProblem("repeats", pulp.LpMaximize)
    x, y = problem.add_variable("x", 0), problem.add_variable("y", 0, 1)
    problem.setObjective(linear_expression([x, y], [1, 1]))
    problem.addConstraint(pulp.LpConstraint(linear_expression([x, y, x], [1, 2, 3]), pulp.LpConstraintLE, rhs=8))
    arrays = model_arrays(problem)
    assert arrays.matrix.toarray().tolist() == [[4.0, 2.0]]
    with pytest.raises(ValueError, match="shorter"):
        linear_expression([x, y], [1])


def test_a_name_that_two_variables_share_is_ambiguous_but_the_variables_are_not() -> None:
    problem = pulp.LpProblem("names", pulp.LpMaximize)
    a, b = problem.add_variable("x_A-1", 0, 1), problem.add_variable("x_A_1", 0, 2)
    problem += a + b
    solution = solve(problem)
    assert (solution.value(a), solution.value(b)) == (1, 2)
    with pytest.raises(PlannerError, match="'x_A_1' is the name of 2 variables"):
        solution.value("x_A_1")
    with pytest.raises(PlannerError, match="is not in this model"):
        solution.value(problem.add_variable("other"))


def test_relax_drops_integrality() -> None:
    problem, _ = knapsack()
    assert solve(problem).objective == pytest.approx(20)
    relaxed = solve(problem, SolverOptions(relax=True))
    # by value per weight: all of c (7 for 2), then a (10 for 3), then a quarter of b (13 for 4)
    assert relaxed.objective == pytest.approx(7 + 10 + 13 / 4)
    assert relaxed.duals == pytest.approx([13 / 4])


def test_a_plain_problem_has_the_same_arrays() -> None:
    problem, variables = knapsack()
    problem += 3 * variables[0] - variables[1] == 0.5
    problem += variables[2] >= -7
    arrays = model_arrays(problem)
    plain, columns = plain_problem(arrays)
    again = model_arrays(plain, variables=columns)
    for name in ("cost", "start", "index", "value", "row_lower", "row_upper", "col_lower", "col_upper", "integer"):
        np.testing.assert_array_equal(getattr(again, name), getattr(arrays, name))


# --- infeasible leaves nothing behind ---


@pytest.mark.parametrize("solver", ["highs", pytest.param("cbc", marks=needs_cbc)])
def test_an_infeasible_solve_removes_the_levels_of_an_earlier_one(solver: str) -> None:
    problem, variables = two_products()
    assert solve(problem, SolverOptions(solver=solver)).status is Status.OPTIMAL
    problem += variables[0] + variables[1] >= 99
    solution = solve(problem, SolverOptions(solver=solver))
    assert problem.status == pulp.LpStatusInfeasible
    assert [v.varValue for v in variables] == [None, None]
    assert all(row.pi is None and row.slack is None for row in problem._constraints.values())
    with pytest.raises(SolveError, match="No answer keeps every limit") as raised:
        solution.usable()
    assert raised.value.exit_code == 3


# --- limits ---


@needs_cbc
def test_cbc_without_time_for_a_mip_is_no_optimum() -> None:
    problem, variables = many_items()
    solution = solve(problem, SolverOptions(solver="cbc", time_limit_s=0.0), variables=variables)
    assert solution.status is Status.TIME_LIMIT
    assert solution.values is None
    assert problem.status == pulp.LpStatusNotSolved
    assert solution.bound >= solve(problem, SolverOptions(relax=True)).objective * (1 - 1e-6)


@needs_cbc
def test_cbc_without_time_for_an_lp_is_no_optimum() -> None:
    problem, variables = long_lp()
    best = solve(problem, variables=variables)
    solution = solve(problem, SolverOptions(solver="cbc", time_limit_s=0.0), variables=variables)
    assert solution.status in (Status.FEASIBLE, Status.TIME_LIMIT)
    assert problem.status == pulp.LpStatusNotSolved
    assert solution.duals is None
    if solution.status is Status.FEASIBLE:
        assert solution.objective < best.objective
        assert verify(problem, cleaned(solution.arrays, solution.values)).worst < 1e-6


@needs_cbc
def test_cbc_and_highs_agree_on_a_mip_and_its_bound() -> None:
    problem, variables = many_items(12, 4)
    highs = solve(problem, SolverOptions(gap=0.0), variables=variables)
    cbc = solve(problem, SolverOptions(solver="cbc", gap=0.0, threads=1), variables=variables)
    loose = solve(problem, SolverOptions(solver="cbc", gap=0.2), variables=variables)
    assert cbc.status is highs.status is loose.status is Status.OPTIMAL
    assert cbc.objective == pytest.approx(highs.objective)
    assert loose.bound >= highs.objective - 1e-6
    assert loose.gap <= 0.2


@needs_cbc
def test_cbc_and_highs_agree_on_the_duals_of_a_larger_lp() -> None:
    problem, variables = long_lp()
    highs = solve(problem, variables=variables)
    cbc = solve(problem, SolverOptions(solver="cbc"), variables=variables)
    assert cbc.status is highs.status is Status.OPTIMAL
    np.testing.assert_allclose(cbc.duals, highs.duals, atol=1e-5)
    np.testing.assert_allclose(cbc.reduced_costs, highs.reduced_costs, atol=1e-4)


def test_cbc_that_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp.PULP_CBC_CMD, "available", lambda self: False)
    with pytest.raises(PlannerError, match=r"CBC was not found.*apt-get install coinor-cbc"):
        solve(two_products()[0], SolverOptions(solver="cbc"))


# --- cuOpt, played by a stand-in with the habits of PuLP's own class ---


def test_cuopt_that_is_missing_says_what_to_install() -> None:
    if pulp.CUOPT(msg=False).available():
        pytest.skip("cuOpt is installed on this machine, so its absence cannot be tried")
    with pytest.raises(PlannerError, match=r"NVIDIA GPU: pip install cuopt-cu12.*screen with cuOpt, price with HiGHS"):
        solve(two_products()[0], SolverOptions(solver="cuopt"))


def stand_in(levels: list[float], code: int) -> type:
    """A solver that sets levels and duals and says `code`, as PuLP's CUOPT does at a limit."""

    class Cuopt(pulp.LpSolver):  # type: ignore[misc]
        made: list[Any] = []  # noqa: RUF012  # shared on purpose: it counts the objects

        def __init__(self, **given: Any) -> None:
            super().__init__(msg=False)
            self.given = given

        def available(self) -> bool:
            return True

        def actualSolve(self, lp: Any) -> int:
            self.made.append(self)
            for variable, level in zip(lp.variables(), levels, strict=True):
                variable.varValue, variable.dj = level, 0.0
            for row in lp._constraints.values():
                row.pi = 1.0
            lp.assignStatus(code)
            return code

    return Cuopt


@pytest.mark.parametrize(
    ("levels", "code", "status"),
    [
        ([2, 6], pulp.LpStatusOptimal, "OPTIMAL"),
        ([2 + 1e-5, 6], pulp.LpStatusOptimal, "OPTIMAL"),
        ([2.9, 6], pulp.LpStatusOptimal, "ERROR"),
        ([1, 1], pulp.LpStatusNotSolved, "FEASIBLE"),
        ([9, 9], pulp.LpStatusNotSolved, "TIME_LIMIT"),
        ([float("nan"), 0], pulp.LpStatusOptimal, "ERROR"),
        ([2, 6], pulp.LpStatusInfeasible, "INFEASIBLE"),
    ],
)
def test_cuopt_is_believed_only_as_far_as_its_levels(
    levels: list[float], code: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulp, "CUOPT", stand_in(levels, code))
    solution = solve(two_products()[0], SolverOptions(solver="cuopt"))
    assert solution.status is Status[status]
    assert solution.duals is None
    if solution.status.has_values:
        assert "price with HiGHS" in solution.message


def test_cuopt_gets_a_fresh_solver_each_time_and_the_limits_it_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = stand_in([2, 6], pulp.LpStatusOptimal)
    monkeypatch.setattr(pulp, "CUOPT", fake)
    for _ in range(2):
        solve(two_products()[0], SolverOptions(solver="cuopt", gap=0.0, time_limit_s=9.0))
    assert len({id(program) for program in fake.made}) == 2
    assert fake.made[0].given["timeLimit"] == 9.0
    assert 0 < fake.made[0].given["gapRel"] <= 1e-9  # PuLP drops a gap of 0
    nothing = solve(two_products()[0], SolverOptions(solver="cuopt", time_limit_s=0.0))  # and reads 0 s as no limit
    assert nothing.status is Status.TIME_LIMIT
    assert len(fake.made) == 2


# --- claims against numbers ---


def _claim(**changes: Any) -> Claim:
    """The true answer of `two_products`, or what a wrong solver would make of it."""
    true: dict[str, Any] = {
        "status": Status.OPTIMAL,
        "solver": "test",
        "seconds": 0.0,
        "values": np.array([2.0, 6.0]),
        "duals": np.array([0.0, 1.5, 1.0]),
        "reduced_costs": np.zeros(2),
        "basic": True,
        "objective": 36.0,
    }
    return Claim(**(true | changes))


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({}, "OPTIMAL", ""),
        ({"values": np.array([4.0, 6.0])}, "ERROR", "break the model at row '_C3'"),
        ({"values": np.array([2.0, -1.0])}, "ERROR", "break the model at variable 'y'"),
        ({"values": None}, "ERROR", "no usable levels"),
        ({"objective": 36.1}, "ERROR", "its levels give 36"),
        ({"duals": np.array([0.0, -1.5, -1.0])}, "FEASIBLE", "its duals fail the check"),
        ({"duals": np.array([0.0, 1.5, 1.1])}, "FEASIBLE", "its duals fail the check"),
        ({"reduced_costs": np.array([0.0, 0.2])}, "FEASIBLE", "its duals fail the check"),
        ({"values": np.array([0.0, 6.0]), "objective": 30.0}, "FEASIBLE", "its duals fail the check"),
        ({"basic": False}, "OPTIMAL", "not basic"),
        ({"status": Status.FEASIBLE, "values": np.array([9.0, 9.0])}, "TIME_LIMIT", "break the model"),
    ],
)
def test_a_claim_is_checked_against_its_numbers(changes: dict[str, Any], status: str, said: str) -> None:
    solution = checked(model_arrays(two_products()[0]), _claim(**changes), gap=1e-4)
    assert solution.status is Status[status]
    assert said in solution.message
    assert (solution.duals is not None) == (not changes)


def test_each_condition_of_the_duals_is_seen_on_its_own() -> None:
    problem = pulp.LpProblem("zero", pulp.LpMaximize)
    x = problem.add_variable("x", None)
    problem += x
    problem += x <= 0
    problem += x <= 0
    arrays, level = model_arrays(problem), np.zeros(1)
    assert dual_residuals(arrays, level, np.array([0.5, 0.5]), np.zeros(1)).within(0.0)
    pushing_away = dual_residuals(arrays, level, np.array([2.0, -1.0]), np.zeros(1))
    assert (pushing_away.sign, pushing_away.strong_duality, pushing_away.stationarity) == (1.0, 0.0, 0.0)
    too_dear = dual_residuals(arrays, level, np.array([1.0, 0.25]), np.zeros(1))
    assert (too_dear.sign, too_dear.strong_duality, too_dear.stationarity) == (0.0, 0.0, 0.25)
    slack = dual_residuals(arrays, np.array([-3.0]), np.array([1.0, 0.0]), np.zeros(1))
    assert (slack.complementarity, slack.strong_duality, slack.sign) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("bound", "status"), [(20.0, "OPTIMAL"), (20.001, "OPTIMAL"), (23.0, "FEASIBLE"), (19.0, "ERROR")]
)
def test_a_mip_is_optimal_only_to_the_gap_that_was_asked(bound: float, status: str) -> None:
    claim = _claim(values=np.array([0.0, 1.0, 1.0]), objective=20.0, bound=bound)
    solution = checked(model_arrays(knapsack()[0]), claim, gap=1e-4)
    assert solution.status is Status[status]
    if solution.status.has_values:
        assert solution.gap == pytest.approx(abs(bound - 20) / 20)


def test_levels_are_cleaned_once() -> None:
    arrays = model_arrays(knapsack()[0])
    raw = np.array([1e-7, 1.0 - 2e-7, 1.0 + 3e-8])
    np.testing.assert_array_equal(cleaned(arrays, raw), [0.0, 1.0, 1.0])
    lp = model_arrays(two_products()[0])
    np.testing.assert_array_equal(cleaned(lp, np.array([-3e-8, 5e-10])), [0.0, 0.0])
    np.testing.assert_array_equal(cleaned(lp, np.array([-0.5, 3.0])), [-0.5, 3.0])  # a real violation stays to be seen


def test_violations_by_kind() -> None:
    problem, _ = knapsack()
    broken = verify(problem, np.array([1.0, 1.5, -0.25]))
    assert broken.rows == pytest.approx(3 + 6 - 0.5 - 6)
    assert broken.bounds == pytest.approx(0.5)
    assert broken.integrality == pytest.approx(0.5)
    assert not broken.within(1e-3)
    with pytest.raises(PlannerError, match="shape"):
        verify(problem, np.zeros(2))
    with pytest.raises(PlannerError, match="level nan"):
        verify(problem, np.array([np.nan, 0, 0]))


def test_infeasible_bank_model_has_nothing_to_verify() -> None:
    solution = solve(infeasible()[0])
    with pytest.raises(SolveError):
        solution.value("x")
