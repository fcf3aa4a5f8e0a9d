"""Named stresses under a plan that stands: every one equals candidates made anew, through the outlook or restated."""

from __future__ import annotations

import numpy as np
import pytest
from scenarios.random_case import random_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.restated import restate
from planner.case.edits import apply_edits, apply_stress
from planner.scenarios.stressed import Stressed, stressed_candidates


def stress(name: str, target: str, change: str, value: str) -> dict[str, str]:
    return {"stress": name, "target": target, "change": change, "value": value}


CARRIED = [
    stress("gas x3", "curves.value[hub]", "multiply", "3"),
    stress("dear power", "power.energy_usd_per_mwh", "multiply", "2"),
    stress("market at half", "market.usd_per_gpu_hour[old:1]", "multiply", "0.5"),
    stress("market at half", "curves.value[spot]", "multiply", "0.5"),
    stress("mining boom", "mining.hashprice_usd_per_ph_day", "set", "90"),
    stress("crisis", "customers.default_rate_per_year", "set", "0.6"),
    stress("crisis", "leases.renewal_probability[train]", "set", "0.1"),
    stress("dear money", "case.discount_rate", "set", "0.15"),
    stress("poor relets", "case.relet_fraction", "set", "0.3"),
]


RESTATED = [
    stress("repricing", "lease_rates.usd_per_gpu_hour", "multiply", "1.3"),
    stress("repricing", "market.usd_per_gpu_hour[old:1]", "multiply", "1.3"),
    stress("dear cells", "power.fee_usd_per_kw_month", "add", "1"),
    stress("dear GPUs", "curves.value[price]", "multiply", "1.1"),
    stress("taxed", "case.tax_rate", "set", "0.3"),
    stress("idle", "market.utilisation", "set", "0.5"),
    stress("all at once", "power.energised[kind=grid]", "add", "18"),
    stress("all at once", "power.fee_usd_per_kw_month", "add", "1"),
    stress("all at once", "case.discount_rate", "set", "0.15"),
]
NOT_AS_ANEW = ("all at once",)
"""Dates that move make other candidates; tests/candidates/test_restated.py has the rule."""


@pytest.fixture(scope="module")
def candidates() -> CandidateSet:
    return build_candidates(make_outlook(random_case(stresses=[*CARRIED, *RESTATED])))


@pytest.fixture(scope="module")
def under(candidates: CandidateSet) -> dict[str, Stressed]:
    found = stressed_candidates(candidates)
    assert found.left_out == {}
    return found.under


def names(rows: list[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(row["stress"] for row in rows if row["stress"] not in NOT_AS_ANEW))


def value(stressed: Stressed) -> np.ndarray:
    """NPV of a unit of each candidate under a stress."""
    arrays = stressed.candidates.cash_tables.under(stressed.outlook)
    return np.concatenate([arrays.npv(block)[:, 0] for block in stressed.candidates.blocks])


@pytest.mark.parametrize("name", names(CARRIED + RESTATED))
def test_stresses_value_candidates_as_if_made_anew(
    name: str, candidates: CandidateSet, under: dict[str, Stressed]
) -> None:
    held = value(under[name])
    anew = build_candidates(make_outlook(apply_stress(candidates.outlook.case, name)))
    npv = dict(zip(anew.table["candidate_id"], anew.npv_usd, strict=True))
    assert list(npv) == list(candidates.table["candidate_id"])
    np.testing.assert_allclose(held, list(npv.values()), rtol=1e-9, atol=1e-6)
    assert np.abs(held - candidates.npv_usd).max() > 1.0
    assert (under[name].restated is None) == (name in names(CARRIED))


def test_both_ways_to_stress_agree(candidates: CandidateSet, under: dict[str, Stressed]) -> None:
    """What the outlook carries could as well be restated."""
    for name in names(CARRIED):
        restated = restate(candidates, apply_stress(candidates.outlook.case, name))
        np.testing.assert_allclose(restated.npv_usd, value(under[name]), rtol=1e-9, atol=1e-6)


def test_late_power_is_waited_for() -> None:
    case = random_case(stresses=[stress("late", "power.energised[kind=grid]", "add", "18")])
    base = build_candidates(make_outlook(case))
    late = stressed_candidates(base).under["late"]
    np.testing.assert_array_equal(late.outlook.energised_by_scenario[:, 0] - base.outlook.energised, [18, 18, 0, 0])
    assert late.outlook.calendar == base.outlook.calendar
    assert late.restated is None


def test_other_cash_and_other_dates_come_together(candidates: CandidateSet, under: dict[str, Stressed]) -> None:
    cash = restate(
        candidates, apply_edits(candidates.outlook.case, ["power.fee_usd_per_kw_month+=1", "case.discount_rate=0.15"])
    )
    both = value(under["all at once"])
    assert np.abs(both - cash.npv_usd).max() > 1.0
    late = ["line:1", "line:2"]
    free = ~(cash.table["phase"].isin(late) | cash.table["then_phase"].isin(late)).to_numpy()
    assert free.any()
    np.testing.assert_allclose(both[free], cash.npv_usd[free], rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (stress("x", "case.tail", "set", "none"), "case.tail is none"),
        (stress("x", "sites.opening_cost_usd", "set", "5000000"), "asks for open:river, open:pit"),
    ],
)
def test_what_no_plan_weighed_is_left_out_with_the_reason(row: dict[str, str], said: str) -> None:
    found = stressed_candidates(build_candidates(make_outlook(random_case(stresses=[row, *CARRIED[:1]]))))
    assert "gas x3" in found.under
    assert set(found.left_out) == {"x"}
    assert said in found.left_out["x"]


def test_a_renewal_that_was_out_of_the_question_is_nothing_that_a_plan_holds() -> None:
    case = random_case()
    leases = case.tables["leases"]
    leases = leases.assign(renewal_term_months=leases["renewal_term_months"].where(leases["lease_id"] != "serve", 12))
    stresses = random_case(stresses=[stress("x", "leases.renewal_probability[train]", "set", "0.5")]).tables["stresses"]
    case = case.with_table("leases", leases).with_table(
        "stresses", stresses.assign(target="leases.renewal_probability[serve]")
    )
    base = build_candidates(make_outlook(case))
    np.testing.assert_allclose(value(stressed_candidates(base).under["x"]), base.npv_usd, rtol=1e-12, atol=1e-6)
