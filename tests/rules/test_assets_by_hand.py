"""What is owned, by hand: the end of its write-off, its sale under each tail, its loan, its name."""

from __future__ import annotations

import pytest
from rules.hand_case import cash, gpu, hand_case, lease, once, phase, place, plan, rate

from planner.case.settings import DEFAULT_DEPRECIATION, Depreciation
from planner.errors import CaseError


def _written_off_over(years: float, method: str = "straight_line") -> dict[str, Depreciation]:
    return {**DEFAULT_DEPRECIATION, "gpu": Depreciation(method, years, 0.0)}


@pytest.mark.parametrize(
    ("years", "method"), [(5.0, "straight_line"), (5.0, "macrs_5"), (0.04, "straight_line"), (1.0, "straight_line")]
)
@pytest.mark.parametrize("life", [24, 25, 60])
def test_every_basis_is_written_off_once_by_the_end_of_life(years, method, life):
    leases = [lease(min_size=100, committed=True)]
    settings = {"tax_rate": 0.25, "depreciation": _written_off_over(years, method)}
    found = plan(
        hand_case(
            leases=leases, lease_rates=[rate()], gpus=[gpu(capex_usd=10_000, life_months=life)], settings=settings
        )
    )
    written = cash(found, "depreciation")
    assert sum(written.values()) == pytest.approx(1_000_000, rel=1e-12)
    assert found.npv_usd == pytest.approx(0.75 * 100 * (730 * 24 - 10_000), rel=1e-12)


@pytest.mark.parametrize("delivered", ["2028-Q2", "2028-Q4"])
def test_under_tail_none_everything_is_sold_at_the_horizon_however_young(delivered):
    month = {"2028-Q2": 15, "2028-Q4": 21}[delivered]
    leases = [lease(start=f"{2027 + month // 12}-{month % 12 + 1:02d}", term_months=24 - month)]
    found = plan(hand_case(
        tail="none", leases=leases, lease_rates=[rate()], gpus=[gpu(capex_usd=5_000, life_months=60)],
        gpu_supply=once(delivered),
        resale=[{"gpu_id": "g", "age_months": 0, "value_share": 0.9}],
    ))
    assert found.npv_usd == pytest.approx(100 * (730 * (24 - month) - 5_000 * 0.1), rel=1e-12)
    assert cash(found, "resale") == {23: pytest.approx(450_000)}


def test_a_horizon_shorter_than_a_year_sells_too_and_writes_everything_off():
    settings = {"tax_rate": 0.25, "depreciation": _written_off_over(5.0)}
    found = plan(hand_case(
        months=6, tail="none", leases=[lease(term_months=6)], lease_rates=[rate()], gpus=[gpu(capex_usd=1_000)],
        resale=[{"gpu_id": "g", "age_months": 0, "value_share": 0.5}], settings=settings,
    ))
    assert found.npv_usd == pytest.approx(0.75 * 100 * (730 * 6 - 500), rel=1e-12)
    assert set(cash(found, "depreciation")) == set(range(6))


def test_a_hall_is_given_back_and_written_off_at_the_end():
    sites = [place(existing_it_mw=0, shell_capex_usd_per_kw=1_000, build_lead_months=0, shell_residual=0.25)]
    found = plan(
        hand_case(
            tail="none", sites=sites, leases=[lease(min_size=100, committed=True)], lease_rates=[rate()],
            settings={"tax_rate": 0.25},
        )
    )
    assert found.npv_usd == pytest.approx(0.75 * (100 * 730 * 24 - 100_000 - 100_000 + 25_000), rel=1e-12)


@pytest.mark.parametrize(
    ("tenor", "grace", "way"), [(1, 0, "straight"), (12, 0, "level"), (12, 3, "straight"), (24, 6, "level")]
)
def test_a_loan_is_repaid_from_the_month_after_its_draw_to_the_last_of_its_tenor(tenor, grace, way):
    debt = [
        {
            "asset_class": "gpu", "advance_rate": 1, "interest_rate": 0.12, "tenor_months": tenor,
            "grace_months": grace, "amortisation": way,
        }
    ]
    found = plan(
        hand_case(
            months=36, leases=[lease(min_size=100, committed=True, term_months=36)], lease_rates=[rate()],
            gpus=[gpu(life_months=36)], debt=debt,
        )
    )
    repaid = cash(found, "repayment")
    assert (min(repaid), max(repaid)) == (grace + 1, tenor)
    balance, due = 100_000.0, cash(found, "interest")
    for month in range(1, tenor + 1):
        assert due[month] == pytest.approx(-balance * 0.01, rel=1e-9)
        balance += repaid.get(month, 0.0)
    assert balance == pytest.approx(0.0, abs=1e-6)
    assert set(due) == set(range(1, tenor + 1))
    # Discounted at its own rate a loan is worth what is lent.
    worth = sum(-(repaid.get(month, 0.0) + due.get(month, 0.0)) / 1.01**month for month in range(1, tenor + 1))
    assert worth == pytest.approx(100_000, rel=1e-9)


def test_a_loan_longer_than_the_life_of_its_asset_is_repaid_with_it():
    debt = [{"asset_class": "gpu", "advance_rate": 0.5, "interest_rate": 0.06, "tenor_months": 60}]
    found = plan(hand_case(leases=[lease(min_size=100, committed=True)], lease_rates=[rate()], debt=debt))
    assert sum(cash(found, "repayment").values()) == pytest.approx(-50_000, rel=1e-12)
    assert max(cash(found, "repayment")) == 23


@pytest.mark.parametrize(("one", "other"), [(("a", "b c"), ("a b", "c")), (("x", "y/1"), ("x/y", "1"))])
def test_places_whose_names_run_together_are_two_places(one, other):
    """A GPU of $1,000,000 at one place, of $10 at the other: a lease of the dear one is declined."""
    sites = [place(one[0]), place(other[0])]
    power = [phase("p", site_id=one[0]), phase("q", site_id=other[0])]
    skus = [gpu(one[1], capex_usd=1_000_000), gpu(other[1], capex_usd=10)]
    leases = [lease("LA", sites=one[0], term_months=12), lease("LB", sites=other[0], term_months=12)]
    rates = [rate("LA", sku=one[1]), rate("LB", sku=other[1])]
    found = plan(hand_case(months=12, sites=sites, power=power, gpus=skus, leases=leases, lease_rates=rates))
    assert found.npv_usd == pytest.approx(100 * (730 * 12 - 10), rel=1e-12)


def test_tiers_whose_names_run_together_are_two_tiers():
    """Lease x takes 50 of SKU y z, lease x y 50 of SKU z."""
    skus = [gpu("y z"), gpu("z")]
    leases = [lease("x", max_size=50), lease("x y", max_size=50)]
    rates = [{**rate("x", sku="y z"), "max_units": 50}, {**rate("x y", sku="z"), "max_units": 50}]
    found = plan(hand_case(leases=leases, lease_rates=rates, gpus=skus))
    assert found.npv_usd == pytest.approx(2 * 50 * (730 * 24 - 1_000), rel=1e-12)


def test_a_site_called_like_a_fibre_group_is_a_site():
    """A lease on one fabric stands on the site `fibre north`, not on the two campuses of the group `north`, which have
    no link."""
    sites = [
        place("fibre north", max_cluster_gpus=100), place("u", fabric_group="north", existing_it_mw=0),
        place("v", fabric_group="north", existing_it_mw=0),
    ]
    power = [phase("p", site_id="fibre north")]
    found = plan(
        hand_case(
            sites=sites, power=power, leases=[lease(single_fabric=True, all_or_nothing=True)], lease_rates=[rate()]
        )
    )
    assert found.npv_usd == pytest.approx(100 * (730 * 24 - 1_000), rel=1e-12)


def test_a_sale_of_gpus_at_a_site_called_down_is_found_by_its_name():
    found = plan(hand_case(
        months=36, sites=[place("down")], power=[phase(site_id="down")], leases=[lease(term_months=12)],
        lease_rates=[rate()],
        gpus=[gpu(life_months=60)],
        resale=[
            {"gpu_id": "g", "age_months": 0, "value_share": 1}, {"gpu_id": "g", "age_months": 60, "value_share": 0}
        ],
    ))
    names = set(found.candidates.table["candidate_id"])
    assert "retire:down:g@2027-01#2028-01" in names
    assert len(names) == len(found.candidates.table)


def test_a_fleet_past_its_life_is_refused_with_its_row():
    with pytest.raises(CaseError, match=r"fleet\.csv, row 2.*past its life of 60 months: the last one was 2026-05"):
        hand_case(gpus=[gpu(life_months=60)], fleet=[{"site_id": "s", "gpu_id": "g", "gpus": 100, "bought": "2021-06"}])
