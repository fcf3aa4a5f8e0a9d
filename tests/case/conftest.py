"""A small valid case in files, to be broken or changed one place at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FILES = {
    "case.toml": 'name = "small"\nstart = "2027-01"\nmonths = 60\n',
    "sites.csv": (
        "site_id,region,critical_it_mw,existing_it_mw,shell_capex_usd_per_kw\nriver,north,100,60,11000\n"
        "mesa,south,30,30,\n"
    ),
    "power.csv": (
        "source_id,phase,site_id,kind,energised,status,guaranteed_mw,mw_per_it_mw,heat_rate_mmbtu_per_mwh,gas_curve,energy_usd_per_mwh\n"
        "grid,1,river,grid,2026-06,energised,143,1.43,,,40\n"
        "cells,1,mesa,fuel_cell,2027-04,announced,39,1.3,6.6,henry,\n"
    ),
    "gpus.csv": "gpu_id,it_kw,capex_usd\ngb300,2,72000\nb200,1.9,55000\n",
    "curves.csv": "curve_id,month,value,unit\nhenry,2027-01,3.5,$ per MMBtu\nhenry,2030-01,3.75,$ per MMBtu\n",
    "market.csv": "gpu_id,tier,usd_per_gpu_hour,depth_gpus\ngb300,1,6,1000\ngb300,2,4,\nb200,1,5,\n",
    "customers.csv": "customer_id,rating\nacme,A\nbolt,BB\n",
    "leases.csv": (
        "lease_id,customer_id,kind,size_unit,start,term_months,min_size,max_size,usd_per_kw_month\n"
        "train,acme,gpu,gpus,2027-07,36,1000,10000,\n"
        "hall,bolt,hosting,it_mw,2028-01,24,5,10,139\n"
    ),
    "lease_rates.csv": "lease_id,gpu_id,tier,usd_per_gpu_hour,max_units\ntrain,gb300,1,4.2,5000\ntrain,gb300,2,3.9,\n",
    "resale.csv": "gpu_id,age_months,value_share\ngb300,0,0.9\ngb300,36,0.3\n",
    "budget.csv": "quarter,new_capital_usd\n2027-Q1,1000000000\n",
    "stresses.csv": (
        "stress,target,change,value\ngas x3,curves.value[henry],multiply,3\n"
        "late,power.energised[kind=fuel_cell],add,12\n"
    ),
}

Breaker = Callable[..., Path]


@pytest.fixture(scope="session")
def small_files() -> dict[str, str]:
    """The small case as it is, by file."""
    return FILES


@pytest.fixture
def case_folder(tmp_path: Path) -> Breaker:
    """A function that writes the small case with some files replaced, or left out where None."""

    def write(files: dict[str, str | bytes | None] | None = None) -> Path:
        folder = tmp_path / "case"
        folder.mkdir()
        for name, text in {**FILES, **(files or {})}.items():
            if isinstance(text, bytes):
                (folder / name).write_bytes(text)
            elif text is not None:
                (folder / name).write_text(text, encoding="utf-8", newline="")
        return folder

    return write


@pytest.fixture
def altered_folder(case_folder: Breaker) -> Breaker:
    """A function that writes the small case with one passage of one file replaced by another."""

    def write(name: str, passage: str, other: str) -> Path:
        assert FILES[name].count(passage) == 1, f"{passage!r} does not stand once in {name}"
        return case_folder({name: FILES[name].replace(passage, other)})

    return write
