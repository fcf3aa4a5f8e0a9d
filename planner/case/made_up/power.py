"""Phases of power of a generated case, by kind and region, with the curves of gas and regional power."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from planner.case.calendar import Calendar
from planner.case.made_up.dice import Dice, Row
from planner.case.tables import MINING, POWER

GAS_CURVE, HASHPRICE_CURVE = "henry_hub", "hashprice"


@dataclass(frozen=True)
class Region:
    """A power region: mean energy price, demand charge of the grid, gas basis and grid carbon."""

    name: str
    latitude: float
    longitude: float
    usd_per_mwh: float
    demand_usd_per_kw_month: float
    gas_basis_usd_per_mmbtu: float
    co2_kg_per_mwh: float

    @property
    def curve_id(self) -> str:
        """Name of its power price curve."""
        return f"power_{self.name.lower()}"


REGIONS = (
    Region("ERCOT", 32.0, -99.0, 34.0, 5.0, -0.5, 333.0),
    Region("SPP", 46.5, -99.5, 32.0, 10.0, -0.2, 417.0),
    Region("MISO", 39.5, -89.5, 38.0, 10.0, -0.2, 417.0),
    Region("PJM_W", 40.2, -82.5, 48.0, 18.0, -0.8, 413.0),
    Region("DOM", 38.5, -78.5, 55.0, 18.0, 0.6, 269.0),
    Region("NYISO_W", 42.8, -78.0, 40.0, 11.0, -0.5, 110.0),
    Region("GA", 33.0, -83.5, 62.0, 15.0, 0.8, 382.0),
)

_ONSITE = ("fuel_cell", "gas_engine", "gas_turbine", "solar_storage")
_ONSITE_WEIGHTS = (0.45, 0.25, 0.15, 0.15)
_ONSITE_DELAYS = ((0, 0, 9), (0, 3, 6), (0, 6, 12))
_GRID_DELAYS = ((0, 3, 15), (0, 6, 21), (0, 9, 27), (0, 9, 36))


@dataclass(frozen=True)
class Phase:
    """A phase being drawn; months count from the start of the case, `terms` are the other columns of its row."""

    source_id: str
    phase: int
    kind: str
    energised_month: int
    delay: tuple[int, int, int]
    guaranteed_mw: float
    mw_per_it_mw: float
    co2_kg_per_mwh: float
    terms: Row

    @property
    def expected_month(self) -> int:
        """The promised month and the mean of the triangular delay, rounded up to a whole month."""
        return self.energised_month + math.ceil(sum(self.delay) / 3)

    @property
    def it_mw(self) -> float:
        """Critical IT that the phase carries."""
        return self.guaranteed_mw / self.mw_per_it_mw

    def row(self, site_id: str, calendar: Calendar) -> Row:
        """Its row in the table `power`."""
        low, mode, high = self.delay
        return {
            "source_id": self.source_id,
            "phase": str(self.phase),
            "site_id": site_id,
            "kind": self.kind,
            "energised": calendar.written(self.energised_month),
            "delay_low_months": low,
            "delay_mode_months": mode,
            "delay_high_months": high,
            "guaranteed_mw": self.guaranteed_mw,
            "mw_per_it_mw": self.mw_per_it_mw,
            "co2_kg_per_mwh": self.co2_kg_per_mwh,
            **self.terms,
        }


def onsite_kind(dice: Dice) -> str:
    """The technology of a site's on-site power."""
    return dice.pick(_ONSITE, _ONSITE_WEIGHTS)


def grid_phase(
    source_id: str, number: int, it_mw: float, region: Region, dice: Dice, months: int, *, old: bool
) -> Phase:
    """A grid connection: `old` stands and is contracted, a new one comes late in the horizon."""
    mw = _whole_fives(it_mw * 1.43)
    terms: Row = {
        "ownership": "utility",
        "status": "energised" if old else "studied",
        "energy_curve": region.curve_id,
        "demand_charge_usd_per_kw_month": region.demand_usd_per_kw_month,
        "term_months": dice.pick((180, 240)),
        "availability": 0.999,
    }
    if old:
        return Phase(
            source_id, number, "grid", -6, (0, 0, 0), mw, 1.43, region.co2_kg_per_mwh, {**terms, "committed_mw": mw}
        )
    energised = _month(dice.pick((21, 24, 27, 30, 33)), months)
    terms |= {"upfront_usd_per_kw": dice.between(150.0, 400.0, -1), "lead_months": min(12, energised)}
    if dice.chance(0.2):
        terms |= {"lumpy": True}
    else:
        terms |= {"min_mw": min(20.0, mw)}
    if dice.chance(0.2):
        terms |= {
            "fee_usd_per_kw_month": dice.between(1.5, 4.0, 1),
            "fee_from": "contract",
            "take_or_pay": 0.85,
            "exit_fee_usd_per_kw": dice.between(50.0, 150.0, -1),
        }
    delay = _delay(dice.pick(_GRID_DELAYS), months)
    return Phase(source_id, number, "grid", energised, delay, mw, 1.43, region.co2_kg_per_mwh, terms)


def onsite_phase(
    source_id: str, number: int, it_mw: float, kind: str, region: Region, dice: Dice, months: int
) -> Phase:
    """On-site power early in the horizon."""
    ratio = dice.pick((1.25, 1.28, 1.3))
    mw = _whole_fives(it_mw * ratio)
    energised = _month(dice.pick((3, 6, 9, 12)), months)
    terms = _onsite_terms(kind, region, dice)
    terms["lead_months"] = min(_LEAD_MONTHS[kind], energised)
    if kind == "fuel_cell":
        terms["installed_mw"] = round(mw * _FUEL_CELL_RESERVE, 1)
    if kind == "fuel_cell" and dice.chance(0.3):
        terms["step_mw"] = 5.0
    elif dice.chance(0.2):
        terms["lumpy"] = True
    else:
        terms["min_mw"] = 10.0
    delay = _delay(dice.pick(_ONSITE_DELAYS), months)
    return Phase(source_id, number, kind, energised, delay, mw, ratio, _CO2[kind], terms)


def second_phase(first: Phase, it_mw: float, dice: Dice, months: int) -> Phase:
    """The next phase of a source, a few quarters later, on the terms of the first."""
    mw = _whole_fives(it_mw * first.mw_per_it_mw)
    energised = first.energised_month + _month(dice.pick((3, 6, 9)), months)
    terms = first.terms | {"lead_months": min(_LEAD_MONTHS[first.kind], energised)}
    if "installed_mw" in terms:
        terms["installed_mw"] = round(mw * _FUEL_CELL_RESERVE, 1)
    return replace(first, phase=first.phase + 1, energised_month=energised, guaranteed_mw=mw, terms=terms)


_FUEL_CELL_RESERVE = 1.312  # 328 MW installed behind 250 guaranteed
_LEAD_MONTHS = {"fuel_cell": 6, "gas_engine": 12, "gas_turbine": 18, "solar_storage": 18}
_CO2 = {"fuel_cell": 371.0, "gas_engine": 430.0, "gas_turbine": 510.0, "solar_storage": 0.0}


def _onsite_terms(kind: str, region: Region, dice: Dice) -> Row:
    """Fee, fuel, operation and contract terms of a kind of on-site power."""
    gas: Row = {"gas_curve": GAS_CURVE, "fuel_adder_usd_per_mmbtu": round(region.gas_basis_usd_per_mmbtu + 0.25, 2)}
    status: Row = {"status": dice.pick(("announced", "approved"))}
    if kind == "fuel_cell":
        return status | gas | {
            "ownership": "service",
            "fee_usd_per_kw_month": dice.between(45.0, 70.0, 1),
            "fee_on": "guaranteed",
            "fee_escalator": dice.pick((0.0, 0.01, 0.02)),
            "term_months": dice.pick((120, 180)),
            "exit_fee_usd_per_kw": dice.between(500.0, 1_500.0, -2),
            "heat_rate_mmbtu_per_mwh": 7.0,
            "availability": 0.999,
            "delay_damages_usd_per_kw_month": dice.pick((0.0, 5.0, 10.0)),
            "fuel_passed_to_tenant": dice.chance(0.2),
        }
    if kind == "gas_engine":
        return status | gas | {
            "ownership": "owned",
            "capex_usd_per_kw": dice.between(1_400.0, 2_100.0, -1),
            "fixed_om_usd_per_kw_month": dice.between(1.0, 2.5, 1),
            "variable_om_usd_per_mwh": 13.5,
            "heat_rate_mmbtu_per_mwh": 8.1,
            "term_months": 240,
            "availability": 0.97,
        }
    if kind == "gas_turbine":
        return status | gas | {
            "ownership": "owned",
            "capex_usd_per_kw": dice.between(1_200.0, 1_900.0, -1),
            "fixed_om_usd_per_kw_month": dice.between(1.0, 2.0, 1),
            "variable_om_usd_per_mwh": 10.0,
            "heat_rate_mmbtu_per_mwh": 9.6,
            "term_months": 240,
            "availability": 0.96,
        }
    return status | {
        "ownership": "service",
        "energy_usd_per_mwh": dice.between(85.0, 120.0, 0),
        "min_take": dice.pick((0.6, 0.7, 0.8)),
        "term_months": 180,
        "availability": 0.95,
    }


def energy_curves(regions: list[Region], dice: Dice, calendar: Calendar) -> list[Row]:
    """Quarterly steps of gas and of power in each region, with seasons, and the hashprice with its halving."""
    rows = _seasonal(GAS_CURVE, 3.5, (1.15, 0.92, 0.95, 1.02), POWER.column("gas_usd_per_mmbtu").unit, dice, calendar)
    for region in regions:
        unit = POWER.column("energy_usd_per_mwh").unit
        rows += _seasonal(region.curve_id, region.usd_per_mwh, (1.04, 0.90, 1.16, 0.92), unit, dice, calendar)
    unit = MINING.column("hashprice_usd_per_ph_day").unit
    for month in calendar.quarter_starts:
        written = calendar.written(month)
        value = (40.0 if written < "2028-04" else 32.0) * 0.985 ** (month / 3)
        rows.append({"curve_id": HASHPRICE_CURVE, "month": written, "value": round(value, 2), "unit": unit})
    return rows


def _seasonal(
    curve_id: str, mean: float, seasons: tuple[float, ...], unit: str, dice: Dice, calendar: Calendar
) -> list[Row]:
    rows: list[Row] = []
    for month in calendar.quarter_starts:
        season = seasons[(calendar.start_number + int(month)) % 12 // 3]
        value = mean * season * 1.02 ** (month / 12) * dice.between(0.96, 1.04, 3)
        rows.append({"curve_id": curve_id, "month": calendar.written(month), "value": round(value, 2), "unit": unit})
    return rows


def _whole_fives(mw: float) -> float:
    return 5.0 * max(2, round(mw / 5.0))


def _month(of_sixty: int, months: int) -> int:
    """A month of a horizon of 60, moved to the same part of a shorter one, on a quarter start."""
    return 3 * max(1, round(of_sixty * min(1.0, months / 60.0) / 3))


def _delay(delay: tuple[int, int, int], months: int) -> tuple[int, int, int]:
    """The delay itself, or (0, 3, 6) in horizons too short for it: every mean is a multiple of 3 months."""
    return delay if months >= 48 else (0, 3, 6)
