"""Rules between cells, rows and tables: each refuses the case that breaks it and nothing else."""

from __future__ import annotations

import pytest

from planner.case.read import read_case
from planner.errors import CaseError

POWER = "source_id,phase,site_id,kind,energised,guaranteed_mw,mw_per_it_mw,{}\ngrid,1,river,grid,2027-06,143,1.43,{}\n"

# (file, text, row, column, part of the reason)
BROKEN = [
    ("power.csv", POWER.format("installed_mw", "100"), 2, "installed_mw", "less than guaranteed_mw"),
    ("power.csv", POWER.format("min_mw", "150"), 2, "min_mw", "more than guaranteed_mw"),
    ("power.csv", POWER.format("step_mw", "150"), 2, "step_mw", "more than guaranteed_mw"),
    ("power.csv", POWER.format("committed_mw,lumpy", "100,yes"), 2, "committed_mw", "whole or nothing"),
    (
        "power.csv", POWER.format("delay_low_months,delay_mode_months,delay_high_months", "3,2,9"), 2,
        "delay_mode_months", "less than delay_low_months",
    ),
    (
        "power.csv", POWER.format("delay_low_months,delay_mode_months,delay_high_months", "3,9,4"), 2,
        "delay_high_months", "less than delay_mode_months",
    ),
    (
        "power.csv", POWER.format("delay_low_months,delay_mode_months,delay_high_months", "3,,4"), 2,
        "delay_mode_months", "blank while other delays",
    ),
    ("power.csv", POWER.format("contract_month", "2027-07"), 2, "contract_month", "after its first power"),
    ("power.csv", POWER.format("deposit_returned", "2027-07"), 2, "deposit_returned", "no deposit to return"),
    (
        "power.csv", POWER.format("deposit_usd_per_kw,deposit_returned", "9,2027-05"), 2, "deposit_returned",
        "before first power",
    ),
    (
        "power.csv", POWER.format("deposit_usd_per_kw,deposit_returned", "9,2042-06"), 2, "deposit_returned",
        "after the end of the contract",
    ),
    ("power.csv", POWER.format("availability", "0"), 2, "availability", "must be above 0"),
    (
        "sites.csv", "site_id,critical_it_mw,existing_it_mw,liquid_cooled_it_mw\nriver,100,60,110\nmesa,30,30,\n", 2,
        "liquid_cooled_it_mw", "more than critical_it_mw",
    ),
    (
        "sites.csv",
        "site_id,critical_it_mw,shell_capex_usd_per_kw,shell_rent_usd_per_kw_month\nriver,100,11000,90\nmesa,30,,\n",
        2, "shell_rent_usd_per_kw_month", "both shell_capex_usd_per_kw",
    ),
    (
        "sites.csv", "site_id,critical_it_mw,site_group\nriver,100,east\nmesa,30,\n", 2, "site_group",
        "site_groups has no site_group 'east'",
    ),
    ("links.csv", "site_id,other_site_id,lease_id\nriver,,\n", 2, "other_site_id", "linked to nothing"),
    ("links.csv", "site_id,other_site_id,lease_id\nriver,mesa,train\n", 2, "lease_id", "both another site and a lease"),
    ("links.csv", "site_id,other_site_id\nriver,river\n", 2, "other_site_id", "linked to itself"),
    ("links.csv", "site_id,other_site_id\nriver,mesa\nmesa,river\n", 3, "other_site_id", "the other way round"),
    (
        "links.csv", "site_id,other_site_id,network_usd_per_gpu_hour\nriver,mesa,0.1\n", 2, "network_usd_per_gpu_hour",
        "between two sites",
    ),
    ("links.csv", "site_id,lease_id,fibre_capex_usd\nriver,train,5\n", 2, "fibre_capex_usd", "link to a lease"),
    ("fleet.csv", "site_id,gpu_id,gpus,bought\nriver,gb300,100,2027-01\n", 2, "bought", "not before the start"),
    (
        "fleet.csv", "site_id,gpu_id,gpus,bought\nriver,gb300,30001,2026-01\n", 2, "gpus",
        "needs 60.002 MW of critical IT, its halls hold 60",
    ),
    (
        "fleet.csv", "site_id,gpu_id,gpus,bought,lease_id\nriver,b200,10,2026-01,train\n", 2, "lease_id",
        "has no rate for b200",
    ),
    (
        "debt.csv", "asset_class,advance_rate,interest_rate,tenor_months,grace_months\ngpu,0.7,0.09,60,60\n", 2,
        "grace_months", "not less than tenor_months",
    ),
    (
        "debt.csv", "asset_class,advance_rate,interest_rate,tenor_months\ngpus,0.7,0.09,60\n", 2, "asset_class",
        "not one of the choices",
    ),
    ("customers.csv", "customer_id,guarantor\nacme,bolt\nbolt,acme\n", 2, "guarantor", "its own guarantor"),
    ("customers.csv", "customer_id,guarantor\nacme,acme\nbolt,\n", 2, "guarantor", "its own guarantor"),
    (
        "exit_fees.csv", "source_id,phase,contract_year,usd_per_kw\ngrid,9,1,5\n", 2, "phase",
        "power has no phase '9' of 'grid'",
    ),
    (
        "exit_fees.csv", "source_id,phase,contract_year,usd_per_kw\ngird,1,1,5\n", 2, "source_id",
        "power has no source_id 'gird'",
    ),
    (
        "customer_shares.csv", "customer_id,year,max_revenue_share\nacme,2026,0.5\n", 2, "year",
        "ends before the start 2027-01",
    ),
    (
        "customer_shares.csv", "customer_id,year,max_revenue_share\nacne,2027,0.5\n", 2, "customer_id",
        "customers has no customer_id 'acne'",
    ),
    ("lease_ramp.csv", "lease_id,month_of_term\ntrain,36\n", 2, "month_of_term", "after the end of the term"),
    (
        "lease_tranches.csv", "lease_id,tranche,size_share\ntrain,a,0.5\ntrain,b,0.4\n", 3, "size_share",
        "the shares of train add up to 0.9",
    ),
    (
        "lease_tranches.csv", "lease_id,tranche,size_share,starts_after_months\ntrain,a,0.5,1\ntrain,b,0.5,2\n", 3,
        "starts_after_months", "no tranche of train begins with it",
    ),
    (
        "lease_tranches.csv", "lease_id,tranche,size_share\ntrain,a,0\ntrain,b,1\n", 2, "size_share",
        "must be above 0",
    ),
    (
        "lease_tranches.csv", "lease_id,tranche,size_share\ntrane,a,1\n", 2, "lease_id",
        "leases has no lease_id 'trane'",
    ),
    ("mining.csv", "site_id,utility_mw,joules_per_th\nriver,20,18\n", 2, "hashprice_usd_per_ph_day", "neither"),
    ("gpu_supply.csv", "gpu_id,quarter,max_gpus\nb200,2026-Q3,10\n", 2, "quarter", "ends before the start"),
    ("site_groups.csv", "site_group,max_contracted_mw\neast,\n", 2, "max_contracted_mw", "blank, but required"),
]


@pytest.mark.parametrize(
    ("name", "text", "row", "column", "why"), BROKEN, ids=[f"{case[0]}: {case[4]}" for case in BROKEN]
)
def test_what_breaks_a_rule_is_refused(case_folder, name, text, row, column, why):
    files = {name: text}
    if name == "power.csv":
        files["stresses.csv"] = None
    with pytest.raises(CaseError) as caught:
        read_case(case_folder(files))
    matching = [(fault.file, fault.row, fault.column) for fault in caught.value.faults if why in fault.why]
    assert matching[:1] == [(name, row, column)], str(caught.value)


LEASE = "lease_id,customer_id,kind,start,term_months,max_size,{}\ntrain,acme,gpu,2027-07,36,10000,{}\n"


@pytest.mark.parametrize(
    ("columns", "values", "column", "why"),
    [
        ("renewal_probability", "0.5", "renewal_term_months", "renewal without a term"),
        ("notice_months,notice_from_month", "3,36", "notice_from_month", "not before the term ends"),
        ("min_block", "20000", "min_block", "more than max_size"),
        ("sites", "river;lake", "sites", "sites has no site_id 'lake'"),
        ("sites", "river;;mesa", "sites", "empty name"),
        ("sites", "river;river", "sites", "stands twice"),
        ("regions", '"north, south"', "regions", "a comma in the list"),
        ("committed", "perhaps", "committed", "neither yes nor no"),
        ("prepay_fraction", "15", "prepay_fraction", "more than 1"),
        ("escalator", "-0.6", "escalator", "less than -0.5"),
        ("support_usd_per_gpu_month", "-5", "support_usd_per_gpu_month", "negative"),
    ],
)
def test_leases_that_break_a_rule_are_refused(case_folder, columns, values, column, why):
    with pytest.raises(CaseError) as caught:
        read_case(case_folder({"leases.csv": LEASE.format(columns, values)}))
    assert [fault.column for fault in caught.value.faults if why in fault.why] == [column], str(caught.value)


def test_the_limits_themselves_are_accepted(case_folder):
    case = read_case(
        case_folder({
            "power.csv": POWER.format("installed_mw,min_mw,step_mw,committed_mw,lumpy", "143,143,143,143,yes"),
            "fleet.csv": "site_id,gpu_id,gpus,bought\nriver,gb300,30000,2026-12\n",
            "debt.csv": "asset_class,advance_rate,interest_rate,tenor_months,grace_months\ngpu,1,1,60,59\n",
            "lease_ramp.csv": "lease_id,month_of_term\ntrain,35\n",
            "gpu_supply.csv": "gpu_id,quarter,max_gpus\nb200,2027-Q1,0\n",
            "stresses.csv": None,
        })
    )
    assert case.fleet.gpus.tolist() == [30000]
