"""Cases that a report must stand: one site, no lease, many sites, no plan, names in any script and names meant to
harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from at_length import many

from planner.case.case import Case
from planner.case.content_hash import content_hash
from planner.case.starting import starting_case

HOSTILE = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"
SUM = "@SUM(1+1)*cmd"
UNICODE = {"river": "Þjórsá-Ω", "mesa": "台北 數據中心", "lab_training": "Übung №5", "gb300": "графика"}
HARMFUL = {
    "river": HOSTILE, "mesa": "'-alert(1)-'", "lab_training": "</td><b>bold", "gb300": "gb|cmd 1+1",
    "lab": "</table><h1>x</h1>",
    "River campus": FORMULA, "Mesa campus": SUM, "midwest": "</script><script>alert(2)</script>",
    "A model laboratory": '"><img src=x onerror=alert(1)>',
    "example": '=HYPERLINK("http://example.org")',
}
"""Names as they stand in the starting case, and what they become; ids may hold no = nor *, other text anything."""


def remade(case: Case, tables: Mapping[str, pd.DataFrame], **settings: object) -> Case:
    """A case with other tables and settings, and the hash of what it then holds."""
    merged = {**case.tables, **tables}
    changed = replace(case.settings, **settings)  # type: ignore[arg-type]
    return Case(changed, merged, source=case.source, source_hash=content_hash(changed, merged))


def renamed(names: Mapping[str, str], title: str) -> Case:
    """The starting case with things called otherwise wherever they stand."""
    case = starting_case()
    tables = {name: table.replace(dict(names)) for name, table in case.tables.items()}
    return remade(case, tables, name=title)


def one_site() -> Case:
    """The starting case with its first site alone."""
    case = starting_case()
    here = {
        name: case.tables[name][case.tables[name]["site_id"] == "river"].reset_index(drop=True)
        for name in ("sites", "power")
    }
    return remade(case, {**here, **_without_gas(case)}, name="one site")


def _without_gas(case: Case) -> dict[str, pd.DataFrame]:
    """The factors for a case in which nothing burns gas."""
    factors = case.tables["factors"]
    return {"factors": factors[factors["factor_id"] != "gas"].reset_index(drop=True)}


def no_lease() -> Case:
    """The starting case with the market alone."""
    case = starting_case()
    return remade(
        case, {name: case.tables[name].iloc[:0] for name in ("leases", "lease_rates", "customers")}, name="no lease"
    )


def many_sites(count: int = many(100, 300)) -> Case:
    """So many copies of a small site, spread over the land, with one SKU and a market."""
    case = starting_case()
    site, phase = case.tables["sites"].iloc[[0]], case.tables["power"].iloc[[0]]
    places = np.random.default_rng(5)
    sites = pd.concat([site] * count, ignore_index=True).assign(
        site_id=[f"site_{number:03d}" for number in range(count)], latitude=places.uniform(30, 47, count).round(2),
        longitude=places.uniform(-120, -76, count).round(2),
        critical_it_mw=20.0, existing_it_mw=20.0, shell_capex_usd_per_kw=np.nan, opening_cost_usd=0.0,
    )
    power = pd.concat([phase] * count, ignore_index=True).assign(
        source_id=[f"grid_{number:03d}" for number in range(count)], site_id=sites["site_id"]
    )
    market = case.tables["market"].iloc[[0]].assign(depth_gpus=400_000.0, usd_per_gpu_hour=9.0)
    empty = {name: case.tables[name].iloc[:0] for name in ("leases", "lease_rates", "customers", "stresses")}
    empty |= _without_gas(case)
    gpus = case.tables["gpus"].iloc[[0]]
    resale = case.tables["resale"][case.tables["resale"]["gpu_id"] == "b300"]
    return remade(
        case, {**empty, "sites": sites, "power": power, "market": market, "gpus": gpus, "resale": resale},
        name=f"{count} sites", months=24,
    )
