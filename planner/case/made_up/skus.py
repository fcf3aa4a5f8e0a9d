"""GPU systems of a generated case: their figures, resale, on-demand market and deliveries."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.case.calendar import Calendar
from planner.case.made_up.dice import Dice, Row
from planner.case.tables import GPUS, MARKET


@dataclass(frozen=True)
class Sku:
    """A GPU system as the generator knows it.

    `first_month` is the first month of deliveries in a horizon of 60; rates are those of 36-month
    contracts, `market_usd` the on-demand price at the start, all in $ per GPU-hour.
    """

    gpu_id: str
    it_kw: float
    cooling: str
    gpus_per_rack: int
    capex_usd: float
    capex_falls: bool
    performance: float
    life_months: int
    first_month: int
    low_rate: float
    high_rate: float
    market_usd: float

    @property
    def rack_kw(self) -> float:
        """kW of a full rack."""
        return self.it_kw * self.gpus_per_rack

    def gpus_in(self, it_mw: float) -> int:
        """GPUs that fill `it_mw` of critical IT, in whole nodes of 8 or racks of 72, at least one such."""
        block = 72 if self.gpus_per_rack == 72 else 8
        return max(1, int(it_mw * 1000.0 / self.it_kw) // block) * block


# All-in kW, cost and dense BF16 throughput per GPU with network and storage; assumptions within public ranges.
# The first is air-cooled in light racks: it fits every site, so that a case of one SKU and one site has a lease.
_KNOWN = (
    Sku("h100", 1.40, "air", 32, 40_000.0, True, 1.0, 60, 0, 1.9, 2.4, 3.6),
    Sku("h200", 1.40, "air", 32, 44_000.0, True, 1.1, 60, 0, 2.3, 2.8, 4.2),
    Sku("b200", 1.95, "air", 16, 55_000.0, True, 2.25, 60, 0, 3.1, 4.2, 6.2),
    Sku("gb300", 2.10, "liquid", 72, 72_000.0, False, 2.5, 72, 0, 3.5, 4.3, 6.9),
    Sku("vr200", 3.10, "liquid", 72, 125_000.0, False, 4.0, 72, 3, 4.8, 6.7, 10.2),
    Sku("mi355x", 2.10, "liquid", 64, 42_000.0, True, 2.2, 60, 0, 2.6, 3.4, 4.9),
)
_VARIANT_MONTHS = 12
_RESALE = ((0, 0.90), (12, 0.72), (24, 0.54), (36, 0.38), (48, 0.25), (60, 0.15), (72, 0.08))
_CAPEX_FALL_PER_QUARTER = 0.010
_MARKET_FALL_PER_QUARTER = 0.040
_TIERS = ((1, 1.00, 0.015, 0.75), (2, 0.75, 0.030, 0.65))
"""Tier, share of the price, depth as a share of the MW that the sites hold, utilisation."""


def draw_skus(count: int, *, months: int) -> tuple[Sku, ...]:
    """`count` SKUs: the known ones first, then later variants of them, each a generation further on."""
    scale = min(1.0, months / 60.0)
    drawn = []
    for number in range(count):
        sku, generation = _KNOWN[number % len(_KNOWN)], number // len(_KNOWN)
        if generation:
            sku = _variant(sku, generation)
        latest = 3 * int(months * 0.5 / 3)
        drawn.append(replace(sku, first_month=min(latest, 3 * round(sku.first_month * scale / 3))))
    return tuple(drawn)


def _variant(sku: Sku, generation: int) -> Sku:
    """A later product of the same line: more throughput, a higher price, later deliveries.

    kW per GPU stays, so that racks that fitted a site still do.
    """
    dearer = 1.06**generation
    return replace(
        sku,
        gpu_id=f"{sku.gpu_id}_g{generation + 1}",
        capex_usd=round(sku.capex_usd * dearer, -2),
        performance=round(sku.performance * 1.15**generation, 3),
        first_month=sku.first_month + _VARIANT_MONTHS * generation,
        low_rate=round(sku.low_rate * dearer, 2),
        high_rate=round(sku.high_rate * dearer, 2),
        market_usd=round(sku.market_usd * dearer, 2),
    )


def sku_rows(skus: tuple[Sku, ...], dice: Dice, calendar: Calendar) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows of gpus, resale and the capex curves."""
    gpus: list[Row] = []
    resale: list[Row] = []
    curves: list[Row] = []
    for sku in skus:
        row: Row = {
            "gpu_id": sku.gpu_id,
            "it_kw": sku.it_kw,
            "cooling": sku.cooling,
            "rack_kw": round(sku.rack_kw, 1),
            "gpus_per_rack": sku.gpus_per_rack,
            "deposit_fraction": dice.pick((0.1, 0.2, 0.3)),
            "deposit_lead_months": dice.pick((3, 6)),
            "life_months": sku.life_months,
            "upkeep_usd_per_month": round(sku.capex_usd * dice.between(0.0016, 0.0024, 5), 0),
            "performance": sku.performance,
            "order_lead_months": dice.pick((3, 6)),
            "spare_fraction": 0.03,
        }
        if sku.capex_falls:
            row["capex_curve"] = f"capex_{sku.gpu_id}"
            unit = GPUS.column("capex_usd").unit
            curves += _falling(f"capex_{sku.gpu_id}", sku.capex_usd, _CAPEX_FALL_PER_QUARTER, unit, calendar, 0)
        else:
            row["capex_usd"] = sku.capex_usd
        gpus.append(row)
        resale += [
            {"gpu_id": sku.gpu_id, "age_months": age, "value_share": share}
            for age, share in _RESALE
            if age <= sku.life_months
        ]
    return gpus, resale, curves


def market_rows(skus: tuple[Sku, ...], capacity_it_mw: float, calendar: Calendar) -> tuple[list[Row], list[Row]]:
    """Rows of the market and of its price curves: two tiers for each SKU, prices falling each quarter."""
    market: list[Row] = []
    curves: list[Row] = []
    unit = MARKET.column("usd_per_gpu_hour").unit
    for sku in skus:
        for tier, price_share, depth_share, utilisation in _TIERS:
            curve_id = f"market_{sku.gpu_id}_{tier}"
            market.append(
                {
                    "gpu_id": sku.gpu_id,
                    "tier": tier,
                    "price_curve": curve_id,
                    "depth_gpus": float(sku.gpus_in(capacity_it_mw * depth_share)),
                    "utilisation": utilisation,
                }
            )
            curves += _falling(curve_id, sku.market_usd * price_share, _MARKET_FALL_PER_QUARTER, unit, calendar, 3)
    return market, curves


def supply_rows(
    skus: tuple[Sku, ...], capacity_it_mw: float, needs: list[tuple[str, int, int]], calendar: Calendar
) -> list[Row]:
    """Rows of gpu_supply: none before a SKU's first month, then as many each quarter.

    The SKUs together can fill the sites once in the horizon, and no single lease starves:
    `needs` holds (gpu_id, GPUs, start month), served by the quarters up to its start.
    """
    starts = calendar.quarter_starts
    rows: list[Row] = []
    for sku in skus:
        open_quarters = starts[starts >= sku.first_month]
        base = sku.gpus_in(capacity_it_mw / len(skus) / max(1, len(open_quarters)))
        for gpu_id, gpus, start in needs:
            if gpu_id == sku.gpu_id:
                quarters = int(np.count_nonzero(open_quarters <= start))
                base = max(base, -(-int(gpus * 1.05) // quarters))
        limit = -(-base // 8) * 8
        for start in starts:
            supplied = limit if start >= sku.first_month else 0
            rows.append({"gpu_id": sku.gpu_id, "quarter": calendar.written_quarter(start), "max_gpus": supplied})
    return rows


def _falling(curve_id: str, first: float, fall: float, unit: str, calendar: Calendar, digits: int) -> list[Row]:
    return [
        {
            "curve_id": curve_id,
            "month": calendar.written(month),
            "value": round(first * (1.0 - fall) ** quarter, digits),
            "unit": unit,
        }
        for quarter, month in enumerate(calendar.quarter_starts)
    ]
