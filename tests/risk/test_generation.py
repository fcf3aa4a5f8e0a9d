from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_pools import Problem, big_programme, random_problem
from scipy.optimize import linprog

from planner.errors import PlannerError
from planner.solver.column_generation.certificate import certify
from planner.solver.column_generation.columns import Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.pricing_rounds import Generated, GenerationOptions, generate
from planner.solver.growing_lp import NoVertex
from planner.solver.status import Status


def solved(problem: Problem, measure: MeanCvar, *, cvar_limit: float | None = None, **options: object) -> Generated:
    return generate(problem.fixed, problem.pool, measure, GenerationOptions(**options), cvar_limit=cvar_limit)  # type: ignore[arg-type]


def measure_of(problem: Problem, weight: float, alpha: float = 0.7) -> MeanCvar:
    return MeanCvar(weight, alpha, problem.probability)


def holds(problem: Problem, found: Generated) -> None:
    """The plan keeps every row and bound, and its NPV by scenario is what its levels give."""
    levels = np.zeros(len(problem.upper))
    levels[: len(found.levels)] = found.levels
    levels[len(found.levels) + found.pool_columns] = found.pool_levels
    assert (problem.use @ levels <= problem.limit + 1e-7).all()
    assert (levels >= -1e-9).all()
    assert (levels <= problem.upper + 1e-7).all()
    np.testing.assert_allclose(levels @ problem.values, found.npv, atol=1e-9)


@given(
    st.integers(0, 100_000), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.sampled_from([0.5, 0.7, 0.9]), st.integers(1, 4),
    st.integers(1, 12), st.booleans(),
)
@settings(deadline=None, max_examples=120)
def test_equal_to_the_one_big_programme(
    seed: int, weight: float, alpha: float, most: int, patience: int, repeated: bool
) -> None:
    problem = random_problem(seed, repeated=repeated)
    measure = measure_of(problem, weight, alpha)
    found = solved(problem, measure, most=most, patience=patience)
    best = -big_programme(problem, measure).fun
    assert found.certificate.value == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert found.certificate.bound == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert found.proven
    holds(problem, found)
    for entry in found.rounds:  # a finite bound in every round, on the right side
        assert np.isfinite(entry.bound)
        assert entry.value <= best + 1e-6 <= entry.bound + 2e-6


@given(st.integers(0, 100_000), st.sampled_from([0.0, 0.5]))
@settings(deadline=None, max_examples=40)
def test_a_limit_on_cvar_and_its_price(seed: int, weight: float) -> None:
    problem = random_problem(seed)
    measure = measure_of(problem, weight)
    least = -measure_of(problem, 1.0).value(solved(problem, measure_of(problem, 1.0)).npv)
    free = measure.cvar(solved(problem, measure).npv)
    limit = 0.5 * (least + free)
    found = solved(problem, measure, cvar_limit=limit)
    best = big_programme(problem, measure, cvar_limit=limit)
    assert best.status == 0
    assert found.certificate.value == pytest.approx(-best.fun, rel=1e-6, abs=1e-6)
    assert found.certificate.bound == pytest.approx(-best.fun, rel=1e-6, abs=1e-6)
    assert measure.cvar(found.npv) <= limit + 1e-6
    assert found.certificate.weight_sum == pytest.approx(1.0 + found.certificate.cvar_limit_price, abs=1e-7)
    # The price is a slope of a concave function: a little more room brings no more than the price, a little less costs
    # no less.
    step = 0.01
    more = -big_programme(problem, measure, cvar_limit=limit + step).fun
    assert more <= -best.fun + step * found.certificate.cvar_limit_price + 1e-6


def test_a_limit_below_the_least_cvar_is_infeasible() -> None:
    problem = random_problem(1)
    least = -measure_of(problem, 1.0).value(solved(problem, measure_of(problem, 1.0)).npv)
    with pytest.raises(NoVertex, match="the least is") as stopped:
        solved(problem, measure_of(problem, 0.5), cvar_limit=least - 0.1)
    assert stopped.value.status is Status.INFEASIBLE


def test_equal_to_a_row_for_every_possible_tail() -> None:
    """Ten scenarios, the worst three: CVaR as 120 rows, one for each set of three."""
    problem = random_problem(11, scenarios=10)
    measure = MeanCvar(0.6, 0.7, np.full(10, 0.1))
    count = len(problem.upper)
    rows = [np.append(-problem.values[:, list(chosen)].mean(axis=1), -1.0) for chosen in combinations(range(10), 3)]
    cost = np.append(-0.4 * problem.values.mean(axis=1), 0.6)
    bounds = [(0.0, None if np.isinf(most) else most) for most in problem.upper] + [(None, None)]
    use = np.hstack([problem.use, np.zeros((len(problem.limit), 1))])
    best = linprog(
        cost, A_ub=np.vstack([use, rows]), b_ub=np.concatenate([problem.limit, np.zeros(len(rows))]), bounds=bounds
    )
    from planner.solver.column_generation.columns import ColumnValues, FixedPart

    fixed = FixedPart(
        problem.fixed.arrays, ColumnValues.of(problem.values[: count - len(problem.pool)], measure.probability)
    )
    found = generate(fixed, problem.pool, measure)
    assert found.certificate.value == pytest.approx(-best.fun, abs=1e-7)


def test_risk_weights_order_mean_and_cvar() -> None:
    problem = random_problem(5, columns=80, scenarios=30)
    found = [solved(problem, measure_of(problem, weight, 0.9)) for weight in (0.0, 0.25, 0.5, 0.75, 1.0)]
    means = [problem.probability @ one.npv for one in found]
    tails = [measure_of(problem, 1.0, 0.9).cvar(one.npv) for one in found]
    assert means == sorted(means, reverse=True)
    assert tails == sorted(tails, reverse=True)
    assert tails[0] > tails[-1] + 0.1  # the weight does something
    mean_alone = linprog(
        -(problem.values @ problem.probability), A_ub=problem.use, b_ub=problem.limit,
        bounds=[(0.0, None if np.isinf(most) else most) for most in problem.upper],
    )
    assert means[0] == pytest.approx(-mean_alone.fun, abs=1e-7)


def test_the_certificate_fails_when_a_better_column_is_hidden_from_pricing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(21)
    measure = measure_of(problem, 0.5)
    honest = solved(problem, measure)
    assert honest.certificate.gap <= 1e-6
    assert honest.certificate.largest_reduced_value <= 1e-9
    hidden = int(honest.pool_columns[np.argmax(honest.pool_levels)])
    poor = np.array(problem.pool.values)
    poor[hidden] = -100.0  # what pricing is shown
    shown = replace(problem.pool, values=poor)
    fooled = generate(problem.fixed, shown, measure)
    assert fooled.certificate.gap <= 1e-6  # by what it was shown
    proof = certify(problem.fixed, problem.pool, measure, fooled.prices, fooled.npv)
    assert proof.largest_reduced_value > 1e-3
    assert proof.gap > 1e-3
    assert proof.bound >= honest.certificate.value - 1e-9


def test_certificates_from_any_prices_bound_the_best_plan() -> None:
    """The bound does not lean on the solver: any weights of the dual measure and any prices bound every plan."""
    problem = random_problem(8)
    measure = measure_of(problem, 0.5)
    best = solved(problem, measure)
    rng = np.random.default_rng(0)
    for _ in range(20):
        tail = measure.weight * measure.tail(rng.normal(size=measure.scenarios))
        rows = rng.uniform(0.0, 1.0, len(problem.limit))
        prices = replace(best.prices, rows=rows, tail=tail, weights=0.5 * measure.probability + tail)
        assert certify(problem.fixed, problem.pool, measure, prices, best.npv).bound >= best.certificate.value - 1e-9


def test_weights_of_the_certificate() -> None:
    problem = random_problem(9, scenarios=40)
    proof = solved(problem, measure_of(problem, 0.5, 0.9)).certificate
    assert proof.least_weight >= 0.0
    assert proof.weight_sum == pytest.approx(1.0, abs=1e-9)
    assert proof.weight_excess <= 1e-9
    assert proof.columns == 43
    assert proof.scenarios == 40


def test_columns_that_come_and_go_come_to_an_end() -> None:
    """Little patience could bring the same columns in and out for ever; a round without progress keeps what it has."""
    problem = random_problem(0, repeated=True)
    found = solved(problem, measure_of(problem, 0.3, 0.5), most=2, patience=1)
    assert found.proven
    assert len(found.rounds) < 40


@pytest.mark.parametrize("most", [1, 5])
def test_a_degenerate_pool_and_one_with_repeated_columns_end(most: int) -> None:
    problem = random_problem(2)
    everything = replace(
        problem.pool, values=np.repeat(problem.pool.values[:3], 50, axis=0),
        use=problem.pool.use[np.repeat(np.arange(3), 50)],
        share=np.ones(150), group=np.repeat(problem.pool.group[:3], 50), upper=np.full(150, np.inf),
    )
    found = generate(problem.fixed, everything, measure_of(problem, 0.5), GenerationOptions(most=most))
    assert found.proven
    worthless = replace(problem.pool, values=np.zeros_like(problem.pool.values))
    nothing = generate(problem.fixed, worthless, measure_of(problem, 0.5), GenerationOptions(most=most))
    assert nothing.certificate.value == pytest.approx(0.0, abs=1e-9)
    assert nothing.certificate.bound == pytest.approx(0.0, abs=1e-9)
    assert len(nothing.rounds) < 20


def test_no_pool_at_all_and_a_start_from_a_neighbour() -> None:
    problem = random_problem(3, columns=200)
    alone = generate(problem.fixed, None, measure_of(problem, 0.5))
    assert alone.certificate.value == pytest.approx(0.0, abs=1e-9)
    cold = solved(problem, measure_of(problem, 0.5))
    warm = generate(
        problem.fixed, problem.pool, measure_of(problem, 0.5), start=cold.in_master, scenarios=cold.scenarios
    )
    assert warm.certificate.value == pytest.approx(cold.certificate.value, rel=1e-7)
    assert len(warm.rounds) == 1


def test_a_pool_without_bound_is_refused() -> None:
    pool = random_problem(0).pool
    with pytest.raises(PlannerError, match="no finite limit"):
        Pool(pool.values, pool.use, pool.points, pool.share, pool.group, np.full(4, np.inf), pool.upper)
