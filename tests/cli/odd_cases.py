"""Small cases at the edge of nothing, whose names look like blanks and numbers: NA, None, nan, 1e5, 007, TRUE."""

from __future__ import annotations

from pathlib import Path

_TABLES = {
    "sites": "site_id,critical_it_mw,existing_it_mw,pue,load_factor\nNA,10,10,1,1\nNone,10,10,1,1\n",
    "gpus": "gpu_id,it_kw,capex_usd,life_months\n1e5,1,1000,48\nnan,1,1000,48\n",
    "power": "source_id,phase,site_id,kind,ownership,energised,status,guaranteed_mw,mw_per_it_mw,term_months,"
    "capex_usd_per_kw\n"
    "null,007,NA,wind,owned,2027-01,announced,10,1,48,{power}\n"
    "TRUE,1e3,None,wind,owned,2027-01,announced,10,1,48,{power}\n",
    "customers": "customer_id,default_rate_per_year\nNA,0\n",
    "leases": (
        "lease_id,customer_id,kind,start,term_months,max_size\nNA,NA,gpu,2027-07,12,100\nNone,NA,gpu,2028-01,12,100\n"
    ),
    "lease_rates": "lease_id,gpu_id,usd_per_gpu_hour\nNA,1e5,1\nNone,nan,1\n",
    "market": "gpu_id,tier,usd_per_gpu_hour,utilisation,depth_gpus\n1e5,1,1,1,100\nnan,1,1,1,100\n",
    "stresses": (
        "stress,target,change,value\nNA,gpus.capex_usd,multiply,0.5\nNone,gpus.capex_usd,multiply,2\n"
        "1e5,gpus.capex_usd,multiply,3\n"
    ),
}
_LEASES = ("customers", "leases", "lease_rates")
CASES = {
    "nothing is worth doing": (("sites", "gpus", "power", *_LEASES, "market", "stresses"), 1e7),
    "no leases, no market": (("sites", "gpus", "power", "stresses"), 1.0),
    "no market": (("sites", "gpus", "power", *_LEASES, "stresses"), 1.0),
    "no leases": (("sites", "gpus", "power", "market", "stresses"), 1.0),
    "sites alone": (("sites",), 1.0),
}
"""By name: the tables that the case has (none has factors), and what a kW of power costs."""


def write_odd_case(name: str, folder: Path) -> Path:
    """The case of a name, written into a folder."""
    tables, power = CASES[name]
    folder.mkdir(parents=True)
    (folder / "case.toml").write_text(
        f'name = "{name}"\nstart = "2027-01"\nmonths = 24\ndiscount_rate = 0.1\n', encoding="utf-8"
    )
    for table in tables:
        (folder / f"{table}.csv").write_text(_TABLES[table].replace("{power}", f"{power:g}"), encoding="utf-8")
    return folder
