"""A small sensible case to start from: two sites, grid and fuel cells, two SKUs, two leases, an on-demand market, and
what makes prices move."""

from __future__ import annotations

import csv
from pathlib import Path

from planner.case.case import Case
from planner.case.checking.validate import validate
from planner.case.content_hash import content_hash
from planner.case.reading.frames import empty_frame, typed_table
from planner.case.reading.given import Given
from planner.case.reading.raw import RawTable
from planner.case.settings import Settings
from planner.case.tables import TABLES
from planner.case.write import write_case
from planner.case.writing.format_page import format_page
from planner.errors import CaseError

SETTINGS = Settings(name="starting case", start="2027-01", months=72)

_NOTES = """\
# A starting case

Two sites: `river` has a small hall, a grid connection and more of it promised for mid-2027; `mesa` would be built new, on
fuel cells. Two SKUs, one cluster lease that takes either, one powered-hall lease, an on-demand market with two tiers,
resale by age, and gas by month. Three factors make prices move, so that `planner score` and `planner frontier` show risk:
GPU prices between shortage and glut, the share of on-demand hours that is let, and gas. Every figure lies in the range
seen in 2026, with its source in its row; those called assumptions have no public source. On them the plan earns some 18 %
a year before debt: put your own in their place, add rows and tables as needed, then run `planner check` and `planner plan`
on this path.

"""

_TABLES = {
    "sites": """\
site_id,name,region,latitude,longitude,critical_it_mw,existing_it_mw,max_rack_kw,pue,ready_month,build_lead_months,build_mw_per_quarter,shell_capex_usd_per_kw,opex_usd_per_kw_month,opening_cost_usd,source
river,River campus,midwest,41.6,-93.6,60,4,140,1.2,,15,15,11000,42,2000000,"9.3 to 15.0 $M a MW over 19 US markets, Cushman & Wakefield 2025; opex: assumption, range 25-67"
mesa,Mesa campus,south,32.4,-99.7,50,0,140,1.2,2027-07,12,25,10500,42,5000000,"9.3 to 15.0 $M a MW over 19 US markets, Cushman & Wakefield 2025; opex: assumption, range 25-67"
""",
    "power": """\
source_id,phase,site_id,kind,ownership,energised,status,guaranteed_mw,installed_mw,mw_per_it_mw,fee_usd_per_kw_month,term_months,upfront_usd_per_kw,energy_usd_per_mwh,heat_rate_mmbtu_per_mwh,gas_curve,fuel_adder_usd_per_mmbtu,demand_charge_usd_per_kw_month,min_take,availability,co2_kg_per_mwh,lead_months,source
river_grid,1,river,grid,utility,2026-06,energised,30,,1.43,0,240,0,38,0,,0,10,0,0.999,417,0,"energy in MISO and demand charge: assumption, range 32-48 and 8-12; ratio: 430 MW for 300, press 2026"
river_grid,2,river,grid,utility,2027-07,approved,60,,1.43,0,240,250,38,0,,0,10,0,0.999,417,6,"connection: assumption, range 150-400 $/kW"
mesa_cells,1,mesa,fuel_cell,service,2028-01,announced,65,85,1.3,65,180,0,,6.8,henry_hub,0.25,0,0.6,0.999,360,3,"fee: assumption, range 45-90; minimum take: assumption"
""",
    "gpus": """\
gpu_id,it_kw,cooling,gpus_per_rack,capex_usd,deposit_fraction,deposit_lead_months,life_months,upkeep_usd_per_month,performance,order_lead_months,spare_fraction,source
b300,2.1,air,8,65000,0.2,4,60,90,1,4,0.03,"all-in with network: assumption, range 52000-75000"
gb300,2.1,liquid,64,72000,0.2,6,60,100,1.15,6,0.03,"rack of about $4M and network: assumption, range 56000-80000"
""",
    "resale": """\
gpu_id,age_months,value_share
b300,0,0.9
b300,24,0.5
b300,60,0.12
gb300,0,0.9
gb300,24,0.5
gb300,60,0.12
""",
    "customers": """\
customer_id,name,rating,recovery,source
lab,A model laboratory,BBB,0.3,example
cloud,A large cloud,AA,0.5,example
""",
    "leases": """\
lease_id,customer_id,kind,size_unit,start,term_months,min_size,max_size,min_block,usd_per_kw_month,energy_by,take_or_pay,escalator,prepay_fraction,single_fabric,renewal_term_months,renewal_probability,renewal_rate_share,source
lab_training,lab,gpu,gpus,2028-07,36,4000,8000,4000,,landlord,1,0,0.15,yes,12,0.3,0.8,"prepayment: 15 to 25 % is usual, press 2025"
cloud_hall,cloud,hosting,it_mw,2028-07,120,10,25,10,139,tenant,1,0.025,0,no,0,0,1,"102 to 154 $/kW-month in seven published deals, 2024 to 2026"
""",
    "lease_rates": """\
lease_id,gpu_id,tier,usd_per_gpu_hour,gpus_per_unit,source
lab_training,b300,1,3.5,1,"3 years from 2028: assumption, range 3.0-4.8"
lab_training,gb300,1,4,0.87,"3 years from 2028: assumption, range 3.0-4.5"
""",
    "market": """\
gpu_id,tier,usd_per_gpu_hour,depth_gpus,utilisation,source
b300,1,4,1000,0.6,"$7.89 in October 2026, falling 10 to 20 % a year: mean to 2032, assumption, range 3-5.5"
b300,2,3,3000,0.5,"assumption, range 2-4"
gb300,1,4.5,1000,0.6,"assumption, range 3-6"
gb300,2,3.4,3000,0.5,"assumption, range 2-4.5"
""",
    "curves": """\
curve_id,month,value,unit,source
henry_hub,2027-01,3.9,$ per MMBtu,"3.73 in January to July 2026, EIA; assumption, range 2-8"
henry_hub,2028-01,3.7,$ per MMBtu,"assumption, range 2-8"
henry_hub,2029-01,3.6,$ per MMBtu,"assumption, range 2-8"
henry_hub,2031-01,3.8,$ per MMBtu,"assumption, range 2-8"
""",
    "factors": """\
factor_id,model,drives,volatility_per_year,reversion_per_year,drift_glut_per_year,drift_shortage_per_year,stay_glut_months,stay_shortage_months,starts_in_shortage,source
gpu_prices,two_regimes,market,0.2,,-0.35,0.35,18,18,yes,"H100 price index fell 34 % a year to October 2025 and rose 36 % a year to September 2026; stay: assumption, range 12-24"
let_share,mean_reverting,utilisation,0.12,1,,,,,,"assumption, range 0.05-0.2"
gas,mean_reverting,curves[henry_hub],0.606,1.72,,,,,,"Henry Hub by month 2010 to 2026, EIA: back to its mean by half in 4.8 months"
""",
    "correlations": """\
factor_a,factor_b,correlation,source
gpu_prices,let_share,0.5,"assumption, range 0.3-0.7"
""",
    "stresses": """\
stress,target,change,value,source
gas x3,curves.value[henry_hub],multiply,3,a question
grid 18 months late,power.energised[kind=grid],add,18,a question
market at half,market.usd_per_gpu_hour,multiply,0.5,a question
""",
}


def starting_case() -> Case:
    """The starting case; raises CaseError should its own tables break the declarations."""
    typed = {name: typed_table(TABLES[name], _raw(name, text)) for name, text in _TABLES.items()}
    tables = {name: typed[name].frame if name in typed else empty_frame(TABLES[name]) for name in TABLES}
    faults = [fault for table in typed.values() for fault in table.faults]
    faults += validate(Given(SETTINGS, tables, {name: f"{name}.csv" for name in TABLES}))
    if faults:
        raise CaseError(faults)
    return Case(SETTINGS, tables, source="starting case", source_hash=content_hash(SETTINGS, tables))


def write_starting_case(path: str | Path, *, force: bool = False) -> None:
    """Write the starting case into a folder with a README.md, or a workbook with a sheet `notes`, that explain every
    column.

    Raises PlannerError when the path exists and `force` is not set.
    """
    write_case(starting_case(), path, notes=_NOTES + format_page(), force=force)


def _raw(name: str, text: str) -> RawTable:
    header, *rows = csv.reader(text.splitlines())
    return RawTable(name, f"{name}.csv", tuple(header), tuple(tuple(row) for row in rows))
