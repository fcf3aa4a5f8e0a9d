"""Decisions of a plan: what is new, by when, and the dollars that can no longer be avoided, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from oracle.written_case import written_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.settings import Settings
from planner.plans.commitments import MOST_LINES, decisions_table, screen_of, soon

SETTINGS = Settings(name="decisions", start="2027-01", months=24, discount_rate=0.0, tax_rate=0.0)


@pytest.fixture(scope="module")
def candidates() -> CandidateSet:
    """Two sites: at `old` 30 of 40 MW are committed and GPUs stand; `new` has nothing yet, and cells that may be left
    for an exit fee."""
    site = {
        "critical_it_mw": 50, "pue": 1.0, "load_factor": 1.0, "opening_cost_usd": 3_000_000, "build_lead_months": 3,
        "shell_capex_usd_per_kw": 2000,
    }
    power = {"mw_per_it_mw": 1.0, "delay_low_months": 0, "delay_mode_months": 0, "delay_high_months": 0}
    case = written_case(
        SETTINGS,
        sites=[{"site_id": "old", **site, "existing_it_mw": 20}, {"site_id": "new", **site, "existing_it_mw": 0}],
        power=[
            {
                **power, "source_id": "grid", "phase": "1", "site_id": "old", "kind": "grid", "energised": "2027-06",
                "status": "approved", "guaranteed_mw": 40, "committed_mw": 30, "term_months": 18,
                "upfront_usd_per_kw": 100, "lead_months": 2,
            },
            {
                **power, "source_id": "firm", "phase": "1", "site_id": "new", "kind": "fuel_cell",
                "energised": "2027-07", "status": "approved", "guaranteed_mw": 20, "term_months": 60,
                "fee_usd_per_kw_month": 50, "take_or_pay": 0.8, "lead_months": 4,
            },
            {
                **power, "source_id": "loose", "phase": "1", "site_id": "new", "kind": "fuel_cell",
                "energised": "2027-07", "status": "approved", "guaranteed_mw": 20, "term_months": 60,
                "fee_usd_per_kw_month": 50, "take_or_pay": 1.0, "lead_months": 4, "exit_fee_usd_per_kw": 900,
            },
        ],
        gpus=[
            {
                "gpu_id": "g", "it_kw": 1, "capex_usd": 10_000, "deposit_fraction": 0.25, "deposit_lead_months": 3,
                "order_lead_months": 6, "life_months": 48,
            }
        ],
        fleet=[{"site_id": "old", "gpu_id": "g", "gpus": 1000, "bought": "2026-07"}],
    )
    return build_candidates(make_outlook(case))


def _levels(candidates: CandidateSet, **held: float) -> np.ndarray:
    """Levels of candidates by the beginning of their names, `:` written as two underscores."""
    levels = np.zeros(len(candidates))
    ids = candidates.table["candidate_id"]
    levels[(ids.str.startswith("base:") & (candidates.table["gpu_id"] != "")).to_numpy()] = 1000.0
    for name, level in held.items():
        (at,) = np.flatnonzero(
            ids.str.startswith(name.replace("__", ":").replace("_at_", "@").replace("_q_", "-")).to_numpy()
        )
        levels[at] = level
    return levels


def _row(table: pd.DataFrame, **keys: str) -> pd.Series:
    found = table[np.logical_and.reduce([table[name] == value for name, value in keys.items()])]
    assert len(found) == 1, table
    return found.iloc[0]


def test_what_is_committed_or_stands_already_is_no_decision(candidates: CandidateSet) -> None:
    levels = _levels(candidates, open__old=1.0, power__grid=30.0, shell__old__existing=20.0)
    assert decisions_table(candidates, levels).empty


def test_only_what_is_new_commits_dollars(candidates: CandidateSet) -> None:
    levels = _levels(
        candidates, open__old=1.0, power__grid=37.0, shell__old__existing=20.0, shell__old__new_at_2027_q_07=5.0,
        own__old__g_at_2027_q_10=200.0,
    )
    table = decisions_table(candidates, levels)
    assert len(table) == 3
    power = _row(table, decision="contract power", name="grid:1")
    assert (power["decide_by"], power["amount"], power["unit"]) == ("2027-04", pytest.approx(7.0), "MW")
    assert power["commits_usd"] == pytest.approx(7 * 1000 * 100)
    halls = _row(table, decision="build halls", site_id="old")
    assert (halls["decide_by"], halls["commits_usd"]) == ("2027-04", pytest.approx(5 * 1000 * 2000))
    gpus = _row(table, decision="order GPUs", name="g")
    assert (gpus["decide_by"], gpus["commits_usd"]) == ("2027-04", pytest.approx(200 * 10_000))


def test_fees_are_those_of_the_term_or_up_to_the_cheapest_exit(candidates: CandidateSet) -> None:
    table = decisions_table(
        candidates, _levels(candidates, open__new_at_2027_q_03=1.0, power__firm=4.0, power__loose=4.0)
    )
    assert _row(table, decision="open site", site_id="new")["commits_usd"] == pytest.approx(3_000_000)
    assert _row(table, name="firm:1")["commits_usd"] == pytest.approx(4 * 1000 * 50 * 0.8 * 60)
    # It may first be left at the end of 2027, after six months of fees and for the exit fee: cheaper than 60 months.
    assert _row(table, name="loose:1")["commits_usd"] == pytest.approx(4 * 1000 * (50 * 6 + 900))


def test_two_quarters_are_the_first_six_months(candidates: CandidateSet) -> None:
    levels = _levels(candidates, own__old__g_at_2027_q_10=1.0, own__old__g_at_2028_q_01=1.0)
    table = decisions_table(candidates, levels)
    assert table["decide_by"].tolist() == ["2027-04", "2027-07"]
    assert soon(table, "2027-01")["decide_by"].tolist() == ["2027-04"]
    assert len(soon(table, "2027-02")) == 2


@pytest.mark.parametrize(("sites", "months", "lines"), [(4, 2, 8), (15, 2, 2), (15, 25, 1)])
def test_a_screen_holds_them_all_and_their_sum(sites: int, months: int, lines: int) -> None:
    rows = [
        {
            "decide_by": f"{2027 + month // 12}-{month % 12 + 1:02d}", "decision": "order GPUs", "site_id": f"s{site}",
            "name": f"g{site % 2}", "amount": 10.0, "unit": "GPU", "commits_usd": 1.5,
        }
        for month in range(months) for site in range(sites)
    ]
    screen = screen_of(pd.DataFrame(rows))
    assert len(screen) == lines <= MOST_LINES
    assert screen["commits_usd"].sum() == pytest.approx(1.5 * sites * months)


def test_no_decisions_are_a_screen_without_lines(candidates: CandidateSet) -> None:
    screen = screen_of(decisions_table(candidates, np.zeros(len(candidates))))
    assert screen.empty
    assert screen["commits_usd"].sum() == 0.0
