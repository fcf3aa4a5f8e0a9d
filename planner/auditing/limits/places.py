"""Limits of a site: halls in service, what stands in them, what can be built, converted and mined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.auditing.assets import Lot, utility_mw_per_it_mw
from planner.auditing.books import Books
from planner.auditing.limits.check import Check
from planner.auditing.published import Published, Row


def place_checks(run: Published, books: Books) -> Iterator[Check]:
    """Every limit of every site."""
    halls = [lot for lot in books.lots if lot.what == "shell"]
    yield from _halls(run, books, halls)
    for site in run.case["sites"]:
        here = [lot for lot in halls if lot.site == site["site_id"]]
        yield from _built(run, site, here)
        yield from _converted(run, books, str(site["site_id"]), here)
    yield from _racks(run, books)
    yield from _opened(run, books)


def _halls(run: Published, books: Books, halls: list[Lot]) -> Iterator[Check]:
    """Owned GPUs and hosted MW stand in halls in service; what is cooled by liquid in those that can."""
    room: defaultdict[tuple[str, int], float] = defaultdict(float)
    filled: defaultdict[tuple[str, int], float] = defaultdict(float)
    liquid: defaultdict[tuple[str, int], float] = defaultdict(float)
    for lot in halls:
        for month in range(max(lot.service, 0), lot.gone):
            room[lot.site, month] += lot.units
    for lot in books.lots:
        if lot.what == "gpu":
            row = run.row("gpus", gpu_id=lot.gpu)
            mw = lot.units * float(row["it_kw"]) / 1000.0
            for month in range(max(lot.service, 0), lot.gone):
                filled[lot.site, month] += mw
                if row["cooling"] == "liquid":
                    liquid[lot.site, month] += mw
    for use in books.uses:
        if use.holding.kind == "host":
            filled[use.holding.site, use.month] += use.it_mw
    for site, month in sorted(filled):
        yield Check("halls", site, month, filled[site, month], room[site, month])
    most = {str(row["site_id"]): row["liquid_cooled_it_mw"] for row in run.case["sites"]}
    for site, month in sorted(liquid):
        if most[site] is not None:
            yield Check("liquid cooling", site, month, liquid[site, month], float(most[site]))


def _built(run: Published, site: Row, halls: list[Lot]) -> Iterator[Check]:
    name = str(site["site_id"])
    yield Check("site", name, None, sum(lot.units for lot in halls), float(site["critical_it_mw"]))
    standing = sum(lot.units for lot in halls if lot.gpu == "existing")
    yield Check("standing halls", name, None, standing, float(site["existing_it_mw"]))
    new = [lot for lot in halls if lot.gpu == "new"]
    ready = run.months.index(str(site["ready_month"])) if site["ready_month"] else 0
    earliest = max(ready, int(site["build_lead_months"]))
    for lot in new:
        yield Check("lead of new halls", name, lot.service, lot.service, earliest, least=True)
    if site["build_mw_per_quarter"] is not None:
        by_quarter: defaultdict[int, float] = defaultdict(float)
        for lot in new:
            by_quarter[run.months.quarter_start(lot.service)] += lot.units
        for quarter, mw in sorted(by_quarter.items()):
            yield Check("pace of building", name, quarter, mw, float(site["build_mw_per_quarter"]))


def _converted(run: Published, books: Books, site: str, halls: list[Lot]) -> Iterator[Check]:
    """Mining halls: what may be converted, and what goes on mining beside it."""
    mining = next((row for row in run.case["mining"] if row["site_id"] == site), None)
    if mining is None:
        return
    converted = [lot for lot in halls if lot.gpu == "conversion"]
    ratio = utility_mw_per_it_mw(run, site) if converted else 1.0
    lead = int(run.row("sites", site_id=site)["conversion_lead_months"])
    if converted:
        yield Check(
            "convertible halls", site, None, sum(lot.units for lot in converted) * ratio,
            float(mining["convertible_fraction"]) * float(mining["utility_mw"]),
        )
        earliest = (max(run.months.index(mining["earliest_stop"]), 0) if mining["earliest_stop"] else 0) + lead
        for lot in converted:
            yield Check("lead of converted halls", site, lot.service, lot.service, earliest, least=True)
    running: defaultdict[int, float] = defaultdict(float)
    for use in books.uses:
        if use.holding.kind == "mine" and use.holding.site == site:
            running[use.month] += use.contracted_mw
    for month, mw in sorted(running.items()):
        stopped = sum(lot.units * ratio for lot in converted if lot.service - lead <= month)
        yield Check("mining load", site, month, mw + stopped, float(mining["utility_mw"]))


def _racks(run: Published, books: Books) -> Iterator[Check]:
    seen = {(lot.site, lot.gpu) for lot in books.lots if lot.what == "gpu"}
    for site, gpu in sorted(seen):
        most, row = run.row("sites", site_id=site)["max_rack_kw"], run.row("gpus", gpu_id=gpu)
        rack = row["rack_kw"]
        if rack is None and row["gpus_per_rack"] is not None:
            rack = float(row["it_kw"]) * int(row["gpus_per_rack"])
        if most is not None and rack is not None:
            yield Check("rack power", f"{gpu} at {site}", None, float(rack), float(most))


def _opened(run: Published, books: Books) -> Iterator[Check]:
    """A site that costs something to open is open where anything is put on it or contracted for it."""
    opened = {holding.site: holding.level for holding in run.held("open")}
    for site in run.case["sites"]:
        name = str(site["site_id"])
        if float(site["opening_cost_usd"]) > 0:
            used = (
                any(lot.site == name and lot.what == "shell" for lot in books.lots)
                or any(phase.site == name and phase.contracted_mw > 0 for phase in books.phases.values())
            )
            if used:
                yield Check("opened site", name, None, opened.get(name, 0.0), 1.0, least=True)
