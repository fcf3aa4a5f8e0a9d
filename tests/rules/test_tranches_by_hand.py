"""Leases delivered in tranches, by hand: 100 GPUs for a year at a dollar an hour, a quarter of them on the date, the
rest half a year later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from at_length import in_tiers
from auditing.altered import altered
from auditing.audited import audited, told
from oracle.tiny_case import Row
from rules.hand_case import cash, coming, gpu, hand_case, lease, phase, place, plan, rate

import planner
from planner.auditing.agreement import audit
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.explaining.contract_value import contract_value_usd
from planner.explaining.sentences import lines_of
from planner.risk.worth import candidate_values
from planner.scenarios.futures import make_futures

MONTH = 730.0
YEAR = 12 * MONTH
HALVES = (("one", 0.25, 0), ("two", 0.75, 6))
BEYOND = (("one", 0.25, 0), ("two", 0.75, 24))
"""The second tranche is due when the case ends."""


def parts(*given: tuple[str, float, int], **columns: Any) -> list[Row]:
    return [
        {"lease_id": "L", "tranche": name, "size_share": share, "starts_after_months": after, **columns}
        for name, share, after in given or HALVES
    ]


def staged(*, tranches: list[Row] | None = None, other: dict[str, Any] | None = None, **columns: Any) -> Case:
    """The lease in tranches; GPUs at a dollar that live for three years."""
    given: dict[str, Any] = {
        "gpus": [gpu(capex_usd=1, life_months=36)], "leases": [lease(**{"term_months": 12, **columns})],
        "lease_rates": [rate()], "lease_tranches": parts() if tranches is None else tranches, **(other or {}),
    }
    return hand_case(months=24, **given)


def served(found: planner.Plan) -> dict[str, float]:
    """GPUs by tranche."""
    return found.allocation[found.allocation["use"] == "serve"].groupby("tranche")["gpus"].sum().to_dict()


def revenue(found: planner.Plan) -> list[float]:
    by_month = cash(found, "revenue")
    return [by_month.get(month, 0.0) for month in range(24)]


def test_each_tranche_is_billed_from_its_own_date_for_the_whole_term() -> None:
    found = plan(staged())
    assert served(found) == pytest.approx({"one": 25.0, "two": 75.0})
    assert revenue(found) == pytest.approx([25 * MONTH] * 6 + [100 * MONTH] * 6 + [75 * MONTH] * 6 + [0.0] * 6)
    assert found.npv_usd == pytest.approx(100 * YEAR - 100, rel=1e-12)
    assert found.allocation.set_index("tranche")["from"].to_dict() == {"one": "2027-01", "two": "2027-07"}


def test_one_tranche_is_a_lease_without_any() -> None:
    whole, one = plan(staged(tranches=[])), plan(staged(tranches=parts(("all", 1.0, 0))))
    assert one.npv_usd == whole.npv_usd
    assert revenue(one) == revenue(whole)


def test_ramps_rises_prepayments_and_next_terms_run_from_each_tranches_own_start() -> None:
    """A first month at half, all of it prepaid, renewed for three months by a chance of a half at 0.8 of the rate."""
    ramp = [{"lease_id": "L", "month_of_term": 0, "size_share": 0.5}]
    renewed = {"renewal_term_months": 3, "renewal_probability": 0.5, "renewal_rate_share": 0.8}
    found = plan(staged(other={"lease_ramp": ramp}, prepay_fraction=1, **renewed))
    one, two = np.zeros(24), np.zeros(24)
    for flow, size, start in ((one, 25, 0), (two, 75, 6)):
        flow[start : start + 12] = size * MONTH
        flow[start] /= 2
        flow[start + 12 : start + 15] = 0.4 * size * MONTH
    assert revenue(found) == pytest.approx((one + two).tolist())
    paid = cash(found, "prepayment")
    received = {0: 25 * 11.5 * MONTH - 12.5 * MONTH, 6: 75 * 11.5 * MONTH - 37.5 * MONTH - 25 * MONTH}
    assert {month: paid[month] for month in received} == pytest.approx(received)
    assert sum(paid.values()) == pytest.approx(0.0, abs=1e-6)


def test_a_tranche_that_finds_too_little_holds_back_the_others() -> None:
    """30 GPUs can be had from July on, and plenty before: 40 of the lease are sold, 10 of them in January."""
    supply = [
        {"gpu_id": "g", "quarter": f"{year}-Q{at}", "max_gpus": 30 if (year, at) == (2027, 3) else 0}
        for year in (2027, 2028) for at in (1, 2, 3, 4)
    ]
    supply[0]["max_gpus"] = 10
    found = plan(staged(other={"gpu_supply": supply}))
    assert served(found) == pytest.approx({"one": 10.0, "two": 30.0}, rel=1e-9)
    assert found.npv_usd == pytest.approx(40 * YEAR - 40, rel=1e-9)
    whole = plan(staged(other={"gpu_supply": supply}, all_or_nothing=True))
    assert served(whole) == {}
    least = plan(staged(other={"gpu_supply": supply}, min_size=41))
    assert served(least) == {}


def test_each_tranche_has_its_own_grace_and_pays_for_its_own_lateness() -> None:
    """Power comes in August: the second tranche, due in July, waits a month and pays a half of that month."""
    power = [phase(guaranteed_mw=0.025), coming(source="q", energised="2027-08")]
    late = {"late_penalty": 0.5, "term_from": "delivery"}
    tranches = parts()
    tranches[1]["late_grace_months"] = 1
    found = plan(staged(tranches=tranches, other={"power": power}, **late))
    assert served(found) == pytest.approx({"one": 25.0, "two": 75.0})
    assert found.npv_usd == pytest.approx(100 * YEAR - 0.5 * 75 * MONTH - 100, rel=1e-12)
    assert cash(found, "penalties") == pytest.approx({6: -0.5 * 75 * MONTH})
    tranches[1]["late_grace_months"] = 0
    lost = staged(tranches=tranches, other={"power": power}, late_grace_months=1, all_or_nothing=True, **late)
    assert served(plan(lost)) == {}
    # Without a grace of its own it has that of the lease.
    lease_says = plan(staged(other={"power": power}, late_grace_months=1, **late))
    assert lease_says.npv_usd == pytest.approx(found.npv_usd, rel=1e-12)


@pytest.mark.parametrize(
    ("stays", "of_tranche", "walked"), [(False, None, True), (True, None, False), (False, 9, False), (False, 2, True)]
)
def test_in_a_future_a_customer_walks_away_from_the_tranche_that_is_late(
    stays: bool, of_tranche: int | None, walked: bool
) -> None:
    """Power of the second tranche is three months later in half of all futures, two more than the lease's grace."""
    sites = [place("s"), place("t")]
    power = [phase(guaranteed_mw=0.025), phase(source="q", site_id="t", status="approved", energised="2027-07")]
    wait = {"factor_id": "wait", "model": "discrete_delay", "drives": "delay[q:1]", "outcomes": "0:0.5;3:0.5"}
    power[1] |= dict.fromkeys(("delay_low_months", "delay_mode_months", "delay_high_months"), 2)
    tranches = parts()
    tranches[1] |= {"may_terminate": not stays, "late_grace_months": of_tranche}
    case = staged(
        tranches=tranches, late_grace_months=1, term_from="delivery", late_penalty=0.01,
        other={"sites": sites, "power": power, "factors": [wait], "gpus": [gpu(capex_usd=1, life_months=12)]},
    )
    found = planner.plan(case, base="announced", prices="none")
    assert found.levels is not None
    values = found.levels @ candidate_values(
        found.candidates, make_futures(case, found.candidates.outlook.calendar, scenarios=64)
    )
    on_time = 100 * YEAR - 100
    # The plan's windows end when they were to: three of the twelve months are lost, or all of them.
    late = on_time - 75 * (YEAR if walked else 3 * MONTH) - 0.01 * 75 * 3 * MONTH
    assert sorted(set(np.round(values, 3))) == pytest.approx(sorted([late, on_time]))


def test_what_is_due_after_the_horizon_is_left_out_with_its_share() -> None:
    case = staged(tranches=parts(*BEYOND), all_or_nothing=True)
    found = planner.plan(case, prices="full")
    assert served(found) == pytest.approx({"one": 25.0})
    assert found.npv_usd == pytest.approx(25 * YEAR - 25, rel=1e-12)
    said = [str(oddity) for oddity in planner.check(case).oddities]
    assert any("tranche two of L is due in 2029-01, after the horizon" in one for one in said)


@pytest.mark.parametrize(
    ("given", "terms"),
    in_tiers(
        [
            (HALVES, {"all_or_nothing": True}), (BEYOND, {}), (HALVES, {}), (HALVES, {"min_block": 5}),
            (BEYOND, {"all_or_nothing": True}), (BEYOND, {"min_block": 5}),
        ],
        2,
    ),
)
def test_a_unit_more_of_the_lease_comes_in_all_its_tranches(
    given: tuple[tuple[str, float, int], ...], terms: dict[str, Any], tmp_path: Path
) -> None:
    """A GPU-year less its dollar; where a tranche lies beyond the horizon, the share that is delivered."""
    worth = 0.25 if given is BEYOND else 1.0
    case = staged(tranches=parts(*given), **terms)
    found = planner.plan(case, prices="full")
    (row,) = found.prices[found.prices["resource"] == "lease"].to_dict("records")
    for column in ("gain_usd", "loss_usd", "dual_usd"):
        assert row[column] == pytest.approx(worth * (YEAR - 1), rel=1e-9), column
    assert row["in_plan"] == pytest.approx(100.0 * worth)
    more = planner.plan(apply_edits(case, ["leases.max_size[L]+=1"]), prices="none")
    assert more.npv_usd - found.npv_usd == pytest.approx(row["gain_usd"], rel=1e-9)
    assert found.binding.set_index("name")["usd_per_percent"]["L"] == pytest.approx(worth * (YEAR - 1))
    _, agreement = audited(case, tmp_path / "run")
    assert agreement.agrees, told(agreement)


def test_a_contract_is_worth_the_terms_of_its_tranches() -> None:
    case = apply_edits(staged(), ["case.discount_rate=0.2"])
    outlook = make_outlook(case)
    expected = MONTH * sum(
        share * outlook.discount[start : start + 12].sum() for share, start in ((0.25, 0), (0.75, 6))
    )
    assert contract_value_usd(outlook)["L"] == pytest.approx(expected, rel=1e-12)


def test_a_size_that_is_fixed_is_that_of_all_tranches() -> None:
    found = planner.plan(staged(), fixes=("leases.size[L]=60",), prices="none")
    assert served(found) == pytest.approx({"one": 15.0, "two": 45.0})


def test_blocks_fabrics_and_clusters_count_all_tranches_of_a_site() -> None:
    """Two sites, 40 and 80 GPUs at most on one fabric: none holds the lease whole, so 80 are sold at the larger."""
    sites = [place("s", max_cluster_gpus=40), place("t", max_cluster_gpus=80)]
    power = [phase(), phase("r", site_id="t")]
    found = plan(staged(other={"sites": sites, "power": power}, single_fabric=True))
    assert served(found) == pytest.approx({"one": 20.0, "two": 60.0})
    assert set(found.allocation["site_id"]) == {"t"}


def test_a_fleet_goes_on_with_the_tranche_that_has_begun() -> None:
    """50 GPUs serve a lease begun in October of which a half has come; the other half comes in April."""
    fleet = [{"site_id": "s", "gpu_id": "g", "gpus": 50, "bought": "2026-10", "lease_id": "L"}]
    tranches = parts(("one", 0.5, 0), ("two", 0.5, 6))
    case = staged(tranches=tranches, other={"fleet": fleet}, start="2026-10", signed=True)
    found = plan(case)
    assert served(found) == pytest.approx({"one": 50.0, "two": 50.0})
    # Nine months of the first are left, whose GPUs are free for the last three of the second.
    assert revenue(found) == pytest.approx([50 * MONTH] * 3 + [100 * MONTH] * 6 + [50 * MONTH] * 6 + [0.0] * 9)


def test_a_commitment_that_a_tranche_cannot_keep_is_told_with_its_date() -> None:
    """All power comes in March: the first tranche, due in January, would wait two months; the second is on time."""
    case = staged(other={"power": [coming(energised="2027-03")]}, min_size=100, committed=True)
    found = planner.plan(case)
    assert found.levels is None
    assert found.conflict is not None
    said = "\n".join(lines_of(found.conflict))
    assert "lease L:one starts by 2027-01 (2 months too early)" in said
    assert "lease L is committed at 100 GPUs from 2027-01" in said
    edit = "lease_tranches.late_grace_months[L:one]=2"
    assert f"start lease L:one 2 months later than its customer accepts, $36,500: --set '{edit}'" in said
    repaired = planner.plan(apply_edits(case, [edit]), prices="none")
    assert served(repaired) == pytest.approx({"one": 25.0, "two": 75.0})


def test_the_conflict_of_a_later_tranche_is_that_of_its_own_months() -> None:
    """75 GPUs more from July on, and their power comes in September."""
    power = [phase(guaranteed_mw=0.025), coming(source="q", energised="2027-09")]
    found = planner.plan(staged(other={"power": power}, min_size=100, committed=True))
    assert found.conflict is not None
    said = "\n".join(lines_of(found.conflict))
    assert "too little: power, 2027-07 to 2027-08" in said
    assert "lease_tranches.late_grace_months[L:two]=2" in said


def test_a_case_without_leases_that_has_no_plan_is_explained() -> None:
    """A billion is asked for by March, and 50 GPUs without a market are all there is."""
    fleet = [{"site_id": "s", "gpu_id": "g", "gpus": 50, "bought": "2026-10"}]
    budget = [{"quarter": "2027-Q1", "cash_floor_usd": 1e9}]
    found = planner.plan(hand_case(fleet=fleet, budget=budget))
    assert found.levels is None
    assert found.conflict is not None
    assert "cumulative cash at the end of 2027-Q1" in "\n".join(lines_of(found.conflict))


def test_the_ledger_finds_a_tranche_that_was_sold_without_the_others(tmp_path: Path) -> None:
    _, agreement = audited(staged(), tmp_path / "run")
    assert agreement.agrees, told(agreement)
    assert {check.name for check in agreement.checks if check.family == "tranche of a lease"} == {"L one", "L two"}
    altered(
        tmp_path / "run", "portfolio",
        lambda rows: [{**row, "level": "50"} if row["tranche"] == "one" else row for row in rows],
    )
    assert "limit tranche of a lease" in audit(tmp_path / "run", staged()).disagreements


def test_a_portfolio_that_sells_one_tranche_alone_is_flagged() -> None:
    case = staged()
    found = plan(case)
    alone = found.portfolio.assign(portfolio="alone")
    alone = alone[alone["tranche"] != "two"]
    scores = planner.score(case, alone, scenarios=2)
    assert "TRANCHE L:" in scores.table["worst_limit"].iat[0]
