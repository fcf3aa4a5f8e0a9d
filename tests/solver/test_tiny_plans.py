"""Plans of tiny cases whose best answer can be seen without solving: one rule of the contract each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.formulation.allocate import Allocation, allocate
from planner.solver.options import SolverOptions
from planner.solver.status import Status


class Plan:
    """The best plan of a case, with sums of levels."""

    def __init__(self, case: Case, **outlook: Any) -> None:
        self.candidates = build_candidates(make_outlook(case, **outlook))
        self.answer: Allocation = allocate(self.candidates, SolverOptions(gap=1e-9))
        assert self.answer.status is Status.OPTIMAL, self.answer.message
        assert self.answer.levels is not None
        self.npv_usd = self.answer.objective_usd
        self.held: pd.DataFrame = self.candidates.table.assign(level=self.answer.levels)

    def total(self, kind: str, month: int | None = None, **where: Any) -> float:
        """Sum of the levels of a kind, of those under way in `month` if given, whose columns are as stated."""
        chosen = self.held[self.held["kind"] == kind]
        if month is not None:
            chosen = chosen[(chosen["from_month"] <= month) & (month < chosen["to_month"])]
        for column, value in where.items():
            chosen = chosen[chosen[column] == value]
        return float(chosen["level"].sum())


def near(value: float) -> Any:
    return pytest.approx(value, rel=1e-6, abs=1e-5)


# --- leases -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mw", "served"), [(0.8, 400), (0.78, 0)])
def test_an_all_or_nothing_lease_is_served_whole_or_not_at_all(mw, served):
    case = tiny_case(sites=[site(mw=mw)], power=[grid()], leases=[cluster(all_or_nothing=True)], lease_rates=[rate()])
    assert Plan(case).total("serve") == near(served)


@pytest.mark.parametrize(("least", "served"), [(300, 350), (351, 0)])
def test_a_lease_is_served_at_its_least_size_or_not_at_all(least, served):
    case = tiny_case(sites=[site(mw=0.7)], power=[grid()], leases=[cluster(min_size=least)], lease_rates=[rate()])
    assert Plan(case).total("serve") == near(served)


def test_no_site_holds_less_than_the_least_block_of_a_lease():
    def plan(block: int) -> Plan:
        return Plan(
            tiny_case(
                sites=[site("a", mw=1), site("b", mw=0.5)], power=[grid("a"), grid("b")],
                leases=[cluster(size=900, min_block=block)], lease_rates=[rate()],
            )
        )

    free, kept = plan(250), plan(251)
    assert (free.total("serve", site_id="a"), free.total("serve", site_id="b")) == (near(500), near(250))
    assert (kept.total("serve", site_id="a"), kept.total("serve", site_id="b")) == (near(500), near(0))


def test_a_committed_lease_is_served_at_a_loss():
    def plan(committed: bool) -> Plan:
        return Plan(
            tiny_case(
                sites=[site()], power=[grid()], leases=[cluster(min_size=300, committed=committed)],
                lease_rates=[rate(usd=0.5)],
            )
        )

    assert plan(False).total("serve") == near(0)
    assert plan(True).total("serve") == near(300)
    assert plan(True).npv_usd < 0.0 == plan(False).npv_usd


@pytest.mark.parametrize(
    "size",
    [
        {"min_size": 300}, {"all_or_nothing": True}, {"min_size": 100, "min_block": 300},
        {"min_size": 300, "single_fabric": True},
    ],
    ids=str,
)
def test_a_committed_lease_that_no_hall_can_hold_makes_the_case_infeasible(size):
    case = tiny_case(
        sites=[site(mw=0.5)], power=[grid()], leases=[cluster(committed=True, **size)], lease_rates=[rate()]
    )
    answer = allocate(build_candidates(make_outlook(case)), SolverOptions())
    assert answer.status is Status.INFEASIBLE
    assert answer.levels is None


@pytest.mark.parametrize(("second", "at_second"), [(1.7, 150), (0.6, 0)])
def test_a_declining_schedule_is_served_from_its_dearest_tier_down_as_far_as_it_pays(second, at_second):
    rates = [rate(usd=2.0, max_units=250), rate(usd=second, tier=2)]
    plan = Plan(tiny_case(sites=[site()], power=[grid()], leases=[cluster()], lease_rates=rates))
    assert plan.total("serve", tier=1) == near(250)
    assert plan.total("serve", tier=2) == near(at_second)


@pytest.mark.parametrize(("capex", "old", "new"), [(60_000, 800, 0), (30_000, 0, 400)])
def test_a_lease_is_served_by_the_sku_that_makes_its_units_cheapest(capex, old, new):
    """One `fast` GPU makes a unit, as two of the others do, and is paid twice the rate: it wins while it costs less
    than two."""
    gpus = [sku(), sku("fast", it_kw=4.0, capex_usd=capex, performance=2.0)]
    plan = Plan(
        tiny_case(
            sites=[site()], power=[grid()], gpus=gpus, leases=[cluster()],
            lease_rates=[rate(), rate(usd=4.0, gpu="fast")],
        )
    )
    assert (plan.total("serve", gpu_id="gpu"), plan.total("serve", gpu_id="fast")) == (near(old), near(new))


# --- fabrics ----------------------------------------------------------------------------------------------------


def _two_campuses(fibre_usd: float, **lease: Any) -> Plan:
    """A cluster of 700 for two campuses of 400 GPUs each."""
    near_by = {"fabric_group": "valley"}
    return Plan(
        tiny_case(
            sites=[site("a", mw=0.8, **near_by), site("b", mw=0.8, **near_by)], power=[grid("a"), grid("b")],
            leases=[cluster(size=700, all_or_nothing=True, single_fabric=True, **lease)], lease_rates=[rate()],
            links=[{"site_id": "a", "other_site_id": "b", "fibre_capex_usd": fibre_usd}],
        )
    )


def test_a_cluster_neither_campus_can_hold_is_served_only_over_the_link():
    cheap, dear = _two_campuses(1e5), _two_campuses(1e9)
    assert (cheap.total("fabric"), cheap.total("serve")) == (1, near(700))
    assert (dear.total("fabric"), dear.total("serve")) == (0, near(0))


def test_a_cluster_one_campus_can_hold_needs_no_link():
    near_by = {"fabric_group": "valley"}
    case = tiny_case(
        sites=[site("a", mw=1.4, **near_by), site("b", mw=0.8, **near_by)], power=[grid("a"), grid("b")],
        leases=[cluster(size=700, all_or_nothing=True, single_fabric=True)], lease_rates=[rate()],
        links=[{"site_id": "a", "other_site_id": "b", "fibre_capex_usd": 1e5}],
    )
    plan = Plan(case)
    assert (plan.total("fabric"), plan.total("serve", site_id="a")) == (0, near(700))


def test_a_site_without_a_link_is_on_no_common_fabric():
    case = tiny_case(
        sites=[site("a", mw=0.8), site("b", mw=0.8)], power=[grid("a"), grid("b")],
        leases=[cluster(size=700, min_size=300, single_fabric=True)], lease_rates=[rate()],
    )
    plan = Plan(case)
    assert plan.total("serve") == near(400)
    assert 0.0 in (plan.total("serve", site_id="a"), plan.total("serve", site_id="b"))


def test_the_largest_cluster_of_a_site_limits_a_single_fabric_alone():
    def served(single: bool) -> float:
        case = tiny_case(
            sites=[site(max_cluster_gpus=150)], power=[grid()], leases=[cluster(single_fabric=single)],
            lease_rates=[rate()],
        )
        return Plan(case).total("serve")

    assert (served(True), served(False)) == (near(150), near(400))


# --- power, halls, supply ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fee", "taken"), [(40, 1), (100, 0)])
def test_a_lumpy_phase_is_taken_whole_or_not_at_all(fee, taken):
    """400 GPUs need 1 MW of the 3 MW; at the higher fee the whole phase costs more than they bring, a third would
    not."""
    power = [grid(mw=3, fee_usd_per_kw_month=fee, lumpy=True)]
    plan = Plan(tiny_case(sites=[site()], power=power, leases=[cluster()], lease_rates=[rate()]))
    assert plan.total("power") == taken
    assert plan.total("serve") == near(400 * taken)
    part = Plan(
        tiny_case(sites=[site()], power=[{**power[0], "lumpy": False}], leases=[cluster()], lease_rates=[rate()])
    )
    assert part.total("power") == near(1.0)


def test_power_in_steps_is_rounded_up_to_what_the_plan_needs():
    plan = Plan(
        tiny_case(
            sites=[site()], power=[grid(mw=3, fee_usd_per_kw_month=5, step_mw=0.4)], leases=[cluster()],
            lease_rates=[rate()],
        )
    )
    assert plan.total("power") == 3  # 3 x 0.4 MW for 1 MW
    assert plan.total("serve") == near(400)


def test_sites_behind_one_substation_share_its_limit():
    case = tiny_case(
        sites=[site("a", site_group="sub"), site("b", site_group="sub")], power=[grid("a"), grid("b")],
        site_groups=[{"site_group": "sub", "max_contracted_mw": 1.5}],
        leases=[cluster("one"), cluster("two")], lease_rates=[rate("one"), rate("two", 1.9)],
    )
    plan = Plan(case)
    assert plan.total("power") == near(1.5)
    assert plan.total("serve", lease_id="one") == near(400)
    assert plan.total("serve", lease_id="two") == near(200)


def test_liquid_cooled_mw_limit_liquid_cooled_gpus_alone():
    def served(cooling: str) -> float:
        case = tiny_case(
            sites=[site(liquid_cooled_it_mw=0.3)], power=[grid()], gpus=[sku(cooling=cooling)], leases=[cluster()],
            lease_rates=[rate()],
        )
        return Plan(case).total("serve")

    assert (served("liquid"), served("air")) == (near(150), near(400))


def test_spares_are_bought_beside_the_gpus_at_work():
    plan = Plan(
        tiny_case(
            sites=[site()], power=[grid()], gpus=[sku(spare_fraction=0.2)], leases=[cluster()], lease_rates=[rate()]
        )
    )
    assert (plan.total("serve"), plan.total("own")) == (near(400), near(500))


def test_deliveries_stay_within_the_supply_of_the_quarter():
    supply = [
        {"gpu_id": "gpu", "quarter": "2027-Q1", "max_gpus": 150},
        {"gpu_id": "gpu", "quarter": "2027-Q2", "max_gpus": 100},
    ]
    plan = Plan(
        tiny_case(
            sites=[site()], power=[grid()], leases=[cluster(late_grace_months=3)], lease_rates=[rate()],
            gpu_supply=supply,
        )
    )
    assert plan.total("own", from_month=0) == near(150)
    assert plan.total("own", from_month=3) == near(100)
    assert plan.total("serve") == near(250)


@pytest.mark.parametrize(("carries_over", "bought"), [(True, (50, 150)), (False, (100, 100))])
def test_capital_is_raised_by_quarter_and_carries_over_where_the_case_says_so(carries_over, bought):
    """$2M a quarter for GPUs of $20,000, 50 needed at once and 150 later: what cannot be kept is spent early."""
    budget = [{"quarter": "2027-Q1", "new_capital_usd": 2e6}, {"quarter": "2027-Q2", "new_capital_usd": 2e6}]
    leases = [cluster("now", size=50), cluster("later", start="2027-04", term_months=21)]
    case = tiny_case(
        sites=[site()], power=[grid()], leases=leases, lease_rates=[rate("now"), rate("later", 2.2)], budget=budget,
        settings={"budget_carries_over": carries_over},
    )
    plan = Plan(case)
    assert plan.total("own", from_month=0) == near(bought[0])
    assert plan.total("own", from_month=3) == near(bought[1])


# --- what competes for a hall -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("usd_per_kw_month", "hosted"), [(150, 0.0), (600, 1.0)])
def test_a_hall_goes_to_the_tenant_or_to_gpus_of_its_own_by_what_each_brings(usd_per_kw_month, hosted):
    """A GPU of 2 kW brings 2 $ x 17,544 h less 20,000 and its energy: about 300 $ per kW-month before tax."""
    case = tiny_case(
        sites=[site(mw=1)], power=[grid()], leases=[cluster(size=500), hall(rate=usd_per_kw_month)],
        lease_rates=[rate()],
    )
    plan = Plan(case)
    assert plan.total("host") == near(hosted)
    assert plan.total("serve") == near(500 * (1 - hosted))


@pytest.mark.parametrize(("hashprice", "mined", "converted"), [(50, 2.0, 0.0), (5, 2.0, 1.6)])
def test_a_mining_hall_is_converted_when_its_power_earns_more_elsewhere(hashprice, mined, converted):
    """2 MW of miners at 20 J/TH become 1.6 MW of halls; the conversion of six months pays when mining hardly does."""
    miners = {
        "site_id": "a", "utility_mw": 2, "joules_per_th": 20, "hashprice_usd_per_ph_day": hashprice * 10,
        "convertible_fraction": 1,
    }
    convertible = {"existing_it_mw": 0, "conversion_capex_usd_per_kw": 2000, "conversion_lead_months": 6}
    case = tiny_case(
        sites=[site(mw=2, **convertible)], power=[grid(mw=2)], mining=[miners],
        leases=[cluster(size=1000, start="2027-07", term_months=18)], lease_rates=[rate(usd=3.0)],
        gpus=[sku(capex_usd=12_000)],
    )
    plan = Plan(case)
    assert plan.total("mine", month=0) == near(mined if not converted else 2.0 - converted * 1.25)
    assert plan.total("shell") == near(converted)
    assert plan.total("serve") == near(converted * 500)


def test_old_gpus_are_sold_to_make_room_for_newer_ones():
    """The hall is full of old GPUs; a lease for new ones begins in month 12, when the old ones may be sold."""
    gpus = [sku("old"), sku("new", capex_usd=15_000)]
    fleet = [{"site_id": "a", "gpu_id": "old", "gpus": 500, "bought": "2026-12"}]
    market = [{"gpu_id": "old", "tier": 1, "usd_per_gpu_hour": 0.5, "utilisation": 1}]

    def plan(dollars: float) -> Plan:
        leases = [cluster(size=500, start="2028-01", term_months=12)]
        return Plan(
            tiny_case(
                sites=[site(mw=1)], power=[grid()], gpus=gpus, fleet=fleet, market=market, leases=leases,
                lease_rates=[rate(usd=dollars, gpu="new")],
            )
        )

    poor, rich = plan(2.0), plan(4.0)
    assert (poor.total("retire"), poor.total("own"), poor.total("sell", month=13)) == (near(0), near(0), near(500))
    assert (rich.total("retire", from_month=12), rich.total("own", from_month=12)) == (near(500), near(500))
    assert (rich.total("sell", month=11), rich.total("sell", month=13)) == (near(500), near(0))


def test_the_fleet_goes_on_serving_its_lease_although_the_market_pays_more():
    fleet = [{"site_id": "a", "gpu_id": "gpu", "gpus": 300, "bought": "2026-06", "lease_id": "lease"}]
    case = tiny_case(
        sites=[site()], power=[grid()], gpus=[sku(capex_usd=1e6)], fleet=fleet,
        leases=[cluster(size=200, start="2026-06", term_months=24, signed=True)],
        lease_rates=[rate(usd=1.0)], market=[{"gpu_id": "gpu", "tier": 1, "usd_per_gpu_hour": 5, "utilisation": 1}],
    )
    plan = Plan(case)
    assert plan.total("serve") == near(200)
    assert (
        plan.total("sell", month=0), plan.total("sell", month=16), plan.total("sell", month=17)
    ) == (near(100), near(100), near(300))


def test_on_demand_tiers_are_filled_from_the_dearest_to_their_depth():
    market = [
        {"gpu_id": "gpu", "tier": 1, "usd_per_gpu_hour": 3.0, "depth_gpus": 100, "utilisation": 0.9},
        {"gpu_id": "gpu", "tier": 2, "usd_per_gpu_hour": 2.0, "depth_gpus": 150, "utilisation": 0.9},
        {"gpu_id": "gpu", "tier": 3, "usd_per_gpu_hour": 0.5, "utilisation": 0.9},
    ]
    plan = Plan(tiny_case(sites=[site()], power=[grid()], market=market))
    assert [plan.total("sell", month=5, tier=tier) for tier in (1, 2, 3)] == [near(100), near(150), near(0)]


# --- opening, base and tail -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cost", "opened"), [(1e5, 1), (1e8, 0)])
def test_a_site_is_opened_when_what_it_holds_is_worth_the_cost(cost, opened):
    plan = Plan(
        tiny_case(sites=[site(opening_cost_usd=cost)], power=[grid()], leases=[cluster()], lease_rates=[rate()])
    )
    assert (plan.total("open"), plan.total("serve")) == (opened, near(400 * opened))


def test_announced_dates_serve_a_lease_that_the_mean_delay_would_miss():
    power = [grid(energised="2027-04", status="approved", delay_low_months=1, delay_mode_months=2, delay_high_months=3)]
    case = tiny_case(
        sites=[site()], power=power, leases=[cluster(start="2027-04", term_months=20)], lease_rates=[rate()]
    )
    assert Plan(case, base="announced").total("serve") == near(400)
    assert Plan(case, base="expected").total("serve") == near(0)


def test_tail_rules_count_contracts_and_rents_after_the_horizon():
    """The lease runs 24 months past the horizon of 24; the hall stands empty after it until its phase ends."""
    def plan(tail: str) -> Plan:
        case = tiny_case(
            tail=tail, sites=[site(mw=1)], power=[grid(term_months=90)], leases=[cluster(size=500, term_months=48)],
            lease_rates=[rate()],
            gpus=[sku(life_months=48, capex_usd=40_000)], settings={"tail_rent_usd_per_kw_month": 90.0},
        )
        return Plan(case)

    none, contracted, rented = plan("none"), plan("contracted"), plan("rented")
    assert none.total("serve") == near(0)
    assert contracted.total("serve") == rented.total("serve") == near(500)
    tail = rented.held[(rented.held["kind"] == "host") & (rented.held["level"] > 0)]
    assert set(tail["from_month"]) == {48, 60, 72}
    assert tail["level"].tolist() == [near(1.0)] * 3
    months = np.arange(48, 78)  # the phase ends 90 months after 2026-01
    worth = 0.75 * 90_000 * (1.1 ** -(2 + (months - 24) // 12 + 0.5)).sum()
    assert rented.npv_usd - contracted.npv_usd == pytest.approx(worth, rel=1e-6)
