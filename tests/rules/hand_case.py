"""Cases whose cash is worked out on paper: 1 kW GPUs, 730 hours billed, no default, no tax and no discount unless a
test says so."""

from __future__ import annotations

from typing import Any

from oracle.tiny_case import Row
from oracle.written_case import written_case

import planner
from planner.case.case import Case
from planner.case.settings import Settings


def hand_case(*, months: int = 24, tail: str = "contracted", settings: Row | None = None, **rows: list[Row]) -> Case:
    """A case from 2027-01 with one site of 10 MW, one grid of 10 MW, one SKU `g` and a customer that never defaults,
    unless given."""
    given: dict[str, list[Row]] = {
        "sites": [place()], "power": [phase()], "gpus": [gpu()],
        "customers": [{"customer_id": "c", "default_rate_per_year": 0}],
    }
    plain = {"discount_rate": 0.0, "tax_rate": 0.0, **(settings or {})}
    return written_case(Settings(name="t", start="2027-01", months=months, tail=tail, **plain), **{**given, **rows})


def place(name: str = "s", **columns: Any) -> Row:
    """A site whose 10 MW of halls stand, at full load and a PUE of 1."""
    return {"site_id": name, "critical_it_mw": 10, "existing_it_mw": 10, "pue": 1.0, "load_factor": 1.0, **columns}


def phase(source: str = "p", **columns: Any) -> Row:
    """10 MW there from the start, for 600 months, that cost nothing."""
    return {
        "source_id": source, "phase": "1", "site_id": "s", "kind": "grid", "ownership": "utility",
        "energised": "2027-01",
        "status": "energised", "guaranteed_mw": 10, "mw_per_it_mw": 1.0, "term_months": 600, **columns,
    }


def coming(**columns: Any) -> Row:
    """A phase that is promised, and comes on the day."""
    return phase(status="approved", delay_low_months=0, delay_mode_months=0, delay_high_months=0, **columns)


def gpu(name: str = "g", **columns: Any) -> Row:
    """A SKU of 1 kW at $1,000 that lives for 24 months."""
    return {"gpu_id": name, "it_kw": 1, "capex_usd": 1_000, "life_months": 24, **columns}


def lease(name: str = "L", **columns: Any) -> Row:
    """100 GPUs for 24 months."""
    return {
        "lease_id": name, "customer_id": "c", "kind": "gpu", "start": "2027-01", "term_months": 24, "max_size": 100,
        "billing_hours": "730",
        **columns,
    }


def once(quarter: str = "2027-Q1", *, years: tuple[int, ...] = (2027, 2028)) -> list[Row]:
    """Deliveries of `g` in one quarter alone."""
    quarters = [f"{year}-Q{number}" for year in years for number in (1, 2, 3, 4)]
    return [{"gpu_id": "g", "quarter": name, "max_gpus": 100 if name == quarter else 0} for name in quarters]


def rate(name: str = "L", usd: float = 1.0, sku: str = "g") -> Row:
    return {"lease_id": name, "gpu_id": sku, "usd_per_gpu_hour": usd}


def plan(case: Case, *, tail: str | None = None, equity: bool = False) -> planner.Plan:
    """The plan of a case, proven."""
    found = planner.plan(case, tail=tail, equity=equity)
    assert found.status.name == "OPTIMAL", found.status
    return found


def cash(found: planner.Plan, line: str) -> dict[int, float]:
    """Dollars on a line by the first month of its column, zeros left out."""
    frame = found.statement.frame()
    return frame[frame["line"] == line].groupby("month")["usd"].sum().to_dict()
