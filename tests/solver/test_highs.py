"""HiGHS: bulk hand-over, honest states, duals, re-solves, starts and interrupts."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from typing import Any

import numpy as np
import pulp
import pytest
from cases.lp_bank import BANK, fixed_charge, knapsack, two_products, unbounded

from planner.errors import PlannerError
from planner.solver.changes import Changes
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import linear_expression, model_arrays
from planner.solver.options import SolverOptions
from planner.solver.solution import verify, verify_duals
from planner.solver.solvers import solve
from planner.solver.status import Status

pytestmark = pytest.mark.quick


def packing(items: int, rows: int, *, seed: int = 3, integer: bool = False) -> tuple[Any, list[Any]]:
    """max c x, A x <= b, 0 <= x <= 3 with random whole numbers; x = 0 is feasible."""
    draw = np.random.default_rng(seed)
    problem = pulp.LpProblem("packing", pulp.LpMaximize)
    kind = pulp.LpInteger if integer else pulp.LpContinuous
    variables = [problem.add_variable(f"x{j}", 0, 3, kind) for j in range(items)]
    problem.setObjective(linear_expression(variables, draw.integers(10, 100, items)))
    for _ in range(rows):
        expression = linear_expression(variables, draw.integers(1, 60, items))
        problem.addConstraint(pulp.LpConstraint(expression, pulp.LpConstraintLE, rhs=int(draw.integers(300, 600))))
    return problem, variables


def limit_of(row: int, limit: float) -> Changes:
    return Changes(rows=(np.array([row]), np.array([-np.inf]), np.array([limit])))


HIGHS_NAMES = {"cost": "col_cost_"}


# --- as a solver of PuLP ---


def test_pulp_solves_through_the_solver_and_keeps_the_model() -> None:
    problem, (x, y) = two_products()
    solver = HighsSolver()
    assert problem.solve(solver) == pulp.LpStatusOptimal
    assert (x.varValue, y.varValue) == (2, 6)
    assert problem.solverModel is solver.highs
    assert solver.highs.getNumNz() == 4
    rows = list(problem._constraints.values())
    assert [row.slack for row in rows] == pytest.approx([2, 0, 0])
    assert pulp.value(problem.objective) == pytest.approx(solver.solution.objective)


def test_an_objective_that_is_a_constant() -> None:
    problem = pulp.LpProblem("constant", pulp.LpMinimize)
    x = problem.add_variable("x", 1, 2)
    problem += 7
    problem += x >= 1
    assert problem.solve(HighsSolver()) == pulp.LpStatusOptimal
    problem.variables()
    solution = solve(problem)  # PuLP has left its dummy variable in the objective and among the variables
    assert solution.objective == 7
    assert solution.arrays.columns == 1


def test_a_model_without_an_objective() -> None:
    problem = pulp.LpProblem("none", pulp.LpMinimize)
    x = problem.add_variable("x", 0)
    problem += x >= 3
    assert solve(problem).objective == 0
    assert x.varValue >= 3


@pytest.mark.parametrize(("limit", "status"), [(0.0, "OPTIMAL"), (-1.0, "INFEASIBLE")])
def test_a_model_without_variables(limit: float, status: str) -> None:
    problem = pulp.LpProblem("empty", pulp.LpMinimize)
    problem += 3
    problem.addConstraint(pulp.LpConstraint(pulp.LpAffineExpression(), pulp.LpConstraintLE, rhs=limit))
    solution = solve(problem)
    assert solution.status is Status[status]
    assert solution.objective == (3 if status == "OPTIMAL" else None)


def test_the_arrays_arrive_as_they_are() -> None:
    problem, variables = packing(30, 20, integer=True)
    arrays = model_arrays(problem, variables=variables)
    solver = HighsSolver(SolverOptions(time_limit_s=0.0))
    solver.solve_arrays(arrays)
    lp = solver.highs.getLp()
    np.testing.assert_array_equal(lp.col_cost_, arrays.cost)
    np.testing.assert_array_equal(lp.row_upper_, arrays.row_upper)
    assert len(lp.integrality_) == 30
    for row in (0, 7, 19):
        _, index, value = solver.highs.getRowEntries(row)
        np.testing.assert_array_equal(np.sort(index), np.sort(arrays.index[arrays.start[row] : arrays.start[row + 1]]))
        assert value.sum() == arrays.matrix[[row]].sum()


# --- options ---


def test_a_misspelt_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(PlannerError, match="no option 'simplex_strateg'; did you mean 'simplex_strategy'"):
        solve(two_products()[0], SolverOptions(extra={"simplex_strateg": 4}))


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ({"presolve": "maybe"}, "does not accept 'maybe'"),
        ({"simplex_iteration_limit": 1.5}, "does not accept 1.5"),
        ({"mip_rel_gap": 0.1}, "is set by gap"),
        ({"time_limit": 3}, "is set by time_limit_s"),
        ({"small_matrix_value": 1e-12}, "is set by units"),
    ],
)
def test_options_that_would_do_nothing_or_harm_are_refused(extra: dict[str, Any], why: str) -> None:
    with pytest.raises(PlannerError, match=why):
        solve(two_products()[0], SolverOptions(extra=extra))


def test_a_whole_number_serves_an_option_that_takes_a_real_one() -> None:
    solver = HighsSolver(SolverOptions(extra={"objective_target": -5}, seed=11))
    solver.solve_arrays(model_arrays(two_products()[0]))
    assert solver.highs.getOptionValue("objective_target")[1] == -5.0
    assert solver.highs.getOptionValue("random_seed")[1] == 11


def test_threads_may_change_from_solve_to_solve() -> None:
    problem, variables = packing(40, 20)
    objectives = [solve(problem, SolverOptions(threads=t), variables=variables).objective for t in (1, 2, None, 1)]
    assert objectives == pytest.approx([objectives[0]] * 4)


# --- limits are never called optimal ---


@pytest.mark.parametrize("strategy", [1, 4], ids=["dual simplex", "primal simplex"])
def test_an_iteration_limit_on_an_lp(strategy: int) -> None:
    problem, variables = packing(60, 40)
    best = solve(problem, variables=variables).objective
    extra = {"simplex_iteration_limit": 3, "presolve": "off", "simplex_strategy": strategy}
    solution = solve(problem, SolverOptions(extra=extra), variables=variables)
    assert solution.status in (Status.FEASIBLE, Status.TIME_LIMIT)
    assert problem.status == pulp.LpStatusNotSolved
    assert "iteration limit" in solution.message or "break the model" in solution.message
    assert solution.duals is None
    assert solution.bound is None
    if strategy == 4:  # the primal simplex is at a feasible vertex all the time
        assert solution.status is Status.FEASIBLE
        assert 0 < solution.objective < best


def test_no_time_for_an_lp() -> None:
    problem, variables = packing(60, 40)
    problem += variables[0] + variables[1] >= 1  # so that 0 is no answer
    solution = solve(problem, SolverOptions(time_limit_s=0.0), variables=variables)
    assert solution.status is Status.TIME_LIMIT
    assert [v.varValue for v in variables] == [None] * 60
    assert solution.status.exit_code == 5


def test_no_time_for_a_mip() -> None:
    problem, variables = packing(60, 30, integer=True)
    solution = solve(problem, SolverOptions(time_limit_s=0.0), variables=variables)
    assert solution.status is Status.TIME_LIMIT
    assert solution.values is None


def test_a_time_limit_on_a_mip_with_an_answer() -> None:
    problem, variables = packing(150, 60, integer=True)
    solution = solve(problem, SolverOptions(time_limit_s=0.3, gap=0.0, start=np.zeros(150)), variables=variables)
    assert solution.status is Status.FEASIBLE
    assert problem.status == pulp.LpStatusNotSolved
    assert problem.sol_status == pulp.LpSolutionIntegerFeasible
    assert solution.bound is None or (solution.bound > solution.objective and solution.gap > 0)
    assert verify(solution.arrays, solution.values).worst == 0.0
    assert "time limit" in solution.message


def test_a_limit_on_solutions_of_a_mip() -> None:
    problem, variables = packing(60, 30, integer=True)
    solution = solve(problem, SolverOptions(extra={"mip_max_improving_sols": 1}, gap=0.0), variables=variables)
    assert solution.status is Status.FEASIBLE
    assert "limit on nodes or solutions" in solution.message
    assert solution.bound >= solution.objective


def test_a_wide_gap_is_proven_to_that_gap() -> None:
    problem, variables = packing(60, 30, integer=True)
    solution = solve(problem, SolverOptions(gap=0.5), variables=variables)
    assert solution.status is Status.OPTIMAL
    assert 0 < solution.gap <= 0.5


def test_a_kept_model_has_its_whole_time_limit_at_each_solve() -> None:
    solver = HighsSolver(SolverOptions(time_limit_s=5.0))
    solver.solve_arrays(model_arrays(packing(60, 40)[0]))
    spent = solver.highs.getRunTime()  # HiGHS adds it up over all solves of a model, and stops when the sum is too long
    solver.resolve(limit_of(0, 100.0))
    assert spent > 0
    assert solver.highs.getOptionValue("time_limit")[1] >= spent + 5.0


def test_low_precision_is_not_called_optimal() -> None:
    """The first-order solver calls a point optimal that breaks rows by 3 % of their limit."""
    problem, variables = packing(200, 120)
    extra = {"solver": "pdlp", "kkt_tolerance": 1e-2, "presolve": "off"}
    solution = solve(problem, SolverOptions(extra=extra), variables=variables)
    assert solution.status is Status.ERROR
    assert "break the model at row" in solution.message
    assert all(variable.varValue is None for variable in variables)


# --- duals ---


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("maximise", [True, False])
def test_a_dual_lies_between_gain_and_loss(seed: int, maximise: bool) -> None:
    """The value is concave (convex) in a limit: one unit more gains at most the dual, one less loses at least it."""
    problem, variables = packing(12, 8, seed=seed)
    if not maximise:  # the same model as a cost
        problem.sense = pulp.LpMinimize
        problem.setObjective(linear_expression(variables, -model_arrays(problem, variables=variables).cost))
    solver = HighsSolver()
    base = solver.solve_arrays(model_arrays(problem, variables=variables))
    assert verify_duals(base.arrays, base).within(1e-9)
    basis = solver.basis()
    for row, limit in enumerate(base.arrays.row_upper):
        more = solver.resolve(limit_of(row, limit + 5), basis=basis, undo=True).objective - base.objective
        less = base.objective - solver.resolve(limit_of(row, limit - 5), basis=basis, undo=True).objective
        low, high = sorted((more, less))
        assert low - 1e-9 <= 5 * base.duals[row] <= high + 1e-9
        assert (base.duals[row] >= 0) == maximise or base.duals[row] == 0


def test_interior_point_with_crossover_gives_a_basic_solution_with_duals() -> None:
    problem, variables = packing(60, 40)
    simplex = solve(problem, variables=variables)
    crossed = solve(problem, SolverOptions(extra={"solver": "ipx"}), variables=variables)
    assert crossed.basic
    np.testing.assert_allclose(crossed.duals, simplex.duals, atol=1e-7)


def test_a_point_that_is_no_vertex_carries_no_duals() -> None:
    problem, variables = packing(60, 40)
    inner = solve(problem, SolverOptions(extra={"solver": "ipx", "run_crossover": "off"}), variables=variables)
    assert inner.duals is None
    assert "not basic" in inner.message


def test_the_duals_of_a_mip_come_from_the_lp_with_its_integers_held() -> None:
    problem, variables = fixed_charge()
    solver = HighsSolver()
    arrays = model_arrays(problem, variables=variables)
    with pytest.raises(PlannerError, match="carries no duals"):
        verify_duals(arrays, solver.solve_arrays(arrays))
    held = solver.fixed_lp()
    assert held.solution.objective == pytest.approx(20)
    # opened stays 1: 8 units of room for 6, so only the limit of 6 has a price; closing would return its cost of 10
    np.testing.assert_allclose(held.solution.duals, [0, 5])
    np.testing.assert_allclose(held.solution.reduced_costs, [0, -10])
    assert verify_duals(held.arrays, held.solution).within(1e-9)
    assert held.resolve(limit_of(1, 7.0)).objective == pytest.approx(25)
    assert held.resolve(limit_of(1, 9.0)).objective == pytest.approx(30)  # 8 is all the opened site has
    assert solver.solution.objective == pytest.approx(20)


@pytest.mark.parametrize("seed", range(4))
def test_a_mip_equals_brute_force(seed: int) -> None:
    draw = np.random.default_rng(seed)
    gains, weights, room = draw.integers(1, 40, 9), draw.integers(1, 30, (3, 9)), draw.integers(30, 80, 3)
    problem = pulp.LpProblem("brute", pulp.LpMaximize)
    variables = [problem.add_variable(f"x{j}", cat=pulp.LpBinary) for j in range(9)]
    problem.setObjective(linear_expression(variables, gains))
    for row, limit in zip(weights, room, strict=True):
        problem.addConstraint(
            pulp.LpConstraint(linear_expression(variables, row), pulp.LpConstraintLE, rhs=int(limit))
        )
    best = max(
        sum(int(g) for g, take in zip(gains, choice, strict=True) if take)
        for choice in itertools.product((0, 1), repeat=9)
        if all(
            sum(int(w) for w, take in zip(row, choice, strict=True) if take) <= limit
            for row, limit in zip(weights, room, strict=True)
        )
    )
    assert solve(problem, SolverOptions(gap=0.0)).objective == best


@pytest.mark.parametrize("presolve", ["on", "off"])
def test_an_integer_that_is_whole_only_within_tolerance_is_not_believed(presolve: str) -> None:
    """y = 5e-7 counts as 0 for the solver and lets 0.5 through the loose link; cleaned, only y = 1 is an answer."""
    problem = pulp.LpProblem("loose", pulp.LpMinimize)
    x, y = problem.add_variable("x", 0, 5), problem.add_variable("y", cat=pulp.LpBinary)
    problem += 10 * y
    problem += x - 1e6 * y <= 0
    problem += x >= 0.5
    solver = HighsSolver(SolverOptions(extra={"presolve": presolve}))
    solution = solver.solve_arrays(model_arrays(problem, variables=[x, y]))
    if solution.status.has_values:
        assert solution.values[1] == 1.0
        assert solution.objective == 10
    else:
        assert solution.status is Status.ERROR
    repaired = solver._levels_with_exact_integers(solver.arrays, np.array([0.0, 1.0 - 1e-7]))
    assert verify(solver.arrays, repaired).worst == 0.0
    assert solver._levels_with_exact_integers(solver.arrays, np.array([0.5, 5e-7])) is None


# --- re-solving ---


def test_resolves_from_the_base_basis_do_not_depend_on_their_order() -> None:
    """Degenerate on purpose, so that the vertex reached depends on where one starts."""
    problem, variables = packing(80, 40, seed=5)
    for variable in variables[1:40]:
        problem.objective[variable] = problem.objective[variables[0]]
    arrays = model_arrays(problem, variables=variables)
    limits = [(row, float(arrays.row_upper[row]) * share) for row in (0, 5, 9) for share in (0.5, 1.5)]

    def answers(order: list[tuple[int, float]]) -> dict[tuple[int, float], bytes]:
        solver = HighsSolver()
        solver.solve_arrays(arrays)
        basis = solver.basis()
        return {
            (row, limit): solver.resolve(limit_of(row, limit), basis=basis, undo=True).values.tobytes()
            for row, limit in order
        }

    assert answers(limits) == answers(limits[::-1])


def test_changes_of_costs_bounds_and_limits_equal_a_model_built_anew() -> None:
    problem, variables = packing(30, 20)
    arrays = model_arrays(problem, variables=variables)
    solver = HighsSolver()
    base = solver.solve_arrays(arrays)
    draw = np.random.default_rng(1)
    some = np.array([3, 0, 17])
    changes = Changes(
        costs=(some, draw.uniform(50, 150, 3)),
        columns=(some, np.zeros(3), np.array([1.0, 9.0, np.inf])),
        rows=(np.array([2, 4]), np.full(2, -np.inf), np.array([200.0, 900.0])),
    )
    kept = solver.resolve(changes, undo=True)
    fresh = HighsSolver().solve_arrays(changes.applied(arrays))
    assert kept.objective == pytest.approx(fresh.objective, rel=1e-12)
    assert kept.objective != pytest.approx(base.objective)
    assert verify_duals(kept.arrays, kept).within(1e-9)
    again = solver.resolve(Changes())  # all was undone
    assert again.objective == pytest.approx(base.objective, rel=1e-12)
    for name in ("cost", "col_lower", "col_upper", "row_lower", "row_upper"):
        np.testing.assert_array_equal(getattr(solver.arrays, name), getattr(arrays, name))
        np.testing.assert_array_equal(
            getattr(solver.highs.getLp(), HIGHS_NAMES.get(name, f"{name}_")), getattr(arrays, name)
        )


def test_changes_add_up_unless_undone() -> None:
    solver = HighsSolver()
    solver.solve_arrays(model_arrays(two_products()[0]))
    solver.resolve(limit_of(1, 10.0))
    assert solver.resolve(limit_of(2, 16.0)).objective == pytest.approx(5 * 5 + 3 * 2)


def test_an_infeasible_resolve_does_not_spoil_the_next() -> None:
    solver = HighsSolver()
    base = solver.solve_arrays(model_arrays(two_products()[0]))
    basis = solver.basis()
    gone = solver.resolve(limit_of(2, -1.0), basis=basis, undo=True)
    assert gone.status is Status.INFEASIBLE
    assert gone.values is None
    with pytest.raises(PlannerError, match="left no basis"):
        solver.basis()
    assert solver.resolve(Changes(), basis=basis).objective == base.objective


def test_a_mip_is_resolved_too() -> None:
    solver = HighsSolver()
    assert solver.solve_arrays(model_arrays(knapsack()[0])).objective == 20
    assert solver.resolve(limit_of(0, 5.0), undo=True).objective == 17
    assert solver.resolve(limit_of(0, 9.0), undo=True).objective == 30
    assert solver.resolve(Changes()).objective == 20


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (limit_of(3, 1.0), "outside 0..2"),
        (Changes(costs=(np.array([-1]), np.array([1.0]))), "outside 0..1"),
        (Changes(costs=(np.array([0]), np.array([np.nan]))), "NaN"),
        (Changes(costs=(np.array([0, 0]), np.array([1.0, 2.0]))), "same index twice"),
    ],
)
def test_changes_that_do_not_fit_are_refused(changes: Changes, why: str) -> None:
    solver = HighsSolver()
    solver.solve_arrays(model_arrays(two_products()[0]))
    with pytest.raises(PlannerError, match=why):
        solver.resolve(changes)
    assert solver.resolve(Changes()).objective == pytest.approx(36)


def test_a_solver_without_a_model_says_so() -> None:
    for call in (
        lambda solver: solver.resolve(Changes()), lambda solver: solver.fixed_lp(), lambda solver: solver.basis()
    ):
        with pytest.raises(PlannerError, match="holds no model"):
            call(HighsSolver())


# --- starts ---


def test_a_start_is_used() -> None:
    problem, variables = packing(60, 30, integer=True)
    start = np.zeros(60)
    start[4] = 3.0
    solution = solve(problem, SolverOptions(time_limit_s=0.0, start=start), variables=variables)
    assert solution.status is Status.FEASIBLE
    assert solution.objective == 3 * solution.arrays.cost[4]


@pytest.mark.parametrize("key", ["variable", "name"])
@pytest.mark.parametrize(("level", "worth"), [(0.0, 0.0), (1.0, 20.0)])
def test_a_start_of_some_variables_is_completed(key: str, level: float, worth: float) -> None:
    """Stopped before its first node, HiGHS knows only what a start leads to: 5 for each of the 6 units that are open,
    less 10."""
    problem, (_, opened) = fixed_charge()
    stopped = {"presolve": "off", "mip_max_nodes": 0}
    assert not solve(problem, SolverOptions(extra=stopped)).status.has_values
    solution = solve(problem, SolverOptions(start={opened if key == "variable" else "opened": level}, extra=stopped))
    assert solution.objective == pytest.approx(worth)


@pytest.mark.parametrize(
    ("start", "why"),
    [({"z": 1.0}, "'z' is not in this model"), (np.zeros(5), r"shape \(5,\)"), ({"x": float("nan")}, "gives nan")],
)
def test_a_start_that_does_not_fit_is_refused(start: Any, why: str) -> None:
    with pytest.raises(PlannerError, match=why):
        solve(fixed_charge()[0], SolverOptions(start=start))


def test_a_start_for_an_lp_is_refused() -> None:
    with pytest.raises(PlannerError, match="an LP starts from a basis"):
        solve(two_products()[0], SolverOptions(start=np.zeros(2)))


# --- progress, log, interrupts ---


def test_progress_reports_incumbent_and_bound_in_the_sense_of_the_problem() -> None:
    seen: list[tuple[Any, ...]] = []
    problem, variables = packing(25, 10, integer=True)
    solution = solve(problem, SolverOptions(gap=0.0, progress=lambda *said: seen.append(said)), variables=variables)
    incumbents = [incumbent for _, incumbent, _, _ in seen if incumbent is not None]
    assert incumbents
    assert incumbents[-1] <= solution.objective + 1e-6
    assert all(bound >= solution.objective - 1e-6 for _, _, bound, _ in seen if bound is not None)
    assert [seconds for seconds, *_ in seen] == sorted(seconds for seconds, *_ in seen)


def test_the_log_is_passed_on_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    solve(two_products()[0], SolverOptions(log=lines.append))
    assert any("optimal" in line.lower() for line in lines)
    solve(two_products()[0])
    assert capfd.readouterr().out == ""


def test_an_error_in_a_callback_stops_the_solve_and_reaches_the_caller() -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the bar broke")

    problem, variables = packing(60, 30, integer=True)
    with pytest.raises(RuntimeError, match="the bar broke"):
        solve(problem, SolverOptions(gap=0.0, progress=fail, time_limit_s=30.0), variables=variables)


def test_ctrl_c_ends_a_mip_with_the_answer_at_hand() -> None:
    pressed: list[float] = []

    def press(*_: Any) -> None:
        if not pressed:
            pressed.append(time.perf_counter())
            signal.raise_signal(signal.SIGINT)

    problem, variables = packing(150, 60, integer=True)
    before = signal.getsignal(signal.SIGINT)
    options = SolverOptions(gap=0.0, time_limit_s=60.0, progress=press)
    solution = solve(problem, options, variables=variables)
    assert solution.status is Status.FEASIBLE
    assert solution.interrupted
    assert "Ctrl-C" in solution.message
    assert time.perf_counter() - pressed[0] < 30
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_without_an_answer_is_a_keyboard_interrupt() -> None:
    def press(_: str) -> None:
        signal.raise_signal(signal.SIGINT)

    problem, variables = packing(60, 40)
    problem += variables[0] + variables[1] >= 1
    with pytest.raises(KeyboardInterrupt):
        solve(problem, SolverOptions(log=press, extra={"presolve": "off"}), variables=variables)


def test_a_solver_works_in_another_thread() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(solve(two_products()[0]).objective))
    thread.start()
    thread.join()
    assert found == pytest.approx([36])


# --- infeasible or unbounded ---


def test_a_mip_that_hides_which_it_is_is_settled_within_the_time_left() -> None:
    assert solve(unbounded()[0], SolverOptions(time_limit_s=10.0)).status is Status.UNBOUNDED


@pytest.mark.parametrize("presolve", ["on", "off"])
@pytest.mark.parametrize("known", [k for k in BANK if k.status != "OPTIMAL"], ids=lambda known: known.name)
def test_infeasible_and_unbounded_do_not_depend_on_presolve(known: Any, presolve: str) -> None:
    extra = {"presolve": presolve, "allow_unbounded_or_infeasible": True}
    assert solve(known.build()[0], SolverOptions(extra=extra)).status is Status[known.status]
