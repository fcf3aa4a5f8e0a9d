"""What is unusual is said once, with the figures that make it so; what is usual is not mentioned."""

from __future__ import annotations

import pytest

import planner
from planner.candidates.outlook import make_outlook
from planner.candidates.refusals.site_stops import HallStops
from planner.case.read import read_case
from planner.case.starting import starting_case
from planner.explaining.unusual import unusual
from planner.solver.status import Status

# A case without oddities: everything reaches everything and fits.
QUIET = {
    "case.toml": 'name = "quiet"\nstart = "2027-01"\nmonths = 48\n',
    "sites.csv": (
        "site_id,region,critical_it_mw,existing_it_mw,liquid_cooled_it_mw,max_rack_kw\nriver,north,100,100,,\n"
        "mesa,south,30,30,,\n"
    ),
    "power.csv": (
        "source_id,phase,site_id,kind,energised,status,guaranteed_mw,mw_per_it_mw,delay_low_months,delay_mode_months,delay_high_months,co2_kg_per_mwh\n"
        "grid,1,river,grid,2026-06,energised,70,1.4,,,,400\n"
        "grid,2,river,grid,2028-01,announced,70,1.4,0,3,9,400\n"
        "cells,1,mesa,fuel_cell,2026-06,energised,39,1.3,,,,350\n"
    ),
    "gpus.csv": "gpu_id,it_kw,capex_usd\ngb300,2,72000\n",
    "market.csv": "gpu_id,tier,usd_per_gpu_hour\ngb300,1,5\n",
    "customers.csv": "customer_id\nacme\n",
    "leases.csv": (
        "lease_id,customer_id,kind,start,term_months,min_size,max_size\ntrain,acme,gpu,2028-01,36,1000,10000\n"
    ),
    "lease_rates.csv": "lease_id,gpu_id,usd_per_gpu_hour\ntrain,gb300,4\n",
    "curves.csv": None, "stresses.csv": None, "resale.csv": None, "budget.csv": None,
}
LEASE = "lease_id,customer_id,kind,start,term_months,min_size,max_size,{}\ntrain,acme,gpu,2028-01,36,{},{}\n"


def said(case_folder, files=None):
    return unusual(read_case(case_folder({**QUIET, **(files or {})})))


def test_a_usual_case_is_passed_in_silence(case_folder):
    assert said(case_folder) == []


@pytest.mark.parametrize(
    ("files", "file", "row", "what"),
    [
        ({"case.toml": QUIET["case.toml"].replace("48", "47")}, "leases.csv", 2, "the horizon of 47 months cuts train"),
        ({"case.toml": QUIET["case.toml"].replace("48", "12")}, "leases.csv", 2, "begins after the horizon"),
        (
            {"leases.csv": LEASE.format("sites", "1000", "10000,river")}, "sites.csv", 3,
            "no lease can stand on site mesa",
        ),
        (
            {"leases.csv": LEASE.format("regions", "1000", "10000,south")}, "sites.csv", 2,
            "no lease can stand on site river",
        ),
        (
            {"leases.csv": LEASE.format("regions", "1000", "10000,nort;south")}, "leases.csv", 2,
            "no site lies in region nort",
        ),
        (
            {"links.csv": "site_id,lease_id,allowed\nriver,train,no\n"}, "sites.csv", 2,
            "no lease can stand on site river",
        ),
        ({
            "power.csv": QUIET["power.csv"].replace("350\n", "350\n").replace(
                "fuel_cell,2026-06,energised,39", "fuel_cell,2026-06,energised,26"
            )
        },
         "sites.csv", 3, "carry 20 MW of critical IT, its halls 30"),
        (
            {"power.csv": QUIET["power.csv"].replace("2028-01,announced", "2030-10,announced")}, "power.csv", 3,
            "energised in 2031-02, mean delay included, after the horizon",
        ),
        (
            {"sites.csv": QUIET["sites.csv"].replace("30,30", "30,0")}, "power.csv", 4,
            "feeds mesa, which has no hall and can build none",
        ),
        (
            {"lease_rates.csv": "lease_id,gpu_id,usd_per_gpu_hour\ntrain,gb300,1.9\n"}, "lease_rates.csv", 2,
            "pays 1.9 $/GPU-hour for gb300, the market 5",
        ),
        (
            {"lease_rates.csv": "lease_id,gpu_id,usd_per_gpu_hour\ntrain,gb300,12.6\n"}, "lease_rates.csv", 2,
            "pays 12.6",
        ),
        (
            {"leases.csv": LEASE.format("support_usd_per_gpu_month", "0", "10000,4000")}, "leases.csv", 2,
            "billed 4000 $/GPU-month of storage, network and support, and 2920 for its hours",
        ),
        (
            {"lease_rates.csv": "lease_id,gpu_id,tier,usd_per_gpu_hour\ntrain,gb300,1,4\ntrain,gb300,2,3\n"},
            "lease_rates.csv", 3, "tier 2 of train for gb300 comes after a tier without max_units",
        ),
        (
            {"leases.csv": LEASE.format("committed", "0", "10000,yes")}, "leases.csv", 2,
            "committed at a least size of 0",
        ),
        (
            {"gpu_supply.csv": "gpu_id,quarter,max_gpus\ngb300,2027-Q1,5\n"}, "gpu_supply.csv", None,
            "no supply row for 2027-Q2, 2027-Q3, 2027-Q4, 2028-Q1, 2028-Q2 and 10 more",
        ),
        (
            {"budget.csv": "quarter,new_capital_usd\n2027-Q2,5\n"}, "budget.csv", None,
            "no new capital is listed for 2027-Q1, 2027-Q3",
        ),
        (
            {"exit_fees.csv": "source_id,phase,contract_year,usd_per_kw\ngrid,1,15,9\ngrid,1,16,9\n"}, "exit_fees.csv",
            3, "year 16 of grid:1 begins after the 180 months of its term",
        ),
        (
            {"customer_shares.csv": "customer_id,year,max_revenue_share\nacme,2030,0.5\nacme,2031,0.5\n"},
            "customer_shares.csv", 3, "the revenue of 2031, and all of it lies after the horizon",
        ),
        ({"customers.csv": "customer_id\nacme\nbolt\n"}, "customers.csv", 3, "customer bolt takes no lease"),
        ({"customers.csv": "customer_id\nacme\nAcme\n"}, "customers.csv", 3, "differ in capitals alone"),
        (
            {"gpus.csv": "gpu_id,it_kw,capex_usd\ngb300,2,72000\nb200,2,1\n"}, "gpus.csv", 3,
            "no lease and no market takes b200",
        ),
        (
            {"curves.csv": "curve_id,month,value,unit\nhenry,2027-01,3,$\n"}, "curves.csv", 2,
            "no row refers to curve henry",
        ),
        ({
            "curves.csv": "curve_id,month,value,unit\nc,2027-01,70000,$ per GPU\nc,2028-01,6,$ per GPU\n",
            "gpus.csv": "gpu_id,it_kw,capex_curve\ngb300,2,c\n",
        },
         "curves.csv", None, "curve c ends in 2028-01"),
        ({
            "curves.csv": "curve_id,month,value,unit\nc,2027-01,70,k$/GPU\n",
            "gpus.csv": "gpu_id,it_kw,capex_curve\ngb300,2,c\n",
        },
         "curves.csv", 2, "curve c is in k$/GPU, and stands for gpus.capex_usd in $ per GPU"),
    ],
)  # fmt: skip
def test_what_is_unusual_is_said(case_folder, files, file, row, what):
    found = said(case_folder, files)
    matching = [oddity for oddity in found if what in oddity.what]
    assert [(oddity.file, oddity.row) for oddity in matching] == [(file, row)], [str(oddity) for oddity in found]


def test_a_market_curve_is_read_at_the_leases_start(case_folder):
    market = "gpu_id,tier,price_curve\ngb300,1,p\n"
    curve = (
        "curve_id,month,value,unit\np,2026-01,90,$ per GPU-hour\np,2027-12,5,$ per GPU-hour\n"
        "p,2029-02,90,$ per GPU-hour\n"
    )
    assert said(case_folder, {"market.csv": market, "curves.csv": curve}) == []


def test_a_market_curve_far_from_the_rate_is_said(case_folder):
    market = "gpu_id,tier,price_curve\ngb300,1,p\n"
    curve = (
        "curve_id,month,value,unit\np,2026-01,5,$ per GPU-hour\np,2027-12,11,$ per GPU-hour\n"
        "p,2028-02,5,$ per GPU-hour\n"
    )
    assert any(
        "the market 11" in oddity.what for oddity in said(case_folder, {"market.csv": market, "curves.csv": curve})
    )


# At 2028-01 river has 50 MW powered (phase 2 comes 4 months later), mesa 30: 25,000 and 15,000 GPUs of 2 kW.
@pytest.mark.parametrize(
    ("columns", "least", "most", "said"),
    [
        ("all_or_nothing", "0", "25000,yes", None),
        (
            "all_or_nothing,single_fabric", "0", "25001,yes,yes",
            "at river power carries 50 MW of critical IT, it needs 50.002 MW; at mesa",
        ),
        (
            "all_or_nothing", "0", "40001,yes",
            "at river power carries 50 MW of critical IT, it needs 50.002 MW; at mesa power carries 30 MW of critical "
            "IT, it needs 30.002 MW, and there are 30 MW of halls",
        ),
        ("single_fabric", "25000", "90000,yes", None),
        (
            "sites", "16000", "90000,mesa",
            "at river the lease may stand on mesa alone; at mesa power carries 30 MW of critical IT, it needs 32 MW, "
            "and there are 30 MW of halls and no price for new ones, it needs 32 MW",
        ),
        (
            "max_co2_kg_per_mwh", "10", "90000,300",
            "at 2 sites (river, mesa) its power emits 350 to 400 kg of CO2 per MWh, the lease takes 300 kg",
        ),
        ("regions", "10", "90000,east", "at 2 sites (river, mesa) the lease may stand in east alone"),
    ],
)
def test_leases_that_cannot_be_served_say_what_stops_them(case_folder, columns, least, most, said):
    found = [
        oddity.what
        for oddity in unusual(read_case(case_folder({**QUIET, "leases.csv": LEASE.format(columns, least, most)})))
        if "lease train cannot" in oddity.what
    ]
    assert len(found) == (said is not None)
    if said is not None:
        assert said in found[0]


@pytest.mark.parametrize(
    ("grace", "committed", "what", "why"),
    [
        ("", "no", "lease train cannot be served at its least size of 26,000 GPUs", "no plan can serve it"),
        (
            "", "yes", "lease train cannot be served at its least size of 26,000 GPUs",
            "it is committed, so the case has no plan",
        ),
        (
            "6", "yes", "lease train cannot begin in 2028-01, only from 2028-05, within its grace",
            "a plan can only begin it late",
        ),
        (
            "3", "yes", "lease train cannot be served at its least size of 26,000 GPUs",
            "it is committed, so the case has no plan",
        ),
    ],
)
def test_a_case_has_no_plan_only_where_its_grace_does_not_help(case_folder, grace, committed, what, why):
    """26,000 GPUs on one fabric draw 52 MW; the second phase at river comes in 2028-05 and brings its 50 MW to 100."""
    leases = LEASE.format("single_fabric,late_grace_months,committed", "26000", f"26000,yes,{grace},{committed}")
    case = read_case(case_folder({**QUIET, "leases.csv": leases}))
    (found,) = [oddity for oddity in unusual(case) if "lease train cannot" in oddity.what]
    assert found.what.startswith(what)
    assert found.why == why
    status = planner.plan(case, prices="none").status
    assert (status is Status.INFEASIBLE) == (why == "it is committed, so the case has no plan")


def test_a_lease_that_must_be_spread_is_named(case_folder):
    found = said(case_folder, {"leases.csv": LEASE.format("all_or_nothing", "0", "40000,yes")})
    assert [
        "fits on no single site: it needs 40,000 GPUs, river can hold 25,000 GPUs" in oddity.what for oddity in found
    ] == [True]


def test_cooling_racks_and_cluster_size_limit_what_a_site_holds(case_folder, tmp_path):
    lease = LEASE.format("single_fabric", "20000", "20000,yes")
    gpus = "gpu_id,it_kw,cooling,rack_kw,capex_usd\ngb300,2,liquid,130,72000\n"
    for name, river in {"cooling": "39.9,,", "racks": ",129,", "cluster": ",,19999"}.items():
        (tmp_path / name).mkdir()
        sites = (
            "site_id,region,critical_it_mw,existing_it_mw,liquid_cooled_it_mw,max_rack_kw,max_cluster_gpus\n"
            f"river,north,100,100,{river}\nmesa,south,30,30,,,\n"
        )
        for file, text in {**QUIET, "leases.csv": lease, "gpus.csv": gpus, "sites.csv": sites}.items():
            if text is not None:
                (tmp_path / name / file).write_text(text, encoding="utf-8")
        words = {
            "cooling": "39.9 MW can be cooled with liquid", "racks": "a rack may take 129 kW, gb300 needs 130 kW",
            "cluster": "the largest cluster on one fabric is 19,999 GPUs",
        }[name]
        assert any(words in oddity.what for oddity in unusual(read_case(tmp_path / name))), name


def test_a_fabric_group_holds_what_its_sites_hold_together(case_folder):
    sites = QUIET["sites.csv"].replace(
        "max_rack_kw\n", "max_rack_kw,fabric_group\n"
    ).replace("100,100,,\n", "100,100,,,f\n").replace("30,30,,\n", "30,30,,,f\n")
    assert said(
        case_folder, {"sites.csv": sites, "leases.csv": LEASE.format("single_fabric", "40000", "40000,yes")}
    ) == []


@pytest.mark.parametrize(("month", "halls"), [(0, 20.0), (11, 20.0), (12, 30.0), (14, 30.0), (15, 40.0), (47, 90.0)])
def test_halls_grow_by_the_quarter_up_to_the_site(case_folder, month, halls):
    sites = (
        "site_id,critical_it_mw,existing_it_mw,build_lead_months,ready_month,build_mw_per_quarter,"
        "shell_capex_usd_per_kw\nriver,90,20,10,2028-01,10,1\nmesa,30,30,,,,\n"
    )
    room = HallStops(make_outlook(read_case(case_folder({**QUIET, "sites.csv": sites}))))
    assert (room.room("river")[month], room.room("mesa")[month]) == (halls, 30.0)


def test_converted_mining_halls_count(case_folder):
    sites = (
        "site_id,critical_it_mw,existing_it_mw,conversion_capex_usd_per_kw,conversion_lead_months\n"
        "river,90,20,9000,12\nmesa,30,30,,\n"
    )
    mining = (
        "site_id,utility_mw,joules_per_th,hashprice_usd_per_ph_day,convertible_fraction,earliest_stop\n"
        "river,56,18,40,0.5,2027-04\n"
    )
    room = HallStops(
        make_outlook(read_case(case_folder({**QUIET, "sites.csv": sites, "mining.csv": mining})))
    ).room("river")
    assert room[14] == 20.0
    assert room[15] == pytest.approx(20.0 + 56 * 0.5 / 1.4)


def test_the_starting_case_has_nothing_odd_but_its_long_hall():
    assert [oddity.what for oddity in unusual(starting_case())] == ["the horizon of 72 months cuts cloud_hall"]
