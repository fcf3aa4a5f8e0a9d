"""GPUs that stand idle although they are powered and the market would take them: what a plan that is proven best leaves
there is nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.auditing.books import Books
from planner.auditing.curves import or_zero, price
from planner.auditing.energy import mwh, usd_per_mwh
from planner.auditing.limits.check import Check
from planner.auditing.phases import Phase
from planner.auditing.published import Holding, Published, Row
from planner.auditing.usage import AtWork, backed_mw, mw_by_part

STEPS = 1e-6
"""Share of a plan's worth that its steps may leave: on-demand levels change at steps and at the ends of power and life
alone."""


def idle_checks(run: Published, books: Books) -> Iterator[Check]:
    """Worth of on-demand income that the published plan leaves, against what its gap and its steps explain."""
    if run.proven:
        allowed = (run.gap_asked + STEPS) * abs(float(run.summary["npv_usd"]))
        yield Check("GPUs left idle", "$ of NPV on demand", None, _left(run, books), allowed)


def _left(run: Published, books: Books) -> float:
    """Discounted after-tax dollars of on-demand hours that GPUs owned, power contracted and the market's depth had room
    for."""
    idle = _idle(run, books)
    used, backed = mw_by_part(books.uses), backed_mw(run)
    power = {
        (name, month, curtailed): share * phase.standing_mw(month) - used[name, month, curtailed]
        + (-backed[name, month] if curtailed else backed[name, month])
        for name, phase in books.phases.items() if not phase.stands_behind
        for month in range(run.months.horizon) if phase.delivered(month)
        for curtailed, share in phase.parts(month).items()
    }
    depth = _depth(run, books)
    found = 0.0
    for (site, gpu, month), units in sorted(idle.items()):
        for tier in sorted(
            (row for row in run.case["market"] if row["gpu_id"] == gpu), key=lambda row: int(row["tier"])
        ):
            for phase, curtailed in (
                (each, part) for each in books.phases.values() for part in (False, True)
                if each.site == site and power.get((each.name, month, part), 0.0) > 0
            ):
                earned, mw = _margin(run, site, gpu, tier, phase, month, curtailed)
                more = min(units, depth[gpu, int(tier["tier"]), month], power[phase.name, month, curtailed] / mw)
                if earned > 0 and more > 0:
                    units -= more
                    depth[gpu, int(tier["tier"]), month] -= more
                    power[phase.name, month, curtailed] -= more * mw
                    found += more * earned * run.months.factor(
                        month, run.settings.discount_rate
                    ) * (1.0 - run.settings.tax_rate)
    return found


def _idle(run: Published, books: Books) -> dict[tuple[str, str, int], float]:
    found: defaultdict[tuple[str, str, int], float] = defaultdict(float)
    for lot in books.lots:
        if lot.what == "gpu":
            working = 1.0 - float(run.row("gpus", gpu_id=lot.gpu)["spare_fraction"])
            for month in range(max(lot.service, 0), min(lot.gone, run.months.horizon)):
                found[lot.site, lot.gpu, month] += lot.units * working
    for use in books.uses:
        if use.holding.gpu and use.month < run.months.horizon:
            found[use.holding.site, use.holding.gpu, use.month] -= use.units
    return {place: units for place, units in found.items() if units > 0}


def _depth(run: Published, books: Books) -> dict[tuple[str, int, int], float]:
    found: dict[tuple[str, int, int], float] = {}
    for row in run.case["market"]:
        most = float("inf") if row["depth_gpus"] is None else float(row["depth_gpus"])
        found |= {(row["gpu_id"], int(row["tier"]), month): most for month in range(run.months.horizon)}
    for use in books.uses:
        if use.holding.kind == "sell":
            found[use.holding.gpu, use.holding.tier, use.month] -= use.units
    return found


def _margin(
    run: Published, site: str, gpu: str, tier: Row, phase: Phase, month: int, curtailed: bool
) -> tuple[float, float]:
    """Dollars before tax that one more GPU on demand brings in a month, and the contracted MW that it takes."""
    it_mw = float(run.row("gpus", gpu_id=gpu)["it_kw"]) / 1000.0
    mw = it_mw * float(phase.row["mw_per_it_mw"])
    one = AtWork(
        Holding(
            "", "sell", 1.0, site, gpu, "", phase.name, "", curtailed, int(tier["tier"]), month, month + 1, "", "GPU"
        ), month, 1.0, it_mw, mw, phase,
    )
    income = or_zero(
        price(run, tier, "usd_per_gpu_hour", "price_curve")(month)
    ) * float(tier["utilisation"]) * run.months.hours(month) * one.served
    on_use = (1.0 - float(phase.row["take_or_pay"])) * phase.fee_usd_per_mw(month) + 1000.0 * float(
        phase.row["demand_charge_usd_per_kw_month"]
    )
    return income - mwh(run, one) * max(usd_per_mwh(one, lease=False), 0.0) - on_use * mw, mw
