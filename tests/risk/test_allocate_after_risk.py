from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from risky_case import RiskyCase

from planner.formulation.allocate import Allocation, allocate
from planner.risk.allocate import RiskAllocation, allocate_after_risk
from planner.risk.information import contributions, value_of_information
from planner.risk.worth import candidate_values, endings_are_certain
from planner.solver.column_generation.columns import ColumnValues, FixedPart
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.pricing_rounds import generate
from planner.solver.column_generation.tail_model import extended
from planner.solver.highs import HighsSolver
from planner.solver.options import SolverOptions
from planner.solver.status import Status

TIGHT = SolverOptions(gap=1e-5)


def weighed(risky: RiskyCase, weight: float, alpha: float = 0.9) -> MeanCvar:
    return MeanCvar(weight, alpha, risky.futures.weights)


Planned = Callable[[float], RiskAllocation]


@pytest.fixture(scope="module")
def halfway(after_risk: Planned) -> RiskAllocation:
    return after_risk(0.5)


def test_values_do_not_depend_on_pieces_or_threads(risky: RiskyCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.scenarios.unit_values.CELLS", 7 * 100 * risky.candidates.outlook.months)
    again = candidate_values(risky.candidates, risky.futures, threads=2)
    np.testing.assert_array_equal(again, risky.values)
    assert np.ptp(risky.values, axis=1).max() > 1.0  # the factors do something


def test_every_row_of_the_plan_is_kept_and_the_gap_proven(risky: RiskyCase, halfway: RiskAllocation) -> None:
    found = halfway.allocation
    assert found.status is Status.OPTIMAL
    assert found.worst_row <= 1e-6
    assert found.bound_usd is not None
    assert found.objective_usd is not None
    assert found.objective_usd <= found.bound_usd * (1.0 + 1e-12)  # sums in another order
    assert found.bound_usd <= found.objective_usd + 1e-5 * abs(found.objective_usd) + 1.0
    levels = found.levels
    assert levels is not None
    whole = risky.candidates.table["integral"].to_numpy(bool)
    np.testing.assert_allclose(levels[whole], np.round(levels[whole]), atol=1e-9)
    assert found.objective_usd == pytest.approx(weighed(risky, 0.5).value(levels @ risky.values), rel=1e-12)


def test_the_relaxation_equals_the_programme_with_every_scenario_in_it(
    risky: RiskyCase, halfway: RiskAllocation
) -> None:
    every = extended(halfway.fixed, weighed(risky, 0.5), np.arange(60), None)
    whole = HighsSolver(SolverOptions(relax=True)).solve_arrays(replace(every, integer=np.zeros_like(every.integer)))
    assert halfway.relaxed is not None
    assert halfway.relaxed.certificate.value == pytest.approx(whole.objective, rel=1e-7)
    assert halfway.relaxed.certificate.gap <= 1e-6
    assert halfway.relaxed.certificate.weight_sum == pytest.approx(1.0, abs=1e-9)
    assert len(halfway.relaxed.scenarios) < 60


def test_the_whole_plan_equals_a_mip_with_every_scenario_in_it(risky: RiskyCase, halfway: RiskAllocation) -> None:
    every = extended(halfway.fixed, weighed(risky, 0.5), np.arange(60), None)
    whole = HighsSolver(SolverOptions(gap=1e-6)).solve_arrays(every)
    assert whole.objective is not None
    assert halfway.allocation.objective_usd == pytest.approx(whole.objective * 1e6, rel=2e-5)


@pytest.fixture(scope="module")
def plain(risky: RiskyCase) -> Allocation:
    """The deterministic plan."""
    return allocate(risky.candidates, TIGHT)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_on_scenario_0_alone_it_is_the_deterministic_plan(risky: RiskyCase, plain: Allocation, weight: float) -> None:
    base = risky.candidates.npv_usd[:, None]
    found = allocate_after_risk(risky.candidates, base, MeanCvar(weight, 0.9, np.ones(1)), TIGHT)
    assert found.allocation.status is Status.OPTIMAL
    assert found.allocation.objective_usd == pytest.approx(plain.objective_usd, rel=2e-5)


def test_weight_0_is_the_plan_on_the_mean(risky: RiskyCase, after_risk: Planned) -> None:
    found = after_risk(0.0)
    assert found.allocation.status is Status.OPTIMAL
    on_mean = replace(risky.candidates, npv_usd=risky.values @ risky.futures.weights)
    plain = allocate(on_mean, TIGHT, aggregate=False)
    assert found.allocation.objective_usd == pytest.approx(plain.objective_usd, rel=2e-5)


def test_weight_1_has_the_least_risk(risky: RiskyCase, after_risk: Planned, halfway: RiskAllocation) -> None:
    measure = weighed(risky, 1.0)
    least, most = after_risk(1.0), after_risk(0.0)
    tails = [measure.cvar(found.npv_usd) for found in (most, halfway, least) if found.npv_usd is not None]
    means = [measure.mean(found.npv_usd) for found in (most, halfway, least) if found.npv_usd is not None]
    assert tails[2] <= tails[1] * (1 + 1e-4 * np.sign(tails[1])) <= tails[0] * (1 + 2e-4 * np.sign(tails[0])) + 1.0
    assert means[0] >= means[1] - 1e-4 * abs(means[1])
    assert means[1] >= means[2] - 1e-4 * abs(means[2])
    assert tails[2] < tails[0]


def test_a_limit_on_cvar_is_kept_and_priced(risky: RiskyCase, after_risk: Planned) -> None:
    measure = weighed(risky, 0.0)
    free, least = after_risk(0.0), after_risk(1.0)
    assert free.npv_usd is not None
    assert least.npv_usd is not None
    limit = 0.5 * (measure.cvar(free.npv_usd) + measure.cvar(least.npv_usd))
    held = allocate_after_risk(risky.candidates, risky.values, measure, TIGHT, cvar_limit_usd=limit)
    assert held.allocation.status is Status.OPTIMAL
    assert held.npv_usd is not None
    assert measure.cvar(held.npv_usd) <= limit + 1e-6 * abs(limit)
    assert measure.mean(held.npv_usd) < measure.mean(free.npv_usd)
    assert held.relaxed is not None
    assert held.relaxed.certificate.cvar_limit_price > 0.0
    far = measure.cvar(least.npv_usd) - 1e9
    none = allocate_after_risk(risky.candidates, risky.values, measure, TIGHT, cvar_limit_usd=far)
    assert none.allocation.status is Status.INFEASIBLE
    assert "the least is" in none.allocation.message


def test_equals_are_kept_where_endings_are_uncertain(risky: RiskyCase) -> None:
    assert endings_are_certain(risky.candidates, risky.values)
    retire = np.flatnonzero(risky.candidates.table["kind"].eq("retire").to_numpy())
    shaken = risky.values.copy()
    shaken[retire[0]] += np.linspace(-1e3, 1e3, 60)
    assert not endings_are_certain(risky.candidates, shaken)


def test_the_value_of_information_against_single_solves(risky: RiskyCase, halfway: RiskAllocation) -> None:
    """Every third future counts; each of them is solved by itself, from nothing."""
    whole, count = halfway.fixed.values, 20
    each = np.repeat(whole.mean[:, None], 60, axis=1)
    each[whole.varying] += whole.deviation
    each = each[:, ::3]
    measure = MeanCvar(0.5, 0.9, np.full(count, 1.0 / count))
    fixed = FixedPart(halfway.fixed.arrays, ColumnValues.of(each, measure.probability))
    relaxed = generate(fixed, None, measure)
    formulation = halfway.allocation.model.formulation
    base = (formulation.level_of.T @ risky.candidates.npv_usd) * formulation.unit / 1e6
    found = value_of_information(fixed, base, measure, relaxed.npv, sample=count, seed=1)
    arrays = replace(fixed.arrays, integer=np.zeros_like(fixed.arrays.integer))

    def best(cost: np.ndarray) -> float:
        answer = HighsSolver(SolverOptions()).solve_arrays(replace(arrays, cost=cost))
        assert answer.objective is not None
        return answer.objective

    known = np.array([best(each[:, scenario]) for scenario in range(count)])
    assert found.sample == count
    assert found.evpi == pytest.approx(known.mean() - best(fixed.values.mean), rel=1e-5, abs=1e-4)
    assert found.evpi > 0.0
    assert 0.0 < found.evpi_error < known.std(ddof=1)  # far less noise than the difference of means has
    assert found.vss >= -1e-6 * abs(relaxed.certificate.value)
    assert found.vss == pytest.approx(relaxed.certificate.value - found.base_plan_value, rel=1e-6, abs=1e-6)


def test_levels_that_do_not_hold_are_no_plan(risky: RiskyCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.risk.allocate.ROW_TOLERANCE", -1.0)
    found = allocate_after_risk(
        risky.candidates, risky.values[:, :1], MeanCvar(0.0, 0.9, np.ones(1)), SolverOptions(gap=0.05)
    )
    assert found.allocation.status is Status.ERROR
    assert "levels do not hold" in found.allocation.message
    assert found.allocation.levels is None
    assert found.npv_usd is None


def test_contributions_add_up_to_the_objective() -> None:
    rng = np.random.default_rng(2)
    measure = MeanCvar(0.4, 0.85, rng.dirichlet(np.ones(30)))
    npv = rng.normal(size=30)
    assert measure.probability @ contributions(measure, npv) == pytest.approx(measure.value(npv), rel=1e-9)
