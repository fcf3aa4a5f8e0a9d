"""What is said to stop a lease is what stops it: with exactly those limits lifted the model can serve it, with any one
of them left it cannot."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from at_length import few
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.refusals.stops import StopKind
from planner.candidates.refusals.told import edits_of, nearest, remedy, why_stopped
from planner.candidates.refusals.what_stops import Refusal, WhatStops
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.case.generate import generate_case
from planner.formulation.allocate import allocate
from planner.solver.options import SolverOptions
from planner.solver.status import Status

Rows = dict[str, list[dict[str, Any]]]
ON_TIME = {"delay_low_months": 0, "delay_mode_months": 0, "delay_high_months": 0}
QUARTERS = [f"{year}-Q{quarter}" for year in (2027, 2028, 2029) for quarter in (1, 2, 3, 4)]


def refusal(case: Case, lease_id: str = "lease") -> Refusal:
    return WhatStops(make_outlook(case)).refusal(lease_id)


def can_serve(case: Case, lease_id: str = "lease") -> bool:
    """Whether the model has a plan that serves the least size of a lease, all its other leases left out."""
    leases = case.tables["leases"]
    alone = case.with_table(
        "leases", leases[leases["lease_id"] == lease_id].assign(committed=True).reset_index(drop=True)
    )
    for table in ("lease_rates", "lease_ramp", "links"):
        rows = alone.tables[table]
        alone = alone.with_table(table, rows[rows["lease_id"].isin([lease_id, ""])].reset_index(drop=True))
    answer = allocate(build_candidates(make_outlook(alone)), SolverOptions(gap=1.0))
    assert answer.status in (Status.OPTIMAL, Status.FEASIBLE, Status.INFEASIBLE)
    return answer.status is not Status.INFEASIBLE


def fitting() -> Rows:
    """A lease of 400 GPUs on one fabric from the fourth month, 0.8 MW, on a site that has more than enough of
    everything."""
    return {
        "sites": [
            site(region="north", max_rack_kw=200, liquid_cooled_it_mw=2, max_cluster_gpus=1000, site_group="line"),
            site("b", region="east"),
        ],
        "site_groups": [{"site_group": "line", "max_contracted_mw": 50}],
        "power": [grid(co2_kg_per_mwh=100)],
        "gpus": [sku(cooling="liquid", rack_kw=100)],
        "leases": [
            cluster(start="2027-04", term_months=12, all_or_nothing=True, single_fabric=True, max_co2_kg_per_mwh=200)
        ],
        "lease_rates": [rate()],
    }


def set_in(table: str, **columns: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[table][0].update(columns)

    return change


BROKEN: dict[StopKind, Callable[[Rows], None]] = {
    StopKind.REGION: set_in("leases", regions="east"),
    StopKind.SITE_LIST: set_in("leases", sites="b"),
    StopKind.LINK: lambda rows: rows.update(links=[{"site_id": "a", "lease_id": "lease", "allowed": False}]),
    StopKind.RACK: set_in("sites", max_rack_kw=50),
    StopKind.NO_COOLING: set_in("sites", liquid_cooled_it_mw=0),
    StopKind.COOLING_MW: set_in("sites", liquid_cooled_it_mw=0.5),
    StopKind.CO2: set_in("power", co2_kg_per_mwh=300),
    StopKind.POWER_DATE: set_in("power", energised="2027-10", status="approved", **ON_TIME),
    StopKind.POWER_TERM: set_in("power", term_months=20),
    StopKind.POWER_MW: set_in("power", guaranteed_mw=0.5),
    StopKind.GROUP: lambda rows: rows.update(site_groups=[{"site_group": "line", "max_contracted_mw": 0.6}]),
    StopKind.NO_HALL: set_in("sites", existing_it_mw=0),
    StopKind.HALL_MW: set_in("sites", existing_it_mw=0.5, critical_it_mw=0.5, liquid_cooled_it_mw=None),
    StopKind.HALL_DATE: set_in("sites", existing_it_mw=0, shell_capex_usd_per_kw=9000, build_lead_months=9),
    StopKind.HALL_PACE: set_in(
        "sites", existing_it_mw=0, shell_capex_usd_per_kw=9000, build_lead_months=0, build_mw_per_quarter=0.1
    ),
    StopKind.ORDER_LEAD: set_in("gpus", order_lead_months=6),
    StopKind.SUPPLY: lambda rows: rows.update(
        gpu_supply=[{"gpu_id": "gpu", "quarter": quarter, "max_gpus": 20} for quarter in QUARTERS]
    ),
    StopKind.CLUSTER: set_in("sites", max_cluster_gpus=300),
    StopKind.TIER: set_in("lease_rates", max_units=100),
}
APART = (
    {StopKind.NO_COOLING, StopKind.COOLING_MW},
    {StopKind.NO_HALL, StopKind.HALL_MW, StopKind.HALL_DATE, StopKind.HALL_PACE},
    {StopKind.HALL_MW, StopKind.COOLING_MW, StopKind.NO_COOLING},
)
"""What cannot be broken together, as one hides the other."""


def broken(kinds: set[StopKind]) -> Case:
    rows = fitting()
    for kind in kinds:
        BROKEN[kind](rows)
    return tiny_case(**rows)


def combinations(seed: int) -> set[StopKind]:
    draw = random.Random(seed)
    chosen: set[StopKind] = set()
    for kind in draw.sample(list(BROKEN), draw.choice([2, 3, 4])):
        if not any({kind, other} <= group for group in APART for other in chosen):
            chosen.add(kind)
    return chosen


def test_what_fits_is_not_stopped() -> None:
    assert can_serve(tiny_case(**fitting()))
    assert not refusal(tiny_case(**fitting())).stopped
    assert why_stopped(refusal(tiny_case(**fitting()))) == ""


@pytest.mark.parametrize("kinds", [{kind} for kind in BROKEN], ids=lambda kinds: next(iter(kinds)).name)
def test_each_limit_alone_is_named(kinds: set[StopKind]) -> None:
    lifted_one_by_one(broken(kinds), kinds)


@pytest.mark.parametrize("seed", few(range(14), 3))
def test_several_limits_are_named_together(seed: int) -> None:
    kinds = combinations(seed)
    lifted_one_by_one(broken(kinds), kinds)


def lifted_one_by_one(case: Case, kinds: set[StopKind]) -> None:
    found = refusal(case)
    place = next(place for place in found.places if place.site_id == "a")
    stops = [*found.before, *place.stops]
    assert {stop.kind for stop in stops} == kinds, [str(stop) for stop in stops]
    assert not can_serve(case)
    assert can_serve(apply_edits(case, edits_of(found, place))), [str(stop) for stop in stops]
    for left in stops:
        rest = [edit for stop in stops if stop is not left for edit in stop.edits]
        if rest:
            assert not can_serve(apply_edits(case, rest)), f"served although {left} was left"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (StopKind.RACK, "at a a rack may take 50 kW, gpu needs 100 kW"),
        (StopKind.NO_COOLING, "there is no liquid cooling, which gpu needs"),
        (StopKind.COOLING_MW, "0.5 MW can be cooled with liquid, it needs 0.8 MW"),
        (StopKind.CLUSTER, "the largest cluster on one fabric is 300 GPUs, it needs 400 GPUs"),
        (StopKind.REGION, "it lies in north, the lease may stand in east alone"),
        (StopKind.CO2, "its power emits 300 kg of CO2 per MWh, the lease takes 200 kg"),
        (StopKind.POWER_DATE, "a_grid:1 has power from 2027-10 only, the lease begins by 2027-04"),
        (StopKind.POWER_TERM, "the contract of a_grid:1 ends in 2027-08, the lease needs it to 2028-03"),
        (StopKind.HALL_DATE, "halls can stand from 2027-10 only, the lease begins by 2027-04"),
        (StopKind.ORDER_LEAD, "gpu ordered at the start comes after 6 months, from 2027-07"),
        (StopKind.TIER, "its rates take 100 GPUs on gpu, it needs 400 GPUs"),
    ],
)
def test_the_figures_of_a_limit_are_said(kind: StopKind, said: str) -> None:
    assert said in why_stopped(refusal(broken({kind})))


def test_a_life_that_ends_too_early_is_named() -> None:
    """The lease runs two years past the horizon; what is delivered last, in 2028-10, lives 18 months."""
    rows = fitting()
    rows["leases"][0].update(start="2028-07", term_months=30)
    rows["gpus"][0].update(life_months=18)
    case = tiny_case(tail="contracted", **rows)
    lifted_one_by_one(case, {StopKind.LIFE})
    assert (
        "gpu lives 18 months, and none can be delivered late enough for the end of the lease in 2030-12"
        in why_stopped(refusal(case))
    )


@pytest.mark.parametrize(
    ("start", "kind", "said"),
    [
        ("2029-04", StopKind.BEYOND_HORIZON, "it begins in 2029-04, after the horizon, which ends in 2028-12"),
        ("2025-04", StopKind.OVER, "its last month is 2026-03, before the case starts in 2027-01"),
    ],
)
def test_dates_outside_the_case_are_named_beside_the_other_limits(start: str, kind: StopKind, said: str) -> None:
    rows = fitting()
    rows["leases"][0].update(start=start)
    alone = tiny_case(**rows)
    found = refusal(alone)
    assert [stop.kind for stop in found.before] == [kind]
    assert not found.places
    assert said in why_stopped(found)
    assert can_serve(apply_edits(alone, found.before[0].edits))
    BROKEN[StopKind.RACK](rows)
    both = refusal(tiny_case(**rows))
    assert {
        stop.kind for stop in (*both.before, *next(place for place in both.places if place.site_id == "a").stops)
    } == {kind, StopKind.RACK}


def test_grace_is_honoured() -> None:
    """Power six months late: stopped without grace, begun late with it, and the end of the lease says when."""
    late = broken({StopKind.POWER_DATE})
    assert refusal(late).stopped
    patient = apply_edits(late, ["leases.late_grace_months[lease]=6"])
    found = refusal(patient)
    assert not found.stopped
    assert found.begins == 9
    assert found.due == 3
    assert can_serve(patient)
    assert refusal(apply_edits(late, ["leases.late_grace_months[lease]=5"])).stopped


def test_sites_with_the_same_limits_are_told_together() -> None:
    rows = fitting()
    rows["sites"] = [
        *(
            site(name, region="north", max_rack_kw=kw, liquid_cooled_it_mw=2)
            for name, kw in (("a", 40), ("b", 60), ("c", 40))
        ),
        *(site(name, region="north", max_rack_kw=200, liquid_cooled_it_mw=0) for name in ("d", "e")),
        site("f", region="north"),
    ]
    rows["power"] = [grid(name, co2_kg_per_mwh=100) for name in "abcde"]
    del rows["site_groups"]
    said = why_stopped(refusal(tiny_case(**rows)))
    assert said == (
        "at 3 sites (a, b, c) a rack may take 40 to 60 kW, gpu needs 100 kW; at 2 (d, e) there is no liquid cooling, "
        "which gpu needs; at f there is no power at all"
    )


def test_a_lease_spread_over_sites_names_what_each_would_have_to_hold() -> None:
    """All or nothing, 900 GPUs over two sites of 250 and 500: the larger lacks 150 GPUs more than it holds."""
    case = tiny_case(
        sites=[site("a", mw=0.5), site("b", mw=1.0)], power=[grid("a"), grid("b")],
        leases=[cluster(size=900, all_or_nothing=True, start="2027-04", term_months=12)], lease_rates=[rate()],
    )
    found = refusal(case)
    assert found.stopped
    assert why_stopped(found) == "at 2 sites (a, b) halls hold 0.5 to 1 MW of critical IT, too little"
    assert [
        (stop.have, stop.need) for place in found.places for stop in place.stops
    ] == [(0.5, pytest.approx(0.8)), (1.0, pytest.approx(1.3))]
    for place in found.places:
        assert can_serve(apply_edits(case, edits_of(found, place)))
    assert not refusal(apply_edits(case, ["leases.max_size[lease]=750"])).stopped


def test_deliveries_to_all_sites_together_are_named() -> None:
    """Two sites could hold half each, but 500 GPUs a quarter come for both: fewer than the 900 that must start at
    once."""
    case = tiny_case(
        sites=[site("a", mw=1.0), site("b", mw=1.0)], power=[grid("a"), grid("b")],
        leases=[cluster(size=900, all_or_nothing=True, start="2027-01", term_months=12)], lease_rates=[rate()],
        gpu_supply=[{"gpu_id": "gpu", "quarter": quarter, "max_gpus": 500} for quarter in QUARTERS],
    )
    found = refusal(case)
    assert found.stopped
    assert [stop.kind for stop in found.before] == [StopKind.SUPPLY]
    assert not can_serve(case)
    assert can_serve(apply_edits(case, [edit for stop in found.before for edit in stop.edits]))


def test_halls_that_come_late_and_slowly_need_both_lifted() -> None:
    """Nothing stands; from month 9 on 0.1 MW a quarter can be built, and 0.8 are needed in month 3."""
    rows = fitting()
    rows["sites"][0].update(
        existing_it_mw=0, shell_capex_usd_per_kw=9000, build_lead_months=9, build_mw_per_quarter=0.1
    )
    lifted_one_by_one(tiny_case(**rows), {StopKind.HALL_DATE, StopKind.HALL_PACE})
    rows["sites"][0].update(critical_it_mw=0.6, liquid_cooled_it_mw=None)
    lifted_one_by_one(tiny_case(**rows), {StopKind.HALL_DATE, StopKind.HALL_PACE, StopKind.HALL_MW})


def test_mining_halls_that_are_converted_late() -> None:
    """Converted from 2027-06 on in six months; the first step of the plan after that is the quarter from 2028-01."""
    rows = fitting()
    rows["sites"][0].update(existing_it_mw=0, conversion_capex_usd_per_kw=5000, conversion_lead_months=6)
    mining = {
        "site_id": "a", "utility_mw": 2, "joules_per_th": 18, "hashprice_usd_per_ph_day": 40, "convertible_fraction": 1,
        "earliest_stop": "2027-06",
    }
    case = tiny_case(mining=[mining], **rows)
    lifted_one_by_one(case, {StopKind.HALL_DATE})
    assert "halls can stand from 2028-01 only, the lease begins by 2027-04" in why_stopped(refusal(case))


def test_many_limits_at_a_site_are_told_in_brief() -> None:
    kinds = {StopKind.RACK, StopKind.CO2, StopKind.POWER_DATE, StopKind.CLUSTER}
    said = why_stopped(refusal(broken(kinds)))
    assert said.endswith(
        "at a 4 limits: rack 50 kW of 100 kW, CO2 300 kg, at most 200 kg, date of power 2027-10, by 2027-04, largest "
        "cluster 300 of 400"
    )


def test_a_hall_is_stopped_by_halls_and_power_alone() -> None:
    case = tiny_case(
        sites=[site(mw=0.5), site("b")], power=[grid()], leases=[hall("lease", mw=1.0, all_or_nothing=True)]
    )
    found = refusal(case)
    assert "at a there are 0.5 MW of halls and no price for new ones, it needs 1 MW" in why_stopped(found)
    assert "at b there is no power at all" in why_stopped(found)
    place = nearest(found)
    assert place is not None
    assert place.site_id == "a"
    assert remedy(found).startswith("at a: --set '")
    assert can_serve(apply_edits(case, edits_of(found, place)))


@pytest.mark.parametrize("seed", few(range(8), 4))
def test_no_lease_that_the_model_can_serve_is_stopped(seed: int) -> None:
    """Made-up cases of many kinds of terms: whatever is refused the model cannot serve either."""
    case = generate_case(sites=3, leases=5, skus=2, months=36, seed=seed)
    ask = WhatStops(make_outlook(case))
    for lease_id in case.tables["leases"]["lease_id"]:
        if ask.refusal(lease_id).stopped:
            assert not can_serve(case, lease_id), lease_id
