"""Which SKUs fit which sites, when they can be delivered, and what they fetch when they are old."""

from __future__ import annotations

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.columns import Columns
from planner.candidates.outlook import Outlook


def fits(outlook: Outlook) -> Columns:
    """All pairs of site and SKU, with what keeps them apart: columns site, gpu, rack (kW of a full rack), too_heavy,
    too_hot."""
    sites, gpus = outlook.tables["sites"], outlook.tables["gpus"]
    pairs = Columns(site=np.arange(len(sites))).with_each(gpu=np.arange(len(gpus)))
    stated, usual = gpus.floats("rack_kw"), gpus.floats("it_kw") * gpus.floats("gpus_per_rack")
    rack = np.where(np.isnan(stated), usual, stated)[pairs["gpu"]]
    too_hot = (gpus.texts("cooling") == "liquid")[pairs["gpu"]] & (
        sites.floats("liquid_cooled_it_mw") == 0.0
    )[pairs["site"]]
    return pairs.having(rack=rack, too_heavy=rack > sites.floats("max_rack_kw")[pairs["site"]], too_hot=too_hot)


def places(outlook: Outlook) -> Columns:
    """Pairs of site and SKU that fit, columns site and gpu: racks within the site's limit, liquid cooling where the SKU
    needs it."""
    pairs = fits(outlook)
    return pairs.take(~(pairs["too_heavy"] | pairs["too_hot"])).only("site", "gpu")


def deliveries(outlook: Outlook, ordered: Columns) -> Columns:
    """Months in which GPUs can be delivered, one row for each row of `ordered` (a SKU, or one at a site, column gpu)
    and month.

    Columns as `ordered` with month and supply, the most of the SKU over all sites in the quarter (NaN where there is no
    limit).
    """
    pairs = ordered.with_each(month=outlook.steps)
    pairs = pairs.take(pairs["month"] >= outlook.tables["gpus"].ints("order_lead_months")[pairs["gpu"]])
    pairs = pairs.having(supply=supply_limits(outlook, pairs["gpu"], pairs["month"]))
    return pairs.take(~(pairs["supply"] <= 0.0))


def supply_limits(outlook: Outlook, gpu: Ints, month: Ints) -> Floats:
    """Deliveries of the SKU in the quarter of each delivery; NaN where there is no limit."""
    supply, calendar = outlook.tables["gpu_supply"], outlook.calendar
    quarter = np.array([calendar.quarter_index(written) for written in supply.texts("quarter")], dtype=np.int64)
    limits = dict(
        zip(
            zip(supply.rows_of("gpu_id").tolist(), quarter.tolist(), strict=True), supply.floats("max_gpus").tolist(),
            strict=True,
        )
    )
    asked = zip(gpu.tolist(), calendar.quarter_of(month).tolist(), strict=True)
    return np.array([limits.get(key, np.nan) for key in asked], dtype=np.float64)


def resale_share(outlook: Outlook, gpu: Ints, age: Ints) -> Floats:
    """Share of its capex that a GPU of some age fetches: linear between rows, constant after, nothing without rows."""
    table = outlook.tables["resale"]
    of, ages, values = table.rows_of("gpu_id"), table.floats("age_months"), table.floats("value_share")
    shares = np.zeros(len(age))
    for one in np.unique(gpu).tolist():
        rows = np.flatnonzero(of == one)
        rows = rows[np.argsort(ages[rows])]
        if len(rows):
            here = gpu == one
            shares[here] = np.interp(age[here], ages[rows], values[rows])
    return shares


def capex_usd(outlook: Outlook) -> Floats:
    """Price of a GPU of each SKU by month of delivery, shape (SKUs, M)."""
    prices = [outlook.by_month(row, "capex_usd", "capex_curve") for row in outlook.tables["gpus"].records]
    assert all(price is not None for price in prices), "the reader refuses a SKU without a price"
    return np.array(prices, dtype=np.float64).reshape(len(prices), outlook.months)
