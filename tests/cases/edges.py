"""Small cases at the edges, as Hypothesis strategies: odd dates and lengths, prices of any sign, nothing and
everything, strange names.

`edge_cases()` draws checked cases; what the reader refuses is rejected and counted in `counts`, so that a test can hold
the share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st
from oracle.written_case import written_case

from planner.case.case import Case
from planner.case.settings import Depreciation, Settings
from planner.case.written_dates import month_number, written_month, written_quarter
from planner.errors import CaseError

Row = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

counts: Counter[str] = Counter()
"""How many cases were drawn and how many of them the reader refused."""

NAMES = (
    "a", "a b", "b c", "c", "NA", "1e5", "null", "été", "a.1", "1", "01", "İ", "x y", "y z", "x", "true", "a_b", "A"
)
"""Names that merge when they are joined, read as numbers or as nothing, or differ in case and accents alone."""
TERMS = (1, 2, 5, 7, 11, 12, 13, 18, 24, 29, 36, 1500)
PRICES = (0.0, 0.5, 3.0, 12.5, 250.0)
SHARES = (0.0, 0.25, 0.999, 1.0)


@st.composite
def edge_cases(draw: Draw) -> Case:
    """A case that the reader takes, with any of the optional tables."""
    counts["drawn"] += 1
    rows = _rows(draw)
    try:
        return written_case(rows.pop("settings"), **rows)
    except CaseError:
        counts["refused"] += 1
        reject()


def _rows(draw: Draw) -> dict[str, Any]:
    settings = _settings(draw)
    first = month_number(settings.start)

    def month(index: int) -> str:
        return written_month(first + index)

    sites = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
    gpus = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
    leases = draw(st.lists(st.sampled_from(NAMES), min_size=0, max_size=2, unique=True))
    rows: dict[str, Any] = {
        "settings": settings,
        "sites": [_site(draw, name, month) for name in sites],
        "power": _power(draw, sites, settings, month),
        "gpus": [_gpu(draw, name) for name in gpus],
        "customers": _customers(draw),
        "leases": [_lease(draw, name, settings, month) for name in leases],
    }
    rows["lease_rates"] = [
        rate for lease in rows["leases"] if lease["kind"] == "gpu" for rate in _rates(draw, lease["lease_id"], gpus)
    ]
    rows["exit_fees"] = [
        fee for row in rows["power"] if row["exit_fee_usd_per_kw"] is None for fee in _exits(draw, row)
    ]
    return rows | _optional(draw, settings, sites, gpus, rows["leases"], month)


def _settings(draw: Draw) -> Settings:
    return Settings(
        name="edges",
        start=draw(st.sampled_from(["2027-01", "2027-02", "2026-11"])),
        months=draw(st.sampled_from([1, 2, 7, 12, 14, 18, 25])),
        discount_rate=draw(st.sampled_from([0.0, 0.1, 1.0])),
        tax_rate=draw(st.sampled_from([0.0, 0.25, 0.9])),
        tail=draw(st.sampled_from(["contracted", "rented", "none"])),
        tail_rent_usd_per_kw_month=draw(st.sampled_from([0.0, 80.0])),
        relet_fraction=draw(st.sampled_from(SHARES)),
        budget_carries_over=draw(st.booleans()),
        depreciation={
            kind: Depreciation(
                draw(st.sampled_from(["straight_line", "macrs_5"])), draw(st.sampled_from([0.04, 1.0, 5.0, 39.0])),
                draw(st.sampled_from([0.0, 0.4, 1.0])),
            )
            for kind in ("gpu", "shell", "power")
        },
    )


def _site(draw: Draw, name: str, month: Callable[[int], str]) -> Row:
    existing = draw(st.sampled_from([0.0, 0.3, 2.0]))
    kind = draw(st.sampled_from(["built", "rented", "standing"]))
    row: Row = {
        "site_id": name, "region": draw(st.sampled_from(["", "NA"])),
        "critical_it_mw": existing + draw(st.sampled_from([0.0, 1.0])), "existing_it_mw": existing,
        "pue": draw(st.sampled_from([1.0, 1.3])), "load_factor": draw(st.sampled_from([0.0, 0.85, 1.0])),
        "opex_usd_per_kw_month": draw(st.sampled_from([0.0, 7.0])),
        "opening_cost_usd": draw(st.sampled_from([0.0, 1000.0])), "build_lead_months": draw(st.sampled_from([0, 1, 5])),
        "shell_residual": draw(st.sampled_from(SHARES)),
        "max_cluster_gpus": draw(st.sampled_from([None, 70])),
        "build_mw_per_quarter": draw(st.sampled_from([None, 0.4])),
        "ready_month": draw(st.sampled_from([None, month(-5), month(4)])),
        "fabric_group": draw(st.sampled_from(["", "ring"])),
    }
    if kind == "built":
        row["shell_capex_usd_per_kw"] = draw(st.sampled_from([0.0, 90.0]))
    elif kind == "rented":
        row["shell_rent_usd_per_kw_month"] = draw(st.sampled_from([0.0, 4.0]))
    return row


def _power(draw: Draw, sites: list[str], settings: Settings, month: Callable[[int], str]) -> list[Row]:
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(["1", "p", "2 x"])), min_size=1, max_size=3, unique=True
        )
    )
    found = [_phase(draw, source, phase, draw(st.sampled_from(sites)), settings, month) for source, phase in keys]
    return [*found, _backup(draw, sites, settings, month)] if draw(st.booleans()) else found


def _backup(draw: Draw, sites: list[str], settings: Settings, month: Callable[[int], str]) -> Row:
    """A battery or an engine behind whatever its site may curtail."""
    status = draw(st.sampled_from(["approved", "energised"]))
    begins = draw(st.sampled_from([-7, 0]) if status == "energised" else st.sampled_from([1, settings.months + 3]))
    return {
        "source_id": "backup", "phase": "1", "site_id": draw(st.sampled_from(sites)),
        "kind": draw(st.sampled_from(["battery", "backup_engine"])), "energised": month(begins), "status": status,
        "guaranteed_mw": draw(st.sampled_from([0.1, 1.0])), "mw_per_it_mw": 1.0,
        "firms_mw_per_mw": draw(st.sampled_from([0.5, 1.0, 3.0])),
        "hours_per_year": draw(st.sampled_from([None, 49.0, 50.0])),
        "capex_usd_per_kw": draw(st.sampled_from([0.0, 20.0])),
        "fixed_om_usd_per_kw_month": draw(st.sampled_from([0.0, 0.5])),
        "energy_usd_per_mwh": draw(st.sampled_from([None, 300.0])), "availability": draw(st.sampled_from([0.9, 1.0])),
        "exit_fee_usd_per_kw": draw(st.sampled_from([None, 0.0])),
        "committed_mw": draw(st.sampled_from([0.0, 0.05])), "term_months": draw(st.sampled_from([5, 48])),
    }


def _phase(draw: Draw, source: str, phase: str, site: str, settings: Settings, month: Callable[[int], str]) -> Row:
    status = draw(st.sampled_from(["announced", "approved", "energised"]))
    begins = draw(
        st.sampled_from([-30, -7, -1, 0]) if status == "energised"
        else st.sampled_from([-1, 0, 1, 2, 4, settings.months + 3])
    )
    guaranteed = draw(st.sampled_from([0.1, 1.0, 12.0]))
    sized = draw(st.sampled_from(["any", "step", "lumpy", "least"]))
    delay = draw(st.sampled_from([None, 0, 2]))
    row: Row = {
        "source_id": source, "phase": phase, "site_id": site,
        "kind": draw(st.sampled_from(["grid", "fuel_cell", "wind"])), "energised": month(begins), "status": status,
        "guaranteed_mw": guaranteed, "installed_mw": draw(st.sampled_from([None, 1.5 * guaranteed])),
        "mw_per_it_mw": draw(st.sampled_from([1.0, 1.43])),
        "fee_usd_per_kw_month": draw(st.sampled_from([0.0, 2.0])),
        "fee_on": draw(st.sampled_from(["guaranteed", "installed"])),
        "fee_from": draw(st.sampled_from(["contract", "energised"])),
        "contract_month": month(begins - draw(st.sampled_from([0, 17]))) if begins < 0 or draw(st.booleans()) else None,
        "fee_escalator": draw(st.sampled_from([0.0, 0.1, -0.5])),
        "term_months": draw(st.sampled_from([*TERMS[2:], 48])),
        "exit_fee_usd_per_kw": draw(st.sampled_from([None, 0.0, 9.0])),
        "upfront_usd_per_kw": draw(st.sampled_from([0.0, 3.0])), "capex_usd_per_kw": draw(st.sampled_from([0.0, 20.0])),
        "deposit_usd_per_kw": draw(st.sampled_from([0.0, 0.0, 7.0])),
        "lead_months": draw(st.sampled_from([0, 0, 2, 5])),
        "fixed_om_usd_per_kw_month": draw(st.sampled_from([0.0, 0.5])),
        "variable_om_usd_per_mwh": draw(st.sampled_from([0.0, 2.0])),
        "energy_usd_per_mwh": draw(st.sampled_from([None, -50.0, 0.0, 40.0])),
        "demand_charge_usd_per_kw_month": draw(st.sampled_from([0.0, 1.0])),
        "take_or_pay": draw(st.sampled_from(SHARES)), "min_take": draw(st.sampled_from([0.0, 0.0, 0.4, 1.0])),
        "availability": draw(st.sampled_from([0.9, 1.0])),
        "tax_credit": draw(st.sampled_from([0.0, 0.3])),
        "delay_damages_usd_per_kw_month": draw(st.sampled_from([0.0, 5.0])),
        "committed_mw": draw(st.sampled_from([0.0, 0.0, 0.7 * guaranteed, guaranteed])),
    }
    if delay is not None and status != "energised":
        row |= {"delay_low_months": 0, "delay_mode_months": delay, "delay_high_months": 2 * delay}
    if row["deposit_usd_per_kw"]:
        later = draw(st.sampled_from([None, 0, row["term_months"] // 2, row["term_months"] - 1]))
        row["deposit_returned"] = None if later is None else month(begins + later)
    if draw(st.booleans()):
        row |= {
            "heat_rate_mmbtu_per_mwh": 7.0, "gas_usd_per_mmbtu": draw(st.sampled_from([-3.0, 0.0, 4.0])),
            "fuel_adder_usd_per_mmbtu": 0.5, "fuel_passed_to_tenant": draw(st.booleans()),
        }
    if draw(st.booleans()):
        row |= {
            "firm_share": draw(st.sampled_from(SHARES)),
            "curtailed_hours_per_year": draw(st.sampled_from([0.0, 50.0, 8760.0])),
            "curtailed_until": draw(st.sampled_from([None, month(begins), month(begins + 3), month(-40)])),
            "curtailment_notice_hours": draw(st.sampled_from([0.0, 4.0])),
        }
    if sized == "step":
        row["step_mw"] = guaranteed / 4.0
    elif sized == "lumpy":
        row |= {"lumpy": True, "committed_mw": draw(st.sampled_from([0.0, guaranteed]))}
    elif sized == "least":
        row["min_mw"] = guaranteed / 2.0
    return row


def _exits(draw: Draw, phase: Row) -> list[Row]:
    """What ending a contract costs by its age: in no year, from one on, or falling from year to year."""
    years = draw(st.sampled_from([(), (), (1,), (2,), (1, 3), (2, 4)]))
    return [
        {"source_id": phase["source_id"], "phase": phase["phase"], "contract_year": year, "usd_per_kw": 9.0 / year}
        for year in years if 12 * (year - 1) < phase["term_months"]
    ]


def _gpu(draw: Draw, name: str) -> Row:
    return {
        "gpu_id": name, "it_kw": draw(st.sampled_from([1.0, 1.7])), "cooling": draw(st.sampled_from(["air", "liquid"])),
        "capex_usd": draw(st.sampled_from([0.0, 1.0, 900.0, 1e9])),
        "deposit_fraction": draw(st.sampled_from(SHARES)), "deposit_lead_months": draw(st.sampled_from([0, 4, 50])),
        "life_months": draw(st.sampled_from([1, 5, 13, 24, 50])),
        "upkeep_usd_per_month": draw(st.sampled_from([0.0, 3.0])), "performance": draw(st.sampled_from([1.0, 2.5])),
        "order_lead_months": draw(st.sampled_from([0, 1, 7])),
        "spare_fraction": draw(st.sampled_from([0.0, 0.03])),
    }


def _customers(draw: Draw) -> list[Row]:
    rate = draw(st.sampled_from([None, 0.0, 0.5, 1.0]))
    return [
        {
            "customer_id": "c", "rating": "CCC", "default_rate_per_year": rate,
            "recovery": draw(st.sampled_from(SHARES)), "guarantor": draw(st.sampled_from(["", "g"])),
            "max_revenue_share": draw(st.sampled_from([None, None, 0.5])),
        },
        {"customer_id": "g", "rating": "B"},
    ]


def _lease(draw: Draw, name: str, settings: Settings, month: Callable[[int], str]) -> Row:
    kind = draw(st.sampled_from(["gpu", "gpu", "hosting"]))
    start, term = draw(
        st.sampled_from([-9, 0, 1, 3, settings.months - 1, settings.months + 2])
    ), draw(st.sampled_from(TERMS))
    most = draw(st.sampled_from([1.0, 60.0])) if kind == "gpu" else draw(st.sampled_from([0.1, 0.6]))
    row: Row = {
        "lease_id": name, "customer_id": "c", "kind": kind, "size_unit": "gpus" if kind == "gpu" else "it_mw",
        "start": month(start), "term_months": term,
        "term_from": draw(st.sampled_from(["calendar", "delivery"])),
        "min_size": draw(st.sampled_from([0.0, most, 0.5 * most if most > 1 or kind == "hosting" else 1.0])),
        "max_size": most,
        "min_block": draw(st.sampled_from([0.0, 0.0, min(most, 10.0) if kind == "gpu" else 0.1 * most])),
        "energy_by": draw(st.sampled_from(["landlord", "tenant"])),
        "billing_hours": draw(st.sampled_from(["actual", "730"])),
        "take_or_pay": draw(st.sampled_from(SHARES)), "utilisation": draw(st.sampled_from(SHARES)),
        "escalator": draw(st.sampled_from([0.0, 0.04, -0.5])),
        "prepay_fraction": draw(st.sampled_from(SHARES)), "all_or_nothing": draw(st.booleans()),
        "single_fabric": draw(st.booleans()),
        "late_penalty": draw(st.sampled_from(SHARES)), "late_grace_months": draw(st.sampled_from([None, 0, 2])),
        "sla_credit": draw(st.sampled_from(SHARES)), "signed": draw(st.booleans()),
    }
    if kind == "hosting":
        row["usd_per_kw_month"] = draw(st.sampled_from(PRICES))
        return _next_term(draw, row)
    row |= {
        f"{what}_usd_per_gpu_month": draw(st.sampled_from([0.0, 0.0, 90.0]))
        for what in ("storage", "network", "support")
    }
    if draw(st.booleans()):
        row |= {
            "goodput_promised": draw(st.sampled_from([0.0, 0.9, 1.0])),
            "goodput_expected": draw(st.sampled_from([0.0, 0.85, 1.0])),
            "goodput_credit": draw(st.sampled_from([0.0, 1.0, 5.0])),
        }
    if draw(st.booleans()):
        row |= {
            "notice_months": draw(st.sampled_from([0, 3])), "notice_from_month": draw(st.sampled_from([0, 2])),
            "notice_margin": draw(st.sampled_from(SHARES)),
        }
    return _next_term(draw, row)


def _next_term(draw: Draw, row: Row) -> Row:
    if draw(st.booleans()):
        row |= {
            "curtailable_hours_per_year": draw(st.sampled_from([0.0, 50.0, 8760.0])),
            "curtailment_discount": draw(st.sampled_from(SHARES)),
            "curtailment_notice_hours": draw(st.sampled_from([0.0, 4.0])),
        }
    if draw(st.booleans()):
        row |= {
            "renewal_term_months": draw(st.sampled_from([1, 7, 14])),
            "renewal_probability": draw(st.sampled_from(SHARES)),
            "renewal_rate_share": draw(st.sampled_from([0.0, 0.8, 1.2])),
        }
    return row


def _rates(draw: Draw, lease: str, gpus: list[str]) -> list[Row]:
    accepted = draw(st.lists(st.sampled_from(gpus), min_size=1, max_size=2, unique=True))
    found = [
        {
            "lease_id": lease, "gpu_id": gpu, "tier": 1, "usd_per_gpu_hour": draw(st.sampled_from(PRICES)),
            "max_units": draw(st.sampled_from([None, 30.0])),
        }
        for gpu in accepted
    ]
    if draw(st.booleans()):
        found.append(
            {
                "lease_id": lease, "gpu_id": accepted[0], "tier": 2,
                "usd_per_gpu_hour": found[0]["usd_per_gpu_hour"] / 2.0,
            }
        )
    return found


def _optional(
    draw: Draw, settings: Settings, sites: list[str], gpus: list[str], leases: list[Row], month: Callable[[int], str]
) -> dict[str, list[Row]]:
    """Any of the tables that a case may leave out."""
    first = month_number(settings.start)
    tables: dict[str, Callable[[], list[Row]]] = {
        "market": lambda: [tier for gpu in gpus for tier in _market(draw, gpu)],
        "resale": lambda: [
            {"gpu_id": gpu, "age_months": age, "value_share": value} for gpu in gpus
            for age, value in ((0, 0.9), (7, 0.5), (30, 0.0))
        ],
        "gpu_supply": lambda: [
            {"gpu_id": gpus[0], "quarter": written_quarter(first + at), "max_gpus": draw(st.sampled_from([0, 25]))}
            for at in (0, 3)
        ],
        "lease_ramp": lambda: [
            {
                "lease_id": lease["lease_id"], "month_of_term": at, "size_share": draw(st.sampled_from(SHARES)),
                "rate_share": draw(st.sampled_from(SHARES)),
            }
            for lease in leases for at in (0, 1)
        ],
        "lease_tranches": lambda: [
            tranche for lease in leases[:1] for tranche in _tranches(draw, lease["lease_id"])
        ],
        "customer_shares": lambda: [
            {
                "customer_id": "c", "year": (first + draw(st.sampled_from([0, settings.months]))) // 12,
                "max_revenue_share": draw(st.sampled_from([0.0, 0.5, 0.999, 1.0])),
            }
        ],
        "mining": lambda: [
            {
                "site_id": sites[0], "utility_mw": 0.5, "joules_per_th": 20.0,
                "hashprice_usd_per_ph_day": draw(st.sampled_from([0.0, 60.0])),
                "convertible_fraction": draw(st.sampled_from(SHARES)),
            }
        ],
        "links": lambda: [
            {
                "site_id": site, "lease_id": lease["lease_id"], "network_usd_per_gpu_hour": 0.1,
                "allowed": draw(st.booleans()),
            }
            for site in sites for lease in leases[:1]
        ],
        "budget": lambda: _budget(draw, settings, first),
        "debt": lambda: [
            {
                "asset_class": kind, "advance_rate": draw(st.sampled_from(SHARES)),
                "interest_rate": draw(st.sampled_from([0.0, 0.12])), "tenor_months": draw(st.sampled_from([1, 7, 60])),
                "amortisation": draw(st.sampled_from(["level", "straight"])),
            }
            for kind in ("gpu", "shell", "power")
        ],
        "fleet": lambda: [
            {
                "site_id": sites[0], "gpu_id": gpus[-1], "gpus": draw(st.sampled_from([1, 20])),
                "bought": month(-draw(st.sampled_from([1, 3, 11]))),
                "tax_basis_usd_per_gpu": draw(st.sampled_from([0.0, 50.0])),
            }
        ],
    }
    return {name: make() for name, make in tables.items() if draw(st.booleans())}


def _tranches(draw: Draw, lease: str) -> list[Row]:
    """Two or three parts of a lease, the first on its date."""
    shares = draw(st.sampled_from([(0.5, 0.5), (0.25, 0.75), (0.2, 0.3, 0.5)]))
    return [
        {
            "lease_id": lease, "tranche": NAMES[at], "size_share": share,
            "starts_after_months": draw(st.sampled_from([0, 1, 5, 40])) if at else 0,
            "late_grace_months": draw(st.sampled_from([None, 0, 3])), "may_terminate": draw(st.booleans()),
        }
        for at, share in enumerate(shares)
    ]


def _market(draw: Draw, gpu: str) -> list[Row]:
    """Two tiers of a SKU, the second at most as dear as the first."""
    dear = draw(st.sampled_from(PRICES))
    return [
        {
            "gpu_id": gpu, "tier": tier, "usd_per_gpu_hour": dear / tier,
            "depth_gpus": draw(st.sampled_from([0.0, 40.0, 1e6])), "utilisation": draw(st.sampled_from(SHARES)),
        }
        for tier in (1, 2)
    ]


def _budget(draw: Draw, settings: Settings, first: int) -> list[Row]:
    """New capital within the horizon, and a floor in any quarter of it or of the tail."""
    capital = [
        {"quarter": written_quarter(first), "new_capital_usd": draw(st.sampled_from([0.0, 2e5, 1e12]))}
    ] if draw(st.booleans()) else []
    floor = [
        {
            "quarter": written_quarter(first + draw(st.sampled_from([3, settings.months + 30]))),
            "cash_floor_usd": draw(st.sampled_from([-1e6, 0.0])),
        }
    ] if draw(st.booleans()) else []
    return [*capital, *floor]
