"""Firm and curtailable power by hand: who may stand on which part of a phase, and what the hours without power cost."""

from __future__ import annotations

import pandas as pd
import pytest
from auditing.altered import altered
from auditing.test_faults_put_back import caught
from rules.hand_case import cash, gpu, hand_case, lease, phase, plan, rate

import planner
from planner.candidates.build import build_candidates
from planner.candidates.options import CandidateOptions
from planner.candidates.outlook import make_outlook
from planner.candidates.refusals.what_stops import WhatStops
from planner.case.edits import apply_edits
from planner.case.oddities import oddities
from planner.errors import CaseError, PlannerError
from planner.explaining.infeasible import explain_infeasible
from planner.risk.bundle_grid import bundle_grid
from planner.scoring.bundles import bundles

DEMAND = [{"gpu_id": "g", "usd_per_gpu_hour": 1, "utilisation": 1, "depth_gpus": 1_000}]
YEAR_2027 = 8_760
"""Hours of 2027: as many as a year has for curtailment."""


def curtailed(**columns):
    """0.1 MW of which a share is firm, the rest curtailed for 876 hours a year, a tenth of them; free of fees."""
    return phase(guaranteed_mw=0.1, **{"firm_share": 0.4, "curtailed_hours_per_year": 876, **columns})


def year(*, power, leases=None, months=12, **rows):
    return hand_case(
        months=months, tail="none", power=[power], gpus=[gpu(life_months=months)],
        **({"leases": leases, "lease_rates": [rate()]} if leases else {}), **rows,
    )


def served(found, lease_id="L"):
    """GPUs at work for a lease on firm and on curtailable power."""
    rows = found.allocation[found.allocation["lease_id"] == lease_id]
    return rows.groupby("interruptible")["gpus"].sum().to_dict()


@pytest.mark.parametrize(
    ("accepts", "warning", "gpus"),
    [
        (0, 0, {0: 40}), (875, 0, {0: 40}), (876, 0, {0: 40, 1: 60}), (876, 3, {0: 40}), (8_760, 2, {0: 40, 1: 60}),
    ],
)
def test_a_lease_stands_on_curtailable_power_only_if_it_accepts_its_hours_and_its_warning(accepts, warning, gpus):
    """100 GPUs of 1 kW on 0.1 MW, 40 kW of it firm; the utility warns 2 hours ahead."""
    leases = [
        lease(term_months=12, curtailable_hours_per_year=accepts, curtailment_notice_hours=warning)
    ]
    found = plan(year(power=curtailed(curtailment_notice_hours=2), leases=leases))
    assert served(found) == pytest.approx(gpus)


def test_the_discount_is_taken_off_in_months_in_which_a_lease_may_be_curtailed_and_its_energy_is_not_drawn():
    """60 GPUs at $1 x 730 h less 5 % until July, when the upgrade is done; a tenth of their hours draw nothing till
    then."""
    leases = [lease(term_months=12, curtailable_hours_per_year=900, curtailment_discount=0.05)]
    found = plan(year(power=curtailed(curtailed_until="2027-07", energy_usd_per_mwh=100), leases=leases))
    assert served(found) == pytest.approx({0: 40, 1: 60})
    months = range(12)
    assert cash(found, "revenue") == pytest.approx(
        {month: 730 * (100 - (3 if month < 6 else 0)) for month in months}
    )
    hours = [24 * days for days in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)]
    assert cash(found, "energy") == pytest.approx(
        {month: -0.1 * hours[month] * (40 + 60 * (0.9 if month < 6 else 1.0)) for month in months}
    )


def test_what_is_sold_on_demand_loses_the_hours_of_the_curtailable_part():
    found = plan(year(power=curtailed(), market=DEMAND))
    assert sum(cash(found, "revenue").values()) == pytest.approx(YEAR_2027 * (40 + 60 * 0.9), rel=1e-12)


def test_on_demand_gives_the_firm_part_to_a_lease_that_needs_it():
    """A lease at $1 x 730 h takes no curtailment: it stands on the 40 kW, and the market on the rest."""
    found = plan(year(power=curtailed(), leases=[lease(term_months=12, max_size=40)], market=[
        {"gpu_id": "g", "usd_per_gpu_hour": 0.9, "utilisation": 1, "depth_gpus": 1_000}
    ]))
    by_hand = 40 * 730 * 12 + 60 * 0.9 * 0.9 * YEAR_2027
    assert sum(cash(found, "revenue").values()) == pytest.approx(by_hand, rel=1e-12)
    assert served(found) == pytest.approx({0: 40})


def test_from_the_upgrade_on_all_of_a_phase_is_firm():
    """A lease from July on takes 100 GPUs although nothing of the phase is firm before."""
    leases = [lease(start="2027-07", term_months=6)]
    found = plan(year(power=curtailed(firm_share=0, curtailed_until="2027-07"), leases=leases))
    assert served(found) == pytest.approx({0: 100})
    late = plan(year(power=curtailed(firm_share=0, curtailed_until="2027-08"), leases=leases))
    assert late.npv_usd == 0.0


def test_a_bridge_is_curtailed_on_each_of_its_phases_until_its_own_date():
    """Cells that are firm for three months, then a grid curtailed until September: 5 % off in June, July and August."""
    cells = phase("cells", kind="fuel_cell", guaranteed_mw=0.1)
    grid = phase(
        "grid", status="approved", energised="2027-06", delay_low_months=0, delay_mode_months=0, delay_high_months=0,
        guaranteed_mw=0.1, firm_share=0, curtailed_hours_per_year=100, curtailed_until="2027-09",
    )
    cells |= {"term_months": 5}
    leases = [lease(term_months=12, min_size=100, curtailable_hours_per_year=100, curtailment_discount=0.05)]
    found = plan(
        hand_case(
            months=12, tail="none", power=[cells, grid], gpus=[gpu(life_months=12)], leases=leases, lease_rates=[rate()]
        )
    )
    assert cash(found, "revenue") == pytest.approx(
        {month: 73_000 * (0.95 if month in (5, 6, 7) else 1.0) for month in range(12)}
    )


def test_hashing_stops_while_its_power_is_curtailed():
    """A MW of miners at $50 per PH/s and day and 20 J/TH: $104.17 per MWh less $4.17, in 90 % of the hours."""
    mine = {
        "site_id": "s", "utility_mw": 0.1, "joules_per_th": 20, "uptime": 1.0, "opex_usd_per_mwh": 10,
        "hashprice_usd_per_ph_day": 48,
    }
    found = plan(year(power=curtailed(firm_share=0), mining=[mine]))
    assert found.npv_usd == pytest.approx(0.1 * 0.9 * YEAR_2027 * (48 / 0.48 - 10), rel=1e-12)


def test_a_megawatt_more_is_as_firm_as_its_phase_and_planning_again_earns_its_price():
    """A MW holds 1,000 GPUs at $1,000 that earn $1 an hour: 400 in every hour and 600 in nine tenths of them."""
    case = year(power=curtailed(fee_usd_per_kw_month=2), market=DEMAND)
    found = planner.plan(case, prices="full")
    rows = found.prices[(found.prices["question"] == "whole term") & (found.prices["resource"] == "phase")]
    (row,) = rows.to_dict("records")
    earned = 1_000 * (YEAR_2027 * (0.4 + 0.6 * 0.9) - 1_000)
    assert row["gain_usd"] == pytest.approx(earned, rel=1e-9)
    assert row["net_gain_usd"] == pytest.approx(earned - 24_000, rel=1e-9)
    more = planner.plan(apply_edits(case, ["power.guaranteed_mw[p]+=0.01"]))
    assert more.npv_usd - found.npv_usd == pytest.approx(0.01 * row["net_gain_usd"], rel=1e-9)


def test_what_binds_is_worth_what_its_firm_part_carries():
    """Of 100 GPUs that a lease would take 40 stand on firm power: a percent more of the phase carries 0.4 more."""
    found = planner.plan(year(power=curtailed(), leases=[lease(term_months=12)]), prices="full")
    (percent,) = found.binding["usd_per_percent"]
    assert percent == pytest.approx(0.4 * (730 * 12 - 1_000), rel=1e-9)


def test_scores_keep_the_hours_where_a_phase_comes_late():
    """Until July a lease of 30 GPUs on curtailable power pays 5 % less, and of 70 on demand at $0.9 30 lose a tenth of
    their hours. Late by three months all of them earn from April on, and are curtailed for three months."""
    grid = curtailed(
        status="approved", delay_low_months=0, delay_mode_months=0, delay_high_months=0, curtailed_until="2027-07",
        term_months=12,
    )
    leases = [lease(term_months=12, max_size=30, curtailable_hours_per_year=900, curtailment_discount=0.05)]
    case = year(
        power=grid, leases=leases,
        market=[{"gpu_id": "g", "usd_per_gpu_hour": 0.9, "utilisation": 1, "depth_gpus": 1_000}],
        stresses=[{"stress": "late", "target": "power.energised[p]", "change": "add", "value": "3"}],
    )
    hours = [24 * days for days in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)]

    def earned(first):
        months = range(first, 12)
        on_lease = sum(30 * 730 * (0.95 if month < 6 else 1.0) for month in months)
        return on_lease + sum(0.9 * hours[month] * (40 + 30 * (0.9 if month < 6 else 1.0)) for month in months)

    found = planner.plan(case)
    assert found.npv_usd == pytest.approx(earned(0) - 100_000, rel=1e-12)
    scored = planner.score(case, found.portfolio, scenarios=2).table.iloc[0]
    assert scored["base_npv_usd"] == pytest.approx(found.npv_usd, rel=1e-12)
    assert scored["npv_late_usd"] == pytest.approx(earned(3) - 100_000, rel=1e-12)


def test_a_promise_that_needs_firm_power_names_what_is_short():
    """100 GPUs that accept no curtailment, on 40 kW of firm power: the conflict names the firm share."""
    leases = [lease(term_months=12, min_size=100, committed=True)]
    found = explain_infeasible(year(power=curtailed(upfront_usd_per_kw=1), leases=leases), CandidateOptions())
    words = {member.limit.words for each in found.infeasible_sets for member in each.members}
    assert "0.4 of p:1 at s is firm for its whole term" in words
    assert found.checked


def test_a_lease_that_accepts_too_little_is_told_what_it_would_have_to_accept():
    power = curtailed(firm_share=0, curtailment_notice_hours=1)
    leases = [lease(term_months=12, curtailable_hours_per_year=10, curtailment_notice_hours=2)]
    case = year(power=power, leases=leases)
    (stop,) = WhatStops(make_outlook(case)).at("L", "s", "g").stops
    assert str(stop) == (
        "p:1 may be curtailed for 876 hours a year after 1 hours of warning, the lease accepts 10 after 2"
    )
    assert served(plan(apply_edits(case, stop.edits))) == pytest.approx({1: 100})


def test_the_ledger_knows_who_stands_on_which_part(tmp_path):
    """100 GPUs published as firm on a phase of which 40 kW are: the ledger says what is broken."""
    leases = [lease(term_months=12, curtailable_hours_per_year=900, curtailment_discount=0.1)]
    case = year(power=curtailed(energy_usd_per_mwh=50), leases=leases)

    def firm(folder):
        altered(folder, "portfolio", lambda rows: [{**row, "interruptible": "0"} for row in rows])

    assert {"limit firm power", "line revenue", "line energy"} <= set(caught(case, tmp_path / "run", firm))


def test_power_says_what_of_it_was_curtailed():
    """0.1 MW, 0.06 of it curtailed for 876 hours of the year."""
    (row,) = plan(year(power=curtailed(), market=DEMAND)).power.to_dict("records")
    assert row["firm_mw"] == pytest.approx(0.04)
    assert row["peak_curtailable_use_mw"] == pytest.approx(0.06)
    assert row["curtailed_mwh"] == pytest.approx(0.06 * 876)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"firm_share": 0.5, "curtailed_hours_per_year": 0}, "curtailed for no hours"),
        ({"firm_share": 1, "curtailed_hours_per_year": 9}, "firm as a whole"),
        ({"firm_share": 0.5, "curtailed_hours_per_year": 9, "curtailed_until": "2026-12"}, "before it is there"),
    ],
)
def test_a_phase_curtailed_in_name_alone_is_remarked_on(columns, said):
    case = year(power=phase(**columns))
    assert any(said in str(each) for each in oddities(case))


def battery(**columns):
    """A MW of storage that stands on the site, free of charge unless said otherwise."""
    return phase("b", **{"kind": "battery", "guaranteed_mw": 1, **columns})


def backed(*, power=None, leases=None, **columns):
    leases = [lease(term_months=12)] if leases is None else leases
    grid = curtailed(firm_share=0.4, energy_usd_per_mwh=50) if power is None else power
    return hand_case(
        months=12, tail="none", power=[grid, battery(**columns)], gpus=[gpu(life_months=12)], leases=leases,
        lease_rates=[rate()],
    )


@pytest.mark.parametrize(
    ("columns", "gpus"),
    [
        ({}, 100), ({"guaranteed_mw": 0.02}, 60), ({"guaranteed_mw": 0.02, "firms_mw_per_mw": 2.5}, 90),
        ({"hours_per_year": 876}, 100), ({"hours_per_year": 875}, 40),
    ],
)
def test_a_lease_that_accepts_no_hours_stands_on_curtailable_power_as_far_as_backup_stands_behind_it(columns, gpus):
    """100 GPUs of 1 kW on 0.1 MW, 40 kW of it firm, with MW of backup that firm so much each, for so many hours."""
    assert served(plan(backed(**columns))) == pytest.approx({0: gpus})


def test_a_phase_of_which_nothing_is_firm_is_made_so():
    power = curtailed(firm_share=0)
    assert served(plan(backed(power=power, guaranteed_mw=0.03))) == pytest.approx({0: 30})
    assert plan(backed(power=power, hours_per_year=0)).npv_usd == 0.0


def test_a_backup_costs_its_plant_and_in_hours_of_curtailment_what_its_energy_is_dearer():
    """60 kW behind the grid: $100 a kW, $2 a kW-month, and $250 in place of $50 per MWh in 876 hours of the year."""
    found = plan(backed(
        status="approved", delay_low_months=0, delay_mode_months=0, delay_high_months=0, capex_usd_per_kw=100,
        fixed_om_usd_per_kw_month=2, energy_usd_per_mwh=250,
    ))
    assert sum(cash(found, "capex").values()) == pytest.approx(-100_000 - 60 * 100)
    assert sum(cash(found, "upkeep").values()) == pytest.approx(-60 * 2 * 12)
    assert sum(cash(found, "energy").values()) == pytest.approx(-0.1 * 50 * YEAR_2027 - 0.06 * 200 * 876)
    assert found.npv_usd == pytest.approx(
        100 * (730 * 12 - 1_000) - 6_000 - 1_440 - 0.1 * 50 * YEAR_2027 - 0.06 * 200 * 876, rel=1e-12
    )


def test_what_accepts_the_hours_leaves_the_backup_to_what_does_not():
    """60 GPUs accept them for a discount of 30 %, more than a backup costs at $100 a kW; at $1,000 it is dearer."""
    leases = [lease(term_months=12, curtailable_hours_per_year=900, curtailment_discount=0.3)]
    terms = {"status": "approved", "delay_low_months": 0, "delay_mode_months": 0, "delay_high_months": 0}
    cheap = plan(backed(leases=leases, capex_usd_per_kw=100, **terms))
    assert served(cheap) == pytest.approx({0: 100})
    dear = plan(backed(leases=leases, capex_usd_per_kw=3_000, **terms))
    assert served(dear) == pytest.approx({0: 40, 1: 60})


def test_the_ledger_knows_backups(tmp_path):
    """30 kW of backup published as standing behind 60."""
    def more(folder):
        altered(
            folder, "portfolio",
            lambda rows: [{**row, "level": "0.06"} if row["kind"] == "back" else row for row in rows],
        )

    case = backed(guaranteed_mw=0.03, energy_usd_per_mwh=70)
    assert {"limit backup", "line energy"} <= set(caught(case, tmp_path / "run", more))


def test_a_megawatt_of_backup_is_worth_what_planning_again_with_it_brings():
    """Each MW makes a MW of grid firm, which holds 1,000 GPUs at $730 a month."""
    case = backed(guaranteed_mw=0.03, capex_usd_per_kw=0)
    found = planner.plan(case, prices="full")
    prices = found.prices[(found.prices["question"] == "whole term") & (found.prices["name"] == "b:1")]
    gain = float(prices["net_gain_usd"].iloc[0])
    more = planner.plan(apply_edits(case, ["power.guaranteed_mw[b]+=0.01"])).npv_usd - found.npv_usd
    assert more == pytest.approx(10 * (730 * 12 - 1_000) - 0.01 * 50 * YEAR_2027, rel=1e-9)
    assert gain == pytest.approx(100 * more, rel=1e-9)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (battery(min_take=0.5), "nothing draws on a backup"), (battery(firm_share=0.5), "nothing draws on a backup"),
        (phase("b", hours_per_year=5), "of a backup alone"), (phase("b", firms_mw_per_mw=2), "of a backup alone"),
    ],
)
def test_what_makes_no_sense_of_a_backup_is_refused(row, said):
    with pytest.raises(CaseError, match=said):
        hand_case(power=[phase(), row])


def test_a_pool_of_bundles_is_refused_where_power_may_be_curtailed():
    candidates = build_candidates(make_outlook(year(power=curtailed(), market=DEMAND)))
    with pytest.raises(PlannerError, match="knows firm power alone, and p:1 may be curtailed"):
        bundle_grid(candidates)


def test_a_bundle_on_the_market_stands_on_the_firm_part_alone():
    """10 GPUs of a portfolio earn $1 in every hour; for 10 kW of firm power 25 kW are contracted, at $2 a month."""
    case = year(power=curtailed(fee_usd_per_kw_month=2), market=DEMAND)
    candidates = build_candidates(make_outlook(case))
    row = {
        "portfolio": "one", "site_id": "s", "gpu_id": "g", "power_path": "p:1", "start": "2027-01", "use": "market",
        "level": "10",
    }
    (package,) = bundles(pd.DataFrame([row]), candidates)
    assert package.npv_usd(candidates) == pytest.approx(10 * (YEAR_2027 - 1_000) - 25 * 2 * 12)
