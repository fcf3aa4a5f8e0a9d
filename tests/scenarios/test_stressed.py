"""Named stresses under a plan that stands: what is carried equals candidates made anew, what is not is left out."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scenarios.random_case import random_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.edits import apply_stress
from planner.scenarios.stressed import stress_outlooks


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


@pytest.fixture(scope="module")
def candidates() -> CandidateSet:
    return build_candidates(make_outlook(random_case(stresses=CARRIED)))


@pytest.mark.parametrize("name", list(dict.fromkeys(row["stress"] for row in CARRIED)))
def test_carried_stresses_value_candidates_as_if_made_anew(name: str, candidates: CandidateSet) -> None:
    arrays = candidates.books.under(stress_outlooks(candidates.outlook).outlooks[name])
    held = np.concatenate([arrays.npv(block)[:, 0] for block in candidates.blocks])
    anew = build_candidates(make_outlook(apply_stress(candidates.outlook.case, name)))
    npv = dict(zip(anew.table["candidate_id"], anew.npv_usd, strict=True))
    assert list(npv) == list(candidates.table["candidate_id"])
    np.testing.assert_allclose(held, list(npv.values()), rtol=1e-9, atol=1e-6)
    assert np.abs(held - candidates.npv_usd).max() > 1.0


def test_late_power_is_carried() -> None:
    case = random_case(stresses=[stress("late", "power.energised[kind=grid]", "add", "18")])
    base = make_outlook(case)
    late = stress_outlooks(base).outlooks["late"]
    np.testing.assert_array_equal(late.energised_by_scenario[:, 0] - base.energised, [18, 18, 0, 0])
    assert late.calendar == base.calendar


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (stress("x", "lease_rates.usd_per_gpu_hour", "multiply", "1.3"), "lease_rates.usd_per_gpu_hour"),
        (stress("x", "power.fee_usd_per_kw_month", "add", "1"), "power.fee_usd_per_kw_month"),
        (stress("x", "curves.value", "multiply", "1.1"), r"curves.value\[price\], the price of GPUs"),
        (stress("x", "leases.renewal_probability[serve]", "set", "0"), ""),
        (stress("x", "case.tax_rate", "set", "0.3"), "case.tax_rate"),
        (stress("x", "market.utilisation", "set", "0.5"), "market.utilisation"),
    ],
)
def test_what_is_fixed_in_a_candidate_is_left_out_with_the_reason(row: dict[str, str], said: str) -> None:
    found = stress_outlooks(make_outlook(random_case(stresses=[row, *CARRIED[:1]])))
    assert "gas x3" in found.outlooks
    if said:
        assert set(found.left_out) == {"x"}
        assert re.match(f"it changes {said}", found.left_out["x"])
    else:  # nothing changes, so nothing is left out
        assert "x" in found.outlooks


def test_a_renewal_that_was_out_of_the_question_is_left_out() -> None:
    case = random_case()
    leases = case.tables["leases"]
    leases = leases.assign(renewal_term_months=leases["renewal_term_months"].where(leases["lease_id"] != "serve", 12))
    stresses = random_case(stresses=[stress("x", "leases.renewal_probability[train]", "set", "0.5")]).tables["stresses"]
    case = case.with_table("leases", leases).with_table("stresses", stresses.assign(target="leases.renewal_probability"))
    assert stress_outlooks(make_outlook(case)).left_out["x"].startswith("it changes leases.renewal_probability[serve], of a lease without a next term")
