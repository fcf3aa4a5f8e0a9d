"""Scores: equal to the plan in the base case, the same one by one, and honest about limits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases.path_table import path_table
from scoring_case import ScoringCase

from kernels.reference.measures import npv_measures
from planner.candidates.packages import COMPANY, site_packages
from planner.case.edits import apply_edits
from planner.planning.plan import Plan
from planner.scenarios.futures import make_futures
from planner.scenarios.outlook import scenario_outlook
from planner.scoring.items import Bunch
from planner.scoring.long_table import from_table
from planner.scoring.pareto import pareto
from planner.scoring.score import ScoreOptions, score_portfolios
from planner.scoring.subsets import Subsets
from planner.scoring.values import item_values

FEW = ScoreOptions(scenarios=40, float64=True, threads=1)


@pytest.fixture(scope="module", name="planned")
def the_plan(planned: ScoringCase) -> Plan:
    return planned.plan


@pytest.fixture(scope="module")
def bunch(planned: Plan) -> Bunch:
    assert planned.levels is not None
    return Subsets(site_packages(planned.candidates, planned.levels)).whole()


def test_the_plan_scores_its_own_npv_and_breaks_no_limit(planned: Plan) -> None:
    scores = score_portfolios(planned.candidates, from_table(planned.candidates, planned.portfolio), FEW)
    (row,) = scores.table.to_dict("records")
    assert row["base_npv_usd"] == pytest.approx(planned.objective_usd, rel=1e-9)
    assert row["base_npv_usd"] == pytest.approx(planned.npv_usd, rel=1e-9)
    assert row["limits_broken"] == 0
    assert scores.broken.empty


def test_subsets_add_up_and_the_last_is_the_plan(planned: Plan, bunch: Bunch) -> None:
    table = score_portfolios(planned.candidates, bunch, FEW).table
    sites = [name for name in bunch.items.names if name != COMPANY]
    assert len(table) == 2 ** len(sites)
    assert table["base_npv_usd"].iloc[-1] == pytest.approx(planned.objective_usd, rel=1e-9)
    nothing = table["base_npv_usd"].iloc[0]
    alone = [table["base_npv_usd"].iloc[1 << bit] - nothing for bit in range(len(sites))]
    assert nothing + sum(alone) == pytest.approx(planned.objective_usd, rel=1e-9)


def test_a_batch_equals_its_portfolios_one_by_one_in_any_order(planned: Plan) -> None:
    half = planned.portfolio.assign(level=planned.portfolio["level"] * 0.5, portfolio="half")
    table = pd.concat([planned.portfolio.assign(portfolio="whole"), half], ignore_index=True)
    together = score_portfolios(
        planned.candidates, from_table(planned.candidates, table), FEW
    ).table.set_index("portfolio")
    shuffled = table.sample(frac=1.0, random_state=5)
    again = score_portfolios(
        planned.candidates, from_table(planned.candidates, shuffled), FEW
    ).table.set_index("portfolio")
    numbers = together.select_dtypes("number").columns
    pd.testing.assert_frame_equal(together[numbers], again.loc[together.index, numbers], rtol=1e-12)
    for name in ("whole", "half"):
        alone = score_portfolios(
            planned.candidates, from_table(planned.candidates, table[table["portfolio"] == name]), FEW
        ).table
        np.testing.assert_allclose(
            alone[numbers].to_numpy()[0], together.loc[name, numbers].to_numpy(dtype=float), rtol=1e-12
        )


def test_half_a_plan_is_flagged_where_decisions_are_whole(planned: Plan) -> None:
    table = planned.candidates.table
    assert table.loc[table["candidate_id"].isin(planned.portfolio["candidate_id"]), "integral"].any()
    half = planned.portfolio.assign(level=planned.portfolio["level"] * 0.5)
    scores = score_portfolios(planned.candidates, from_table(planned.candidates, half), FEW)
    assert "WHOLE" in set(scores.broken["family"])
    assert scores.table["limits_broken"].iloc[0] == len(scores.broken)


def test_twice_the_gpus_break_a_limit_that_is_named_with_its_excess(planned: Plan) -> None:
    twice = planned.portfolio.copy()
    twice.loc[twice["kind"] == "serve", "level"] *= 2.0
    scores = score_portfolios(planned.candidates, from_table(planned.candidates, twice), FEW)
    assert {"VOLUME", "FLEET"} & set(scores.broken["family"])
    assert (scores.broken["excess"] > 0).all()
    assert scores.table["worst_limit"].iloc[0] != ""


def test_threads_and_precision_do_not_change_what_is_said(planned: Plan, bunch: Bunch) -> None:
    one = score_portfolios(planned.candidates, bunch, FEW).table
    two = score_portfolios(planned.candidates, bunch, dataclasses.replace(FEW, threads=2)).table
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    coarse = score_portfolios(planned.candidates, bunch, dataclasses.replace(FEW, float64=False)).table
    scale = one["base_npv_usd"].abs().max()
    for column in ("mean_npv_usd", "var_usd", "cvar_usd", "peak_funding_mean_usd"):
        np.testing.assert_allclose(coarse[column], one[column], rtol=0, atol=1e-5 * scale)


def test_measures_are_those_of_the_npvs_of_every_future(planned: Plan, bunch: Bunch) -> None:
    outlook = planned.candidates.outlook
    futures = make_futures(outlook.case, outlook.calendar, scenarios=FEW.scenarios)
    values = item_values(planned.candidates, bunch.items, futures, {}, paths=True, threads=1)
    assert values.cash is not None
    np.testing.assert_allclose(values.cash @ outlook.discount, values.npv, rtol=0, atol=1e-6 * np.abs(values.npv).max())
    whole = values.npv.sum(axis=0)[None, :]
    expected = npv_measures(whole, futures.weights, alpha=0.95)
    row = score_portfolios(planned.candidates, bunch, FEW).table.iloc[-1]
    assert row["cvar_usd"] == pytest.approx(float(expected.cvar[0]), rel=1e-9)
    assert row["var_usd"] == pytest.approx(float(expected.var[0]), rel=1e-9)


def test_a_delay_of_every_phase_by_a_year_lets_no_gpu_earn_twice(planned: Plan) -> None:
    """Every window that earns ends when the plan said, and begins no earlier than its phase is there."""
    candidates = planned.candidates
    late = apply_edits(candidates.outlook.case, ["power.energised+=12"])
    outlook = dataclasses.replace(candidates.outlook, case=late)
    events = candidates.cash_tables.under(outlook).events
    plain = candidates.valuation.events
    power = candidates.outlook.energised
    for block in candidates.blocks:
        if block.kind not in ("serve", "sell", "host", "mine", "renew"):
            continue
        planned_end = block.table["to_month"].to_numpy()[:, None]
        for term in block.terms:
            if not hasattr(term, "end"):
                continue
            assert (events[term.end] <= np.maximum(plain[term.end], planned_end)).all()
            assert (events[term.end] <= planned_end).all()
    assert (outlook.energised >= power).all()
    assert (outlook.energised > power).any()


def test_pareto_keeps_what_nothing_beats() -> None:
    scores = pd.DataFrame({"mean_npv_usd": [3.0, 2.0, 1.0, 2.0], "cvar_usd": [5.0, 4.0, 4.5, 6.0]})
    assert pareto(scores).index.tolist() == [0, 1]


def test_scenarios_leave_the_plan_s_windows_alone(planned: Plan) -> None:
    outlook = planned.candidates.outlook
    futures = make_futures(outlook.case, outlook.calendar, scenarios=16)
    events = planned.candidates.cash_tables.under(scenario_outlook(outlook, futures)).events
    assert events.shape[1] == 16
    for block in planned.candidates.blocks:
        if block.kind in ("serve", "sell", "host", "mine"):
            ends = block.table["to_month"].to_numpy()[:, None]
            for term in block.terms:
                if hasattr(term, "end"):
                    assert (events[term.end] <= ends).all()


def test_futures_brought_from_elsewhere_are_weighed_as_they_say(planned: Plan, tmp_path: Path) -> None:
    """A good and a bad future: the mean is weighed, and the tail is the bad one."""
    outlook = planned.candidates.outlook
    factors = outlook.case.tables["factors"]
    drawn = make_futures(outlook.case, outlook.calendar, scenarios=2, seed=9)
    multipliers = {
        name: drawn.values.multipliers[name] for name in factors.factor_id if name in drawn.values.multipliers
    }
    table = path_table(("good", "bad"), np.array([0.75, 0.25]), multipliers, outlook.calendar)
    once = [
        ("delay", drawn.values.late_months), ("default", drawn.values.default_month), ("renewal", drawn.values.renewed)
    ]
    rows = [
        {"factor_id": name, "scenario": scenario, "month": "", "value": float(value[at]), "weight": weight}
        for _, found in once for name, value in found.items() for at, (scenario, weight) in enumerate(
            (("good", 0.75), ("bad", 0.25))
        )
    ]
    whole = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
    whole.to_parquet(tmp_path / "futures.parquet")
    source = from_table(planned.candidates, planned.portfolio)
    npv = item_values(planned.candidates, source.items, drawn, {}, paths=False, threads=1).npv[0]
    options = dataclasses.replace(FEW, imported=str(tmp_path / "futures.parquet"), alpha=0.8)
    (row,) = score_portfolios(planned.candidates, source, options).table.to_dict("records")
    assert row["mean_npv_usd"] == pytest.approx(0.75 * npv[0] + 0.25 * npv[1], rel=1e-9)
    # Either future weighs more than the tail of a fifth.
    assert row["cvar_usd"] == pytest.approx(-npv.min(), rel=1e-9)


def test_the_short_call_scores_a_plan(planned: Plan) -> None:
    import planner

    table = planner.score(planned.case, planned.portfolio, scenarios=8, threads=1).table
    assert table["base_npv_usd"].iloc[0] == pytest.approx(planned.npv_usd, rel=1e-9)
