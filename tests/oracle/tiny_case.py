"""Cases small enough to reason about: a site with halls and power, one SKU, and whatever a test adds."""

from __future__ import annotations

from typing import Any

from oracle.written_case import written_case

from planner.case.case import Case
from planner.case.settings import Settings

Row = dict[str, Any]

# With the defaults below 500 GPUs fill 1 MW of halls and 1.25 MW of contracted power.
IT_KW = 2.0
RATIO = 1.25


def tiny_case(*, months: int = 24, tail: str = "none", settings: Row | None = None, **rows: list[Row]) -> Case:
    """A case of 24 months from 2027-01 with the rows given; customers `solid` and SKU `gpu` unless others are given."""
    given: dict[str, list[Row]] = {"gpus": [sku()], "customers": [{"customer_id": "solid", "rating": "AAA"}]}
    return written_case(
        Settings(name="tiny", start="2027-01", months=months, tail=tail, **(settings or {})), **{**given, **rows}
    )


def site(name: str = "a", *, mw: float = 2.0, **columns: Any) -> Row:
    """A site whose halls stand already."""
    return {"site_id": name, "critical_it_mw": mw, "existing_it_mw": mw, **columns}


def grid(name: str = "a", *, mw: float = 10.0, **columns: Any) -> Row:
    """A grid connection that has been live for a year."""
    live = {"energised": "2026-01", "status": "energised"}
    return {
        "source_id": f"{name}_grid", "phase": "1", "site_id": name, "kind": "grid", **live, "guaranteed_mw": mw,
        "mw_per_it_mw": RATIO, "energy_usd_per_mwh": 30, **columns,
    }


def sku(name: str = "gpu", **columns: Any) -> Row:
    """A SKU that pays for itself within the case at 2 $ per GPU-hour and not at 1."""
    return {"gpu_id": name, "it_kw": IT_KW, "capex_usd": 20_000, "life_months": 36, **columns}


def cluster(name: str = "lease", *, size: float = 400, **columns: Any) -> Row:
    """A lease of GPUs over the whole case."""
    return {
        "lease_id": name, "customer_id": "solid", "kind": "gpu", "start": "2027-01", "term_months": 24,
        "max_size": size, **columns,
    }


def hall(name: str = "hall", *, mw: float = 1.0, rate: float = 100.0, **columns: Any) -> Row:
    """A lease of a powered hall over the whole case; the tenant pays for energy."""
    return {
        "lease_id": name, "customer_id": "solid", "kind": "hosting", "size_unit": "it_mw", "start": "2027-01",
        "term_months": 24,
        "max_size": mw, "usd_per_kw_month": rate, "energy_by": "tenant", **columns,
    }


def rate(lease: str = "lease", usd: float = 2.0, *, gpu: str = "gpu", **columns: Any) -> Row:
    """What a lease pays for a GPU-hour."""
    return {"lease_id": lease, "gpu_id": gpu, "usd_per_gpu_hour": usd, **columns}
