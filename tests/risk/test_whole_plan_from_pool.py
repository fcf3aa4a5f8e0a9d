"""Whole plans out of the pool of a case, against one programme over all its candidates and futures, put to SciPy's
MILP."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp
from whole_case import PooledCase, pooled

from planner.candidates.decisions import apply_decisions
from planner.risk.allocate import RiskAllocation, allocate_after_risk, allocate_from_pool
from planner.risk.case_pool import make_case_pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.node_proof import proven_bound
from planner.solver.options import SolverOptions
from planner.solver.status import Status

SEEDS = (0, 1, 8, 9)
TIGHT = SolverOptions(gap=1e-6)


@pytest.fixture(scope="module")
def cases() -> dict[int, PooledCase]:
    return {seed: pooled(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def plans(cases: dict[int, PooledCase]) -> dict[int, RiskAllocation]:
    return {
        seed: allocate_from_pool(one.candidates, one.values, one.measure, TIGHT, one.made)
        for seed, one in cases.items()
    }


def best_of_all_plans(one: PooledCase, measure: MeanCvar, *, cvar_limit_usd: float = np.inf) -> float:
    """Rockafellar and Uryasev's programme over all candidates, whole where the case says so: no pool, no model of the
    allocator."""
    table, rows = one.candidates.table, one.candidates.rows
    futures = one.values.shape[1]
    values = one.values / 1e6
    share = measure.probability / (1.0 - measure.alpha)
    cost = np.concatenate(
        [-(1.0 - measure.weight) * (values @ measure.probability), [measure.weight], measure.weight * share]
    )
    limits = LinearConstraint(
        sp.hstack([rows.use, sp.csr_array((rows.use.shape[0], 1 + futures))]),
        ub=rows.table["limit"].to_numpy(np.float64),
    )
    tails = LinearConstraint(
        sp.hstack([sp.csr_array(-values.T), -np.ones((futures, 1)), -sp.eye_array(futures)]), ub=np.zeros(futures)
    )
    cvar = LinearConstraint(np.concatenate([np.zeros(len(table)), [1.0], share])[None, :], ub=cvar_limit_usd / 1e6)
    lower = np.concatenate([table["lower"].to_numpy(np.float64), [-np.inf], np.zeros(futures)])
    upper = np.concatenate([table["upper"].to_numpy(np.float64), np.full(1 + futures, np.inf)])
    whole = np.concatenate([table["integral"].to_numpy(np.float64), np.zeros(1 + futures)])
    answer = milp(
        cost, constraints=[limits, tails, cvar], bounds=Bounds(lower, upper), integrality=whole,
        options={"mip_rel_gap": 1e-7},
    )
    assert answer.status == 0, answer.message
    return float(-answer.fun * 1e6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_of_all_plans_is_found_and_proven(
    cases: dict[int, PooledCase], plans: dict[int, RiskAllocation], seed: int
) -> None:
    one, found = cases[seed], plans[seed].allocation
    best = best_of_all_plans(one, one.measure)
    assert found.status is Status.OPTIMAL
    assert found.objective_usd == pytest.approx(best, rel=1e-6)
    assert found.bound_usd == pytest.approx(best, rel=3e-6)
    relaxed = plans[seed].relaxed
    assert relaxed is not None
    assert relaxed.certificate.bound * 1e6 > best * 1.01  # the relaxation alone would prove no plan of these


@pytest.mark.parametrize("seed", [0, 8])
def test_a_limit_on_cvar_holds_for_the_whole_plan(cases: dict[int, PooledCase], seed: int) -> None:
    one, mean, tail = cases[seed], replace(cases[seed].measure, weight=0.0), replace(cases[seed].measure, weight=1.0)
    free = allocate_from_pool(one.candidates, one.values, mean, TIGHT, one.made)
    assert free.npv_usd is not None
    lossy, least = mean.cvar(free.npv_usd), -best_of_all_plans(one, tail)
    assert least < lossy - 1.0
    limit = 0.5 * (lossy + least)
    held = allocate_from_pool(one.candidates, one.values, mean, TIGHT, one.made, cvar_limit_usd=limit)
    assert held.npv_usd is not None
    assert mean.cvar(held.npv_usd) <= limit + 1e-6 * abs(limit)
    assert held.allocation.status is Status.OPTIMAL
    assert held.allocation.objective_usd == pytest.approx(best_of_all_plans(one, mean, cvar_limit_usd=limit), rel=1e-5)
    none = allocate_from_pool(one.candidates, one.values, mean, TIGHT, one.made, cvar_limit_usd=least - 1e5).allocation
    assert none.status is Status.INFEASIBLE


def test_equal_to_the_plan_without_a_pool_where_the_pool_holds_everything(
    cases: dict[int, PooledCase], plans: dict[int, RiskAllocation]
) -> None:
    for seed in SEEDS[:2]:
        one = cases[seed]
        plain = allocate_after_risk(one.candidates, one.values, one.measure, TIGHT)
        assert plans[seed].allocation.objective_usd == pytest.approx(plain.allocation.objective_usd, rel=1e-6)


def test_what_the_case_asks_to_be_whole_is_whole(
    cases: dict[int, PooledCase], plans: dict[int, RiskAllocation]
) -> None:
    """Levels of candidates, as they are written: openings, leases all or nothing, the link, least sizes and blocks,
    power in steps and whole phases."""
    linked, split = 0, 0
    for seed in SEEDS:
        one, levels = cases[seed], plans[seed].allocation.levels
        assert levels is not None
        assert plans[seed].allocation.worst_row <= 1e-6
        table, held = one.candidates.table, levels > 0.0
        whole = table["integral"].to_numpy(bool)
        np.testing.assert_array_equal(levels[whole], np.round(levels[whole]))
        leases = one.case.tables["leases"].set_index("lease_id")
        serve = table["kind"].isin(("serve", "host")).to_numpy()
        opened = set(table["site_id"][(table["kind"] == "open").to_numpy() & held])
        assert set(table["site_id"][serve & held]) <= opened
        link = bool(held[(table["kind"] == "fabric").to_numpy()].any())
        for lease, row in leases.iterrows():
            mine = serve & (table["lease_id"] == lease).to_numpy()
            used, sites = float(levels[mine].sum()), set(table["site_id"][mine & held])
            least = float(row["max_size"] if row["all_or_nothing"] else row["min_size"])
            assert used == 0.0 or used >= least - 1e-6
            if row["single_fabric"] and len(sites) > 1:
                assert link
                linked += 1
            for name in sites if row["min_block"] > 0 else ():
                assert float(
                    levels[mine & (table["site_id"] == name).to_numpy()].sum()
                ) >= float(row["min_block"]) - 1e-6
        split += int(not link)
    assert linked
    assert split  # both ways occur among these cases


def test_bundles_left_out_of_the_search_are_all_priced(
    cases: dict[int, PooledCase], plans: dict[int, RiskAllocation]
) -> None:
    """The parts of the tree bound the plan over the whole pool again, and no longer do so over a pool that holds
    more."""
    one, proof = cases[0], plans[0].integers
    assert proof is not None
    assert proof.stopped == ""
    fixed, pool = one.made.tightened
    assert proven_bound(proof.nodes, fixed, pool) == pytest.approx(proof.bound, rel=1e-9)
    richer = replace(pool, values=np.asarray(pool.values) + 5.0)
    assert proven_bound(proof.nodes, fixed, richer) > proof.bound * 1.05


def test_a_bundle_that_the_pool_lacks_costs_what_it_is_worth(
    cases: dict[int, PooledCase], plans: dict[int, RiskAllocation]
) -> None:
    """Without the paths of its best lease, a pool has the best plan that the case has without that lease on these
    sites; never a better one."""
    one, table = cases[0], cases[0].candidates.table
    levels = plans[0].allocation.levels
    assert levels is not None
    won = table["lease_id"][table["kind"].eq("serve").to_numpy() & (levels > 0.0)].iloc[0]
    kept = one.bundles[
        ~np.isin(one.bundles[["serve", "then_serve"]].to_numpy(), np.flatnonzero(table["lease_id"] == won)).any(axis=1)
    ].reset_index(drop=True)
    made = make_case_pool(one.candidates, one.values, one.measure.probability, kept, threads=1, dtype=np.float64)
    found = allocate_from_pool(one.candidates, one.values, one.measure, TIGHT, made).allocation
    without = replace(one, candidates=apply_decisions(one.candidates, (), (f"leases[{won}]",)))
    assert found.objective_usd == pytest.approx(best_of_all_plans(without, one.measure), rel=1e-6)
    assert found.objective_usd < plans[0].allocation.objective_usd * 0.999


def test_a_lease_that_must_be_served_and_cannot_be_is_infeasible(cases: dict[int, PooledCase]) -> None:
    """It needs both campuses, and one of them is shut."""
    one = cases[0]
    size = float(one.case.tables["leases"].set_index("lease_id").at["both", "max_size"])
    forced = apply_decisions(one.candidates, (f"leases.size[both]={size:g}",), ("sites[b]",))
    made = make_case_pool(
        forced, one.values, one.measure.probability, one.bundles[_on(one, "a")].reset_index(drop=True), threads=1,
        dtype=np.float64,
    )
    found = allocate_from_pool(forced, one.values, one.measure, TIGHT, made).allocation
    assert found.status is Status.INFEASIBLE
    assert "out of the pool" in found.message or "no mix of the pool" in found.message


def _on(one: PooledCase, site: str) -> np.ndarray:
    return (one.candidates.table["site_id"].to_numpy()[one.bundles["own"].to_numpy(np.int64)] == site).astype(bool)


def test_a_search_cut_short_says_what_is_left(
    cases: dict[int, PooledCase], plans: dict[int, RiskAllocation], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = cases[1]
    monkeypatch.setattr("planner.solver.column_generation.branch_and_price.MOST_NODES", 2)
    found = allocate_from_pool(one.candidates, one.values, one.measure, TIGHT, one.made)
    best = plans[1].allocation.objective_usd
    assert found.integers is not None
    assert found.integers.stopped == "nodes"
    assert found.allocation.status is Status.FEASIBLE
    assert found.allocation.gap > 1e-3
    assert found.allocation.objective_usd <= best * (1 + 1e-9)
    assert found.allocation.bound_usd >= best * (1 - 1e-9)


def test_with_a_deadline_the_first_search_is_a_process_of_its_own(
    cases: dict[int, PooledCase], plans: dict[int, RiskAllocation]
) -> None:
    one = cases[1]
    found = allocate_from_pool(
        one.candidates, one.values, one.measure, SolverOptions(gap=1e-6, deadline_s=60.0), one.made
    ).allocation
    assert found.objective_usd == pytest.approx(plans[1].allocation.objective_usd, rel=1e-6)
    plain = allocate_after_risk(one.candidates, one.values, one.measure, SolverOptions(deadline_s=0.05)).allocation
    assert plain.status is Status.TIME_LIMIT  # no process starts in so short a time
    assert plain.levels is None
