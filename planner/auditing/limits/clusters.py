"""Limits of GPUs: owned before they work, delivered when they can be, on demand within what the market takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.auditing.books import Books
from planner.auditing.limits.check import Check
from planner.auditing.published import Holding, Published, Row
from planner.auditing.units import gpus_per_unit, units_of


def cluster_checks(run: Published, books: Books) -> Iterator[Check]:
    """Every limit of every SKU."""
    yield from _owned(run, books)
    yield from _delivered(run)
    yield from _on_demand(run, books)
    yield from _sold_once(run)
    yield from _placed(run)


def _owned(run: Published, books: Books) -> Iterator[Check]:
    """GPUs at work are owned; spares never work."""
    owned: defaultdict[tuple[str, str, int], float] = defaultdict(float)
    working: defaultdict[tuple[str, str, int], float] = defaultdict(float)
    for lot in books.lots:
        if lot.what == "gpu":
            spare = float(run.row("gpus", gpu_id=lot.gpu)["spare_fraction"])
            for month in range(max(lot.service, 0), lot.gone):
                owned[lot.site, lot.gpu, month] += lot.units * (1.0 - spare)
    for use in books.uses:
        if use.holding.gpu:
            working[use.holding.site, use.holding.gpu, use.month] += use.units
    for site, gpu, month in sorted(working):
        yield Check("GPUs owned", f"{gpu} at {site}", month, working[site, gpu, month], owned[site, gpu, month])


def _delivered(run: Published) -> Iterator[Check]:
    by_quarter: defaultdict[tuple[str, int], float] = defaultdict(float)
    for holding in run.held("own"):
        lead = int(run.row("gpus", gpu_id=holding.gpu)["order_lead_months"])
        yield Check("lead of GPUs", holding.name, holding.start, holding.start, lead, least=True)
        by_quarter[holding.gpu, run.months.quarter_start(holding.start)] += holding.level
    for row in run.case["gpu_supply"]:
        quarter = run.months.index(row["quarter"])
        if (row["gpu_id"], quarter) in by_quarter:
            yield Check(
                "supply of GPUs", str(row["gpu_id"]), quarter, by_quarter[row["gpu_id"], quarter],
                float(row["max_gpus"]),
            )


def _on_demand(run: Published, books: Books) -> Iterator[Check]:
    let: defaultdict[tuple[str, int, int], float] = defaultdict(float)
    for use in books.uses:
        if use.holding.kind == "sell":
            let[use.holding.gpu, use.holding.tier, use.month] += use.units
    for (gpu, tier, month), units in sorted(let.items()):
        depth = run.row("market", gpu_id=gpu, tier=tier)["depth_gpus"]
        if depth is not None:
            yield Check("depth of the market", f"{gpu} tier {tier}", month, units, float(depth))
        yield Check("on demand within the horizon", f"{gpu} tier {tier}", month, month, run.months.horizon - 1)


def _sold_once(run: Published) -> Iterator[Check]:
    """No more is sold, given up or ended than was bought, built or contracted."""
    gone: defaultdict[str, float] = defaultdict(float)
    for holding in run.held("retire", "close"):
        gone[holding.of] += holding.level
    had = {holding.name: holding.level for holding in run.held("own", "base", "shell")}
    for row in run.case["fleet"]:
        name = f"{row['gpu_id']} at {row['site_id']} of {row['bought']}"
        kept = [
            holding for holding in run.held("base")
            if (
                holding.site, holding.gpu, holding.name.rpartition("@")[2]
            ) == (row["site_id"], row["gpu_id"], row["bought"])
        ]
        yield Check(
            "fleet as it is", name, None, sum(holding.level for holding in kept), float(row["gpus"]), least=True
        )
        had |= {holding.name: float(row["gpus"]) for holding in kept}
    for name, units in sorted(gone.items()):
        yield Check("sold once", name, None, units, had.get(name, 0.0))


def _placed(run: Published) -> Iterator[Check]:
    """GPUs of the fleet that serve a lease at the start serve it, up to its size."""
    asked: defaultdict[str, float] = defaultdict(float)
    for row in run.case["fleet"]:
        lease = next((each for each in run.case["leases"] if each["lease_id"] == row["lease_id"]), None)
        if lease is not None and run.months.index(lease["start"]) <= 0:
            spare = float(run.row("gpus", gpu_id=row["gpu_id"])["spare_fraction"])
            placed = Holding(
                "", "serve", 0.0, row["site_id"], row["gpu_id"], row["lease_id"], "", "", False,
                _first_tier(run, row), 0, 0, "", "",
            )
            asked[row["lease_id"]] += float(row["gpus"]) * (1.0 - spare) / gpus_per_unit(run, placed)
    for lease_id, units in sorted(asked.items()):
        lease = run.row("leases", lease_id=lease_id)
        begun = [row for row in run.case["lease_tranches"] if row["lease_id"] == lease_id]
        most = float(lease["max_size"]) * (
            sum(
                float(row["size_share"]) for row in begun
                if run.months.index(lease["start"]) + int(row["starts_after_months"]) <= 0
            ) if begun else 1.0
        )
        serving = sum(
            units_of(run, holding) for holding in run.held("serve") if holding.lease == lease_id and holding.start <= 0
        )
        yield Check("fleet at work", lease_id, None, serving, min(units, most), least=True)


def _first_tier(run: Published, row: Row) -> int:
    return min(
        (
            int(rate["tier"]) for rate in run.case["lease_rates"]
            if (rate["lease_id"], rate["gpu_id"]) == (row["lease_id"], row["gpu_id"])
        ),
        default=1,
    )
