"""Sweeps against arithmetic by hand and enumeration, and that neither order, workers nor interruptions change a
number."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from at_length import few
from oracle.enumerated import greatest
from oracle.tiny_case import cluster, grid, rate, site, tiny_case
from solver.test_brute_force import random_case

import planner
from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.resources import Family
from planner.candidates.restated import restate
from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.errors import PlannerError
from planner.parallel.processes import Processes
from planner.solver.options import SolverOptions
from planner.sweeping.held import Broken, same_dates
from planner.sweeping.points import Job, Known, PointWork
from planner.sweeping.result import Sweep, SweepOptions
from planner.sweeping.sweep import sweep
from planner.sweeping.told import told

EXACT = SolverOptions(gap=1e-9)
RATE = "lease_rates.usd_per_gpu_hour[lease:gpu:1]"
SIZE = 400.0


def one_lease(**changes: object) -> Case:
    """A site, power for a fee, a lease of 400 GPUs at 2 $ that may be served in part, nothing else."""
    alone = {"power": [grid(fee_usd_per_kw_month=5)], "leases": [cluster(size=SIZE)], "lease_rates": [rate(usd=2.0)]}
    return tiny_case(sites=[site()], **alone, **changes)  # type: ignore[arg-type]


def income_of_a_dollar(case: Case) -> float:
    """Dollars of NPV that a dollar more per GPU-hour brings on the whole lease: hours, tax and discounting by hand."""
    settings = case.settings
    calendar = Calendar(settings.start, settings.months)
    months = np.arange(settings.months)
    discount = (1.0 + settings.discount_rate) ** (-(months + 0.5) / 12.0)
    return float(SIZE * (calendar.hours[: settings.months] * discount).sum() * (1.0 - settings.tax_rate))


@cache
def swept_rates() -> Sweep:
    return sweep(one_lease(), vary=(f"{RATE}=1:3:5",), workers=1, solver=EXACT)


def test_the_held_plan_earns_what_the_changed_rate_pays() -> None:
    found = swept_rates()
    base = planner.plan(one_lease(), solver=EXACT).objective_usd
    assert base is not None
    assert base > 0.0
    a_dollar = income_of_a_dollar(one_lease())
    for written, held in zip(found.table[RATE], found.table["held_npv_usd"], strict=True):
        assert held == pytest.approx(base + (float(written) - 2.0) * a_dollar, rel=1e-9)


def test_the_plan_redone_drops_the_lease_where_it_loses_money() -> None:
    """Breakeven by hand: the rate at which the base plan's NPV is gone. Below it the best plan is to do nothing."""
    found, a_dollar = swept_rates(), income_of_a_dollar(one_lease())
    base = found.base.objective_usd
    assert base is not None
    breakeven = 2.0 - base / a_dollar
    assert 1.0 < breakeven < 2.0
    for written, redone in zip(found.table[RATE], found.table["redone_npv_usd"], strict=True):
        assert redone == pytest.approx(max((float(written) - breakeven) * a_dollar, 0.0), rel=1e-6, abs=1.0)
    flips = found.flips[found.flips["kind"] == "lease"]
    assert flips["name"].tolist() == ["lease"]
    assert flips["becomes"].tolist() == ["in"]
    row = flips.iloc[0]
    assert float(row["from_value"]) < breakeven < float(row["to_value"])
    assert row["worth_the_same_at"] == pytest.approx(breakeven, rel=1e-6)
    assert row["size_before"] == 0.0
    assert row["size_after"] == pytest.approx(SIZE)


def test_the_case_solved_by_hand_turns_where_its_page_says() -> None:
    """fixtures/tiny: `beta` at 1.50 $ is worth signing above 1.212932 $ per GPU-hour."""
    found = sweep(
        planner.read("fixtures/tiny"), vary=("lease_rates.usd_per_gpu_hour[beta]=1.1,1.4",), workers=1, solver=EXACT
    )
    assert found.flips["name"].tolist() == ["beta"]
    assert found.flips["becomes"].tolist() == ["in"]
    assert found.flips["worth_the_same_at"].iloc[0] == pytest.approx(1.212932, abs=1e-6)
    assert found.table["redone_npv_usd"].iloc[0] == pytest.approx(43_272_000.0, abs=1.0)


@pytest.mark.parametrize("seed", few([1, 3, 4], 1))
def test_every_plan_redone_is_the_best_of_all_combinations(seed: int) -> None:
    case = random_case(seed)
    found = sweep(case, vary=("gpu_price=0.6,1.7", "lease_rate=0.8"), workers=1, solver=EXACT)
    assert len(found.table) == 2
    for point, row in zip(found.points, found.table.to_dict("records"), strict=True):
        changed = build_candidates(make_outlook(apply_edits(case, list(point.edits))))
        best = greatest(changed, changed.npv_usd)
        assert best is not None
        assert row["redone_npv_usd"] == pytest.approx(best, rel=1e-6, abs=1.0)
        # A held plan that keeps every limit is one of them.
        if row["held_limits_broken"] == 0:
            assert row["held_npv_usd"] <= best + 1.0


@pytest.mark.parametrize(
    "edit",
    ["market.usd_per_gpu_hour*=0.7", "gpus.capex_usd*=1.2", "case.discount_rate=0.2", "power.guaranteed_mw*=0.9"],
)
def test_levels_that_keep_their_dates_need_no_restating(edit: str) -> None:
    """Where a changed case has the same candidates at the same dates, restating gives the same values, use and
    limits."""
    base = build_candidates(make_outlook(random_case(1)))
    anew = build_candidates(make_outlook(apply_edits(random_case(1), [edit])))
    assert same_dates(base, anew)
    restated = restate(base, anew.outlook.case)
    assert restated.npv_usd == pytest.approx(anew.npv_usd, rel=1e-12, abs=1e-9)
    assert abs(restated.rows.use - anew.rows.use).max() < 1e-12
    assert restated.rows.table["limit"].to_numpy() == pytest.approx(anew.rows.table["limit"].to_numpy())


def test_later_power_is_restated() -> None:
    late = apply_edits(one_lease(), ["power.energised=2027-04", "power.status=approved"])
    base, anew = (build_candidates(make_outlook(case)) for case in (one_lease(), late))
    assert not same_dates(base, anew)
    found = sweep(one_lease(), vary=("power.term_months=12,24",), workers=1, solver=EXACT)
    assert found.table["redone_npv_usd"].is_monotonic_increasing


def test_limits_that_the_held_plan_breaks_are_named() -> None:
    """400 GPUs of 2 kW draw 1 MW of power; with 0.6 MW on offer the held plan is 0.4 MW over."""
    found = sweep(one_lease(), vary=("power.guaranteed_mw=0.6,10",), workers=1, solver=EXACT)
    first, second = found.table.to_dict("records")
    assert first["held_limits_broken"] >= 1
    assert second["held_limits_broken"] == 0
    broken = found.broken[found.broken["point"] == 1]
    assert broken["name"].str.contains("a_grid:1").any()
    over = broken["used"] - broken["limit"]
    assert over.max() == pytest.approx(0.4, rel=1e-6)
    assert first["redone_npv_usd"] == pytest.approx(0.6 * second["redone_npv_usd"], rel=1e-6)


@pytest.mark.parametrize(
    "edit",
    [
        "power.guaranteed_mw=0.6", "sites.existing_it_mw=0.3", "gpus.it_kw=9", "budget.new_capital_usd=5000000",
        "leases.max_size=100",
    ],
)
def test_a_held_plan_breaks_what_its_portfolio_breaks_in_score(edit: str) -> None:
    case = one_lease(budget=[{"quarter": "2027-Q1", "new_capital_usd": 9e6}])
    plan = planner.plan(case, solver=EXACT)
    table, _, values = edit.partition("=")
    found = sweep(plan, vary=(f"{table}={values}",), workers=1)
    scored = planner.score(apply_edits(case, [edit]), plan.portfolio, scenarios=2)
    assert found.table["held_limits_broken"].tolist() == scored.table["limits_broken"].tolist()
    assert set(zip(found.broken["family"], found.broken["name"], strict=True)) == set(
        zip(scored.broken["family"].astype(str), scored.broken["name"].astype(str), strict=True)
    )
    excess = (found.broken["used"] - found.broken["limit"]).abs().sort_values().to_numpy()
    assert excess == pytest.approx(scored.broken["excess"].sort_values().to_numpy(), rel=1e-9)


def waiting() -> Case:
    """A lease of 18 months from 2027-04, when its power comes; its customer waits six months and then walks away."""
    power = grid(energised="2027-04", status="approved", delay_low_months=0, delay_mode_months=0, delay_high_months=0)
    lease = cluster(size=SIZE, start="2027-04", term_months=18, late_grace_months=6)
    return tiny_case(sites=[site()], power=[power], leases=[lease], lease_rates=[rate(usd=2.5)])


def test_leases_that_a_held_plan_loses_are_named() -> None:
    found = sweep(waiting(), vary=("power.energised=2027-04,2027-06,2028-04",), workers=1, solver=EXACT).table
    assert found["held_leases_lost"].tolist() == ["", "", "lease"]
    assert found["held_leases_cut"].tolist() == ["", "lease 2", ""], (
        "a calendar lease that begins two months late ends on its date"
    )
    ended = sweep(waiting(), vary=("power.term_months=12",), workers=1, solver=EXACT).table
    assert ended["held_leases_lost"].tolist() == ["lease"], "no power to its end: the held plan cannot be had at all"


def test_leases_that_shrink_are_told_beside_those_that_go() -> None:
    """0.6 of the 1 MW that 400 GPUs draw leaves 240 of them: the lease is smaller, and still in."""
    found = sweep(one_lease(), vary=("power.guaranteed_mw=0.6,10",), workers=1, solver=EXACT).table
    assert found["leases_smaller"].tolist() == ["lease -160", ""]
    assert found["leases_out"].tolist() == ["", ""]
    grown = sweep(
        apply_edits(one_lease(), ["power.guaranteed_mw=0.6"]), vary=("power.guaranteed_mw=10",), workers=1, solver=EXACT
    ).table
    assert grown["leases_larger"].tolist() == ["lease +160"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            [Broken("CAPITAL", "capital", "2028-01", 9e8, 0.0)],
            "new capital used (capital): $900.0M too much in 2028-01",
        ),
        ([Broken("PHASE", "grid:1", "2027-04", 5.0, 3.0), Broken("PHASE", "grid:1", "2027-07", 6.5, 3.0)],
         "contracted power in use of grid:1: 3.5 MW too much (6.5 MW of 3 MW) in 2027-07, the worst of 2 windows"),
        (
            [Broken("LEAST", "power:grid:1", "", 0.0, 12.0, "MW")],
            "least of power:grid:1: 12 MW too little (0 MW of 12 MW)",
        ),
        (
            [Broken("CASH_FLOOR", "2028-Q1", "2028-01", -2.5e9, -1e9)],
            "cumulative cash at the end of 2028-Q1: $1.50B too little",
        ),
    ],
)  # fmt: skip
def test_limits_broken_are_said_in_their_own_unit(broken: list[Broken], said: str) -> None:
    assert told(broken)[0].startswith(said)


def test_every_family_of_limits_has_words() -> None:
    for family in Family:
        assert family.name not in told([Broken(family.name, "x", "2027-01", 2.0, 1.0)])[0]


def test_stresses_are_planned_one_by_one() -> None:
    case = one_lease(
        stresses=[
            {"stress": "cheap", "target": RATE, "change": "multiply", "value": "0.9"},
            {"stress": "dear", "target": RATE, "change": "multiply", "value": "1.1"},
        ]
    )
    found = sweep(case, stresses=True, workers=1, solver=EXACT)
    assert found.table["stress"].tolist() == ["cheap", "dear"]
    a_dollar = income_of_a_dollar(case)
    assert found.base.objective_usd is not None
    assert (
        found.table["held_npv_usd"] - found.base.objective_usd
    ).tolist() == pytest.approx([-0.2 * a_dollar, 0.2 * a_dollar])
    assert found.flips.empty


def test_a_plan_can_be_swept() -> None:
    plan = planner.plan(one_lease(), edits=(f"{RATE}=2.5",), solver=EXACT)
    found = sweep(plan, vary=(f"{RATE}=2.5,3",), workers=1)
    assert found.base.objective_usd == plan.objective_usd
    assert found.table["held_npv_usd"].iloc[0] == pytest.approx(plan.objective_usd)


def test_an_infeasible_base_holds_nothing_and_the_points_are_planned() -> None:
    case = apply_edits(one_lease(), ["leases.min_size=400", "leases.committed=yes", "power.guaranteed_mw=0.5"])
    found = sweep(case, vary=("power.guaranteed_mw=0.5,10",), workers=1, solver=EXACT)
    assert found.base.status == "infeasible"
    assert found.table["redone_status"].tolist() == ["infeasible", "optimal"]
    assert found.table["held_note"].tolist() == ["there is no base plan"] * 2
    assert found.exit_code == 0


# --- order, workers, interruption ------------------------------------------------------------------------------------

VARIED = ("gpu_price=0.6,1.4", "lease_rate=0.8,1.1")


@cache
def swept(workers: int) -> Sweep:
    return sweep(random_case(4), vary=VARIED, workers=workers)


def assert_same(one: Sweep, other: Sweep) -> None:
    for name in ("table", "sites", "leases", "flips", "broken", "portfolios"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def test_processes_change_nothing() -> None:
    assert_same(swept(1), swept(2))


def test_order_changes_nothing() -> None:
    backwards = sweep(random_case(4), vary=("gpu_price=1.4,0.6", "lease_rate=1.1,0.8"), workers=1)
    keys = ["gpu_price", "lease_rate"]
    one, other = (
        found.table.drop(columns="point").sort_values(keys).reset_index(drop=True) for found in (swept(1), backwards)
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_point_alone_is_the_point_among_others() -> None:
    alone = sweep(random_case(4), vary=("gpu_price=1.4", "lease_rate=0.8"), workers=1)
    rows = swept(1).table
    row = rows[
        (rows["gpu_price"] == "1.4") & (rows["lease_rate"] == "0.8")
    ].drop(columns="point").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.table.drop(columns="point"), row, check_exact=True)


def test_cold_and_warm_agree_within_the_gap() -> None:
    cold = sweep(random_case(4), vary=VARIED, workers=1, cold=True)
    assert not any(one.warm for one in cold.outcomes)
    assert all(one.warm for one in swept(1).outcomes)
    assert cold.table["redone_npv_usd"].tolist() == pytest.approx(swept(1).table["redone_npv_usd"].tolist(), rel=1e-4)


def test_a_killed_worker_costs_no_point() -> None:
    found = swept(1)
    with Processes(PointWork(Job(found.case, found.options.plan), "asked"), 2) as workers:
        workers._workers[0]._process.kill()
        outcomes = sorted(workers.results(found.points[:3], Known(found.base, {})), key=lambda one: one.number)
    for one, other in zip(outcomes, found.outcomes, strict=False):
        assert one.objective_usd == other.objective_usd
        assert np.array_equal(one.levels, other.levels)


def test_an_interrupted_sweep_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    case, out, whole = random_case(4), tmp_path / "swept", tmp_path / "whole"

    def stop(done: int, of: int, what: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    first = sweep(case, vary=VARIED, workers=1, out=out, progress=stop)
    assert first.interrupted
    assert first.exit_code == 4
    assert len(first.table) == 2
    assert not out.exists()
    kept = tmp_path / ".swept.unfinished"
    assert kept.is_dir()
    with pytest.raises(PlannerError, match="unfinished sweep; go on with it with --resume"):
        sweep(case, vary=VARIED, workers=1, out=out)
    with pytest.raises(PlannerError, match="is of another sweep: points differ"):
        sweep(case, vary=VARIED[:1], workers=1, out=out, resume=True)
    counted: list[int] = []
    second = sweep(
        case, vary=VARIED, workers=1, out=out, resume=True, progress=lambda done, of, what: counted.append(done)
    )
    assert min(counted) == 2  # nothing is done twice
    assert not kept.exists()
    sweep(case, vary=VARIED, workers=1, out=whole)
    for name in (
        "points.csv", "sites.csv", "leases.csv", "flips.csv", "broken.csv", "points.parquet", "portfolios.parquet"
    ):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    assert_same(second, swept(1))
    record = json.loads((out / "sweep.json").read_text())
    assert record["points_done"] == record["points"] == 4
    assert len(record["seconds"]["solver_by_point"]) == 4


def test_ctrl_c_before_the_base_plan_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, of: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(one_lease(), vary=("tax_rate=0.2,0.3",), workers=1, out=tmp_path / "swept", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_in_a_solve_ends_the_sweep_before_its_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A solve that Ctrl-C ends still has an answer; it is not taken for that of the point."""
    from planner.sweeping import point

    honest, asked = point.allocate, []

    def interrupted(*given: object, **options: object) -> object:
        asked.append(1)
        found = honest(*given, **options)  # type: ignore[arg-type]
        return found if len(asked) == 1 else replace(found, solution=replace(found.solution, interrupted=True))

    monkeypatch.setattr(point, "allocate", interrupted)
    found = sweep(one_lease(), vary=("tax_rate=0.2,0.3",), workers=1)
    assert found.interrupted
    assert found.table["tax_rate"].tolist() == ["0.2"]


def test_resume_needs_something_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="holds no unfinished sweep"):
        sweep(one_lease(), vary=("tax_rate=0.2,0.3",), out=tmp_path / "new", resume=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(PlannerError, match="is not a sweep"):
        sweep(one_lease(), vary=("tax_rate=0.2,0.3",), out=tmp_path / "other", force=True)
    assert (tmp_path / "other" / "notes.txt").exists()


def test_values_that_break_the_case_are_refused_before_anything_is_solved() -> None:
    with pytest.raises(PlannerError, match="tax_rate"):
        sweep(one_lease(), vary=("tax_rate=0.2,1.3",), workers=1)
    with pytest.raises(PlannerError, match="nothing is varied"):
        sweep(one_lease())
    with pytest.raises(PlannerError, match="no option 'worker'"):
        sweep(one_lease(), vary=("tax_rate=0.2,0.3",), worker=2)
    with pytest.raises(PlannerError, match="give 1 or more"):
        SweepOptions(workers=0)
