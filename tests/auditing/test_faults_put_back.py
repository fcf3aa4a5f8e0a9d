"""Each way in which money once came out wrong, put back into what a run publishes, is caught by the ledger, by the
check that is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from auditing.altered import Rows, altered, altered_summary, line, moved, without
from auditing.audited import audited, told
from auditing.small import small_case

from planner.auditing.agreement import audit
from planner.case.case import Case
from planner.case.settings import Depreciation

OWNED_PLANT = {
    "ownership": "owned", "status": "approved", "energised": "2027-04", "delay_low_months": 0, "delay_mode_months": 0,
    "delay_high_months": 0, "lead_months": 3,
}
OVER_FIVE_YEARS = {"gpu": Depreciation("straight_line", 5.0, 0.0), "shell": Depreciation(), "power": Depreciation()}
ON_DEMAND = [{"gpu_id": "g", "usd_per_gpu_hour": 1.0, "utilisation": 1}]


def caught(
    case: Case, folder: Path, put_back: Callable[[Path], None], *, case_read: Case | None = None
) -> tuple[str, ...]:
    """What the ledger says of the run of a case: that it agrees, and then what it says once a fault is put back into
    it."""
    _, agreement = audited(case, folder)
    assert agreement.agrees, told(agreement)
    put_back(folder)
    return audit(folder, case_read or case).disagreements


def on_cash(change: Callable[[Rows], Rows]) -> Callable[[Path], None]:
    return lambda folder: altered(folder, "cashflow", change)


def test_gpus_of_another_place_serve(tmp_path: Path) -> None:
    """Places that merge: both leases are served, but the GPUs of one of them were never bought."""
    sites = [
        {"site_id": name, "critical_it_mw": 1, "existing_it_mw": 1, "pue": 1, "load_factor": 1} for name in ("a", "a b")
    ]
    power = [
        {
            "source_id": name, "phase": "1", "site_id": name, "kind": "grid", "energised": "2027-01",
            "status": "energised", "guaranteed_mw": 1, "mw_per_it_mw": 1,
        }
        for name in ("a", "a b")
    ]
    case = small_case(
        sites=sites, power=power,
        gpus=[{"gpu_id": name, "it_kw": 1, "capex_usd": 1000, "life_months": 12} for name in ("b c", "c")],
        leases=[
            {
                "lease_id": name, "customer_id": "c", "kind": "gpu", "start": "2027-01", "term_months": 12,
                "max_size": 100, "sites": site,
            }
            for name, site in (("la", "a"), ("lb", "a b"))
        ],
        lease_rates=[
            {"lease_id": "la", "gpu_id": "b c", "usd_per_gpu_hour": 1},
            {"lease_id": "lb", "gpu_id": "c", "usd_per_gpu_hour": 1},
        ],
    )
    found = caught(
        case, tmp_path / "run",
        lambda folder: altered(folder, "portfolio", lambda rows: without(rows, kind="own", gpu_id="b c")),
    )
    assert {"limit GPUs owned", "line capex"} <= set(found)


def test_minimum_take_earns(tmp_path: Path) -> None:
    """Energy below nothing: minimum take that is not even contracted must not earn."""
    case = small_case(power={"energy_usd_per_mwh": -50, "min_take": 0.8, "energised": "2026-12"})

    def pump(folder: Path) -> None:
        altered(
            folder, "cashflow",
            lambda rows: [
                {**row, "usd": str(float(row["usd"]) + 8.0 * 730 * 50)} if row["line"] == "energy" else row
                for row in rows
            ],
        )

    assert {"line energy"} <= set(caught(case, tmp_path / "run", pump))


def test_a_plant_is_free(tmp_path: Path) -> None:
    """A plant promised just before the start that comes later, contracted in part and not paid."""
    case = small_case(
        power={
            **OWNED_PLANT, "energised": "2026-12", "lead_months": 0, "delay_mode_months": 3, "delay_high_months": 6,
            "capex_usd_per_kw": 10,
        },
        leases={"start": "2027-04"},
    )

    def free(folder: Path) -> None:
        altered(
            folder, "cashflow",
            lambda rows: [
                {**row, "usd": "-100000"} if row["line"] == "capex" else row
                for row in without(rows, line="capex", month="0")
            ],
        )

    found = caught(case, tmp_path / "run", free)
    assert {"line capex", "law what is bought is paid for exactly once, deposits with it"} <= set(found)


def test_write_off_ends_with_life(tmp_path: Path) -> None:
    """What is left of a basis at the end of life vanishes."""
    case = small_case(settings={"tax_rate": 0.25, "depreciation": OVER_FIVE_YEARS}, leases={"term_months": 24})

    def lost(rows: Rows) -> Rows:
        last = max(line(rows, "depreciation"), key=lambda row: float(row["usd"]))
        monthly = min(float(row["usd"]) for row in line(rows, "depreciation"))
        return [{**row, "usd": str(monthly)} if row is last else row for row in rows]

    assert {
        "line depreciation", "law every basis is written off exactly once"
    } <= set(caught(case, tmp_path / "run", on_cash(lost)))


def test_loans_a_month_early(tmp_path: Path) -> None:
    """Interest and repayment from the month of the draw on."""
    case = small_case(debt=[{"asset_class": "gpu", "advance_rate": 1, "interest_rate": 0.12, "tenor_months": 12}])
    early = on_cash(lambda rows: moved(moved(rows, "interest", -1), "repayment", -1))
    assert {"line interest", "line repayment"} <= set(caught(case, tmp_path / "run", early))


def test_a_floor_of_the_tail_binds_elsewhere(tmp_path: Path) -> None:
    """A floor after the horizon that the plan breaks in its own quarter, because it was held against another."""
    plain = {"settings": {"months": 12}, "leases": {"term_months": 36}, "gpus": {"life_months": 36, "capex_usd": 15000}}
    floored = small_case(budget=[{"quarter": "2028-Q2", "cash_floor_usd": 0}], **plain)
    found = caught(small_case(**plain), tmp_path / "run", lambda folder: None, case_read=floored)
    assert "limit cash floor" in found


def test_on_demand_stops_before_power_ends(tmp_path: Path) -> None:
    """The last window is left out, although GPUs, power and market are there."""
    case = small_case(market=ON_DEMAND, leases=None, lease_rates=None, customers=None, power={"term_months": 14})

    def stops(folder: Path) -> None:
        altered(
            folder, "portfolio", lambda rows: [row for row in rows if row["kind"] != "sell" or row["from"] < "2028-01"]
        )

    assert {"limit GPUs left idle", "line revenue"} <= set(caught(case, tmp_path / "run", stops))


def test_a_fee_rises_on_the_wrong_dates(tmp_path: Path) -> None:
    """Rises at anniversaries of the case, past ones left out, in place of those of the contract."""
    case = small_case(
        power={
            "energised": "2025-07", "fee_usd_per_kw_month": 100, "fee_escalator": 0.1, "committed_mw": 1,
            "guaranteed_mw": 1,
        }
    )
    flat = on_cash(
        lambda rows: [
            {**row, "usd": str(-100_000 * 1.1 ** (int(row["month"]) // 12))} if row["line"] == "fees" else row
            for row in rows
        ]
    )
    assert "line fees" in caught(case, tmp_path / "run", flat)


def test_a_defaulter_is_repaid(tmp_path: Path) -> None:
    """A prepayment is credited in full in every month, although the customer may no longer be there."""
    case = small_case(customers={"default_rate_per_year": 0.5}, leases={"prepay_fraction": 1})

    def repaid(rows: Rows) -> Rows:
        return [
            {**row, "usd": "803000" if row["month"] == "0" else "-73000"} if row["line"] == "prepayment" else row
            for row in rows
        ]

    assert "line prepayment" in caught(case, tmp_path / "run", on_cash(repaid))


def test_young_assets_vanish(tmp_path: Path) -> None:
    """Without a tail, GPUs of nine months are neither sold nor written off at the horizon."""
    case = small_case(
        settings={"tail": "none", "months": 12, "tax_rate": 0.25, "depreciation": OVER_FIVE_YEARS},
        leases={"start": "2027-04", "term_months": 24, "committed": True, "min_size": 100},
        gpus={"order_lead_months": 3}, resale=[{"gpu_id": "g", "age_months": 0, "value_share": 0.9}],
    )
    found = caught(
        case, tmp_path / "run",
        on_cash(lambda rows: without(without(rows, line="resale"), line="depreciation", month="11")),
    )
    assert {"line resale", "law every basis is written off exactly once"} <= set(found)


def test_a_charge_after_first_power(tmp_path: Path) -> None:
    """A lead that reaches back before the start: the phase comes as promised, and is paid for long after."""
    case = small_case(
        power={
            **OWNED_PLANT, "ownership": "utility", "energised": "2027-03", "lead_months": 6, "upfront_usd_per_kw": 6
        },
        leases={"start": "2027-03", "term_months": 24, "late_grace_months": 4},
    )
    early = on_cash(lambda rows: moved(rows, "revenue", -4))
    assert "line revenue" in caught(case, tmp_path / "run", early)
    altered(
        tmp_path / "run", "portfolio",
        lambda rows: [{**row, "from": "2027-03"} if row["kind"] == "serve" else row for row in rows],
    )
    assert {"limit lead of power", "limit power on its dates"} <= set(audit(tmp_path / "run", case).disagreements)


def test_what_is_committed_is_rounded(tmp_path: Path) -> None:
    """Seven MW are contracted; nine are paid, because they come in threes."""
    case = small_case(
        power={
            "status": "approved", "energised": "2027-01", "delay_low_months": 0, "delay_mode_months": 0,
            "delay_high_months": 0, "guaranteed_mw": 12, "step_mw": 3, "committed_mw": 7, "fee_usd_per_kw_month": 1,
        }
    )

    def rounded(folder: Path) -> None:
        altered(folder, "power", lambda rows: [{**row, "contracted_mw": "9"} for row in rows])

    assert {
        "limit steps of power", "line fees", "law contracted power as held"
    } <= set(caught(case, tmp_path / "run", rounded))


def test_a_line_shorter_than_a_month(tmp_path: Path) -> None:
    """A basis of less than half a month is written off at once, not over a month more."""
    case = small_case(
        settings={"tax_rate": 0.25, "depreciation": OVER_FIVE_YEARS | {"gpu": Depreciation("straight_line", 0.04, 0.0)}}
    )
    late = on_cash(lambda rows: moved(rows, "depreciation", 1))
    assert "line depreciation" in caught(case, tmp_path / "run", late)


def test_tax_years_of_more_than_twelve_months(tmp_path: Path) -> None:
    """Losses carried forward: the second tax year is not the months from 12 to 29 for a horizon of 18."""
    case = small_case(
        settings={"months": 18, "discount_rate": 0.1, "tax_rate": 0.5, "depreciation": OVER_FIVE_YEARS},
        leases={"term_months": 42}, gpus={"life_months": 42, "capex_usd": 15000},
    )
    plan, agreement = audited(case, tmp_path / "run")
    assert agreement.agrees, told(agreement)
    altered_summary(tmp_path / "run", npv_losses_carried_usd=plan.statement.npv_losses_carried_usd - 16_454.0)
    assert audit(tmp_path / "run", case).disagreements == ("worth npv_losses_carried_usd",)


def test_the_opening_is_paid_after_the_halls(tmp_path: Path) -> None:
    """A site is opened with the order of its halls, eighteen months before its power."""
    case = small_case(
        settings={"discount_rate": 0.1},
        sites={
            "existing_it_mw": 0, "opening_cost_usd": 100_000, "shell_capex_usd_per_kw": 100, "build_lead_months": 6,
            "ready_month": "2027-10",
        },
        power={**OWNED_PLANT, "ownership": "utility", "energised": "2027-10", "lead_months": 0},
        leases={"start": "2027-10"},
    )
    late = on_cash(lambda rows: moved(rows, "opening", 6))
    assert "line opening" in caught(case, tmp_path / "run", late)


def test_a_fleet_vanishes(tmp_path: Path) -> None:
    """GPUs owned at the start are not in the plan."""
    case = small_case(fleet=[{"site_id": "s", "gpu_id": "g", "gpus": 50, "bought": "2026-01"}])
    found = caught(
        case, tmp_path / "run", lambda folder: altered(folder, "portfolio", lambda rows: without(rows, kind="base"))
    )
    assert "limit fleet as it is" in found


@pytest.mark.parametrize("name", ["revenue", "energy", "tax"])
def test_a_cent_in_a_thousand_dollars_is_seen(name: str, tmp_path: Path) -> None:
    """The ledger is sharp: an amount that is off by 1e-5 of itself is told."""
    case = small_case(settings={"tax_rate": 0.25}, power={"energy_usd_per_mwh": 40})
    off = on_cash(
        lambda rows: [
            {**row, "usd": repr(float(row["usd"]) * (1 + 1e-5))} if row["line"] == name and row["month"] == "3" else row
            for row in rows
        ]
    )
    assert caught(case, tmp_path / "run", off) == (f"line {name}",)
