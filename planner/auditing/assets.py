"""What is owned: each lot of GPUs, halls and plant from its purchase to its sale, with its price, its basis and its
loan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from planner.auditing.book import Book
from planner.auditing.curves import or_zero, price
from planner.auditing.phases import Phase
from planner.auditing.published import Holding, Published, Row


@dataclass(frozen=True)
class Loan:
    """What a loan is drawn on: dollars of capex in a month, and the first month without the asset, by which all is
    repaid."""

    drawn: int
    capex_usd: float
    ends: int


@dataclass(frozen=True)
class Lot:
    """Units of one kind at one site that come and go together.

    `service` is the first month in service (before the start for what is owned already), `gone` the first month without
    them; `paid` the dollars by month, `basis` what is written off from `service` on, `loan` what a loan is drawn on,
    `sold` what the sale brings in the month before `gone`, `cleared` what is sold to make room for it.
    """

    what: str
    site: str
    gpu: str
    units: float
    service: int
    gone: int
    paid: tuple[tuple[int, float], ...]
    basis: float
    loan: Loan | None
    sold: float
    cleared: tuple[tuple[int, float], ...] = ()


def gpu_lots(run: Published) -> Iterator[Lot]:
    """Every lot of GPUs: those of the fleet and those bought, cut by when they are sold."""
    for holding in run.held("own", "base"):
        if not holding.gpu:
            continue
        row = run.row("gpus", gpu_id=holding.gpu)
        fleet = run.row(
            "fleet", site_id=holding.site, gpu_id=holding.gpu, bought=holding.name.rpartition("@")[2]
        ) if holding.kind == "base" else None
        bought = holding.start if fleet is None else run.months.index(fleet["bought"])
        end = bought + int(row["life_months"])
        if run.tail == "none":
            end = min(end, run.months.horizon)
        rest = holding.level if fleet is None else float(fleet["gpus"])
        sales = sorted((sale.start, sale.level) for sale in run.held("retire") if sale.of == holding.name)
        for month, units in sales:
            yield _gpu_lot(run, row, holding, fleet, units, bought, min(month, end))
        rest -= sum(units for _, units in sales)
        if abs(rest) > 1e-9 * holding.level:
            yield _gpu_lot(run, row, holding, fleet, rest, bought, end)


def _gpu_lot(
    run: Published, row: Row, holding: Holding, fleet: Row | None, units: float, bought: int, gone: int
) -> Lot:
    # What the fleet cost is not in the case: its resale is a share of what the SKU costs new at the start.
    cost = or_zero(price(run, row, "capex_usd", "capex_curve")(max(bought, 0)))
    value = cost * resale_share(run, holding.gpu, gone - bought)
    if fleet is not None:
        return Lot(
            "gpu", holding.site, holding.gpu, units, bought, gone, (), units * float(fleet["tax_basis_usd_per_gpu"]),
            None, units * value,
        )
    deposit = float(row["deposit_fraction"])
    ahead = max(bought - int(row["deposit_lead_months"]), 0)
    paid = ((ahead, units * cost * deposit), (bought, units * cost * (1.0 - deposit)))
    return Lot(
        "gpu", holding.site, holding.gpu, units, bought, gone, paid, units * cost, Loan(bought, units * cost, gone),
        units * value,
    )


def resale_share(run: Published, gpu: str, age: int) -> float:
    """Share of its capex that a used GPU fetches: straight between the ages given, constant after the last, nothing
    without rows."""
    points = sorted(
        (int(row["age_months"]), float(row["value_share"])) for row in run.case["resale"] if row["gpu_id"] == gpu
    )
    if not points:
        return 0.0
    for (age_a, share_a), (age_b, share_b) in pairwise(points):
        if age_a <= age <= age_b:
            return share_a + (share_b - share_a) * (age - age_a) / (age_b - age_a)
    return points[0][1] if age < points[0][0] else points[-1][1]


def hall_lots(run: Published) -> Iterator[Lot]:
    """Every lot of halls, cut by when they are given up."""
    for holding in run.held("shell"):
        site = run.row("sites", site_id=holding.site)
        kind = holding.tail_of_name.partition("@")[0]
        end = min(holding.end, run.months.horizon) if run.tail == "none" else holding.end
        given_up = sorted((close.start, close.level) for close in run.held("close") if close.of == holding.name)
        for month, units in given_up:
            yield _hall_lot(run, site, holding, kind, units, min(month, end))
        rest = holding.level - sum(units for _, units in given_up)
        if abs(rest) > 1e-9 * holding.level:
            yield _hall_lot(run, site, holding, kind, rest, end)


def _hall_lot(run: Published, site: Row, holding: Holding, kind: str, units: float, gone: int) -> Lot:
    per_kw, lead = 0.0, 0
    if kind == "new":
        per_kw, lead = or_zero(site["shell_capex_usd_per_kw"]), int(site["build_lead_months"])
    elif kind == "conversion":
        per_kw, lead = or_zero(site["conversion_capex_usd_per_kw"]), int(site["conversion_lead_months"])
    cost = 1000.0 * per_kw * units
    paid = spread(cost, holding.start, lead)
    residual = cost * float(site["shell_residual"])
    cleared = ((holding.start - lead, units * _miners_usd_per_mw(run, holding.site)),) if kind == "conversion" else ()
    return Lot(
        "shell", holding.site, kind, units, holding.start, gone, paid, cost, Loan(holding.start, cost, gone), residual,
        cleared,
    )


def _miners_usd_per_mw(run: Published, site: str) -> float:
    """What the miners of a MW of critical IT fetch when its conversion begins; their MW are those of the site's first
    power."""
    return 1000.0 * float(run.row("mining", site_id=site)["resale_usd_per_kw"]) * utility_mw_per_it_mw(run, site)


def utility_mw_per_it_mw(run: Published, site: str) -> float:
    """MW of contracted power for a MW of critical IT in a hall that mines: that of the first phase energised at its
    site."""
    rows = [Phase(run, row, 0.0, ()) for row in run.case["power"] if row["site_id"] == site]
    feeding = [phase for phase in rows if not phase.stands_behind]
    return float(min(feeding, key=lambda phase: phase.energised).row["mw_per_it_mw"])


def plant_lots(powered: dict[str, Phase]) -> Iterator[Lot]:
    """What each phase contracted in the plan costs at once: plant owned, connection charges; cut by when MW are ended
    early.

    Where a part was contracted before the case it is not known which MW are ended, so the write-off of all runs to the
    end.
    """
    for phase in powered.values():
        new = phase.new_mw
        capex_per_mw = 1000.0 * float(phase.row["capex_usd_per_kw"]) * phase.plant_per_mw
        per_mw = capex_per_mw + 1000.0 * float(phase.row["upfront_usd_per_kw"])
        if new <= 0 or not per_mw:
            continue
        parts = [] if phase.committed_mw > 0 else list(phase.ended)
        for gone, mw in [*parts, (phase.end, new - sum(mw for _, mw in parts))]:
            cost = mw * per_mw
            loan = Loan(phase.due, mw * capex_per_mw, phase.end)
            yield Lot(
                "power", phase.site, phase.name, mw, phase.new_from, gone, spread(cost, phase.due, phase.lead), cost,
                loan, 0.0,
            )


def spread(cost: float, service: int, lead: int) -> tuple[tuple[int, float], ...]:
    """A cost in equal parts over the months before service; at once in its month where there is no lead."""
    if lead <= 0:
        return ((service, cost),)
    return tuple((month, cost / lead) for month in range(service - lead, service))


def post_lot(book: Book, lot: Lot) -> None:
    """What a lot costs and what its sale brings."""
    for month, usd in lot.paid:
        book.post(lot.site, "capex", month, -usd)
    for month, usd in (*lot.cleared, (lot.gone - 1, lot.sold)):
        book.post(lot.site, "resale", month, usd)
