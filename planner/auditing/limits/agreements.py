"""Limits of leases: how much, where, when, on what power and at which rates each may be served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.auditing.books import Books
from planner.auditing.limits.check import Check
from planner.auditing.published import Holding, Published, Row
from planner.auditing.units import units_of
from planner.auditing.usage import AtWork, promised_month, tranche_of


def agreement_checks(run: Published, books: Books) -> Iterator[Check]:
    """Every limit of every lease."""
    for lease in run.case["leases"]:
        served = [holding for holding in run.held("serve", "host") if holding.lease == lease["lease_id"]]
        yield from _size(run, lease, served)
        if served:
            yield from _tranches(run, lease, served)
            yield from _tiers(run, lease, served)
            yield from _places(run, lease, served)
            yield from _dates(run, lease, served)
            yield from _fabric(run, lease, served)
    yield from _powered_to_the_end(run, books)
    yield from _next_terms(run)


def _size(run: Published, lease: Row, served: list[Holding]) -> Iterator[Check]:
    name, units = str(lease["lease_id"]), sum(units_of(run, holding) for holding in served)
    delivered = _share_delivered(run, lease)
    most, least = delivered * float(lease["max_size"]), delivered * float(lease["min_size"])
    if served:
        yield Check("size of a lease", name, None, units, most)
        yield Check("least size of a lease", name, None, units, most if lease["all_or_nothing"] else least, least=True)
    if lease["committed"]:
        yield Check("committed lease", name, None, units, most if lease["all_or_nothing"] else least, least=True)


def _delivered(run: Published, lease: Row) -> list[Row]:
    """Tranches of a lease of which some month lies in the case and whose terms begin by the horizon."""
    start, term = run.months.index(lease["start"]), int(lease["term_months"])
    due = {
        str(row["tranche"]): start + int(row["starts_after_months"]) for row in run.case["lease_tranches"]
        if row["lease_id"] == lease["lease_id"]
    }
    return [
        row for row in run.case["lease_tranches"]
        if row["lease_id"] == lease["lease_id"] and -term < due[str(row["tranche"])] < run.months.horizon
    ]


def _share_delivered(run: Published, lease: Row) -> float:
    """Share of a lease's sizes that its tranches within the case bring; all of a lease that comes at once."""
    parted = any(row["lease_id"] == lease["lease_id"] for row in run.case["lease_tranches"])
    return sum(float(row["size_share"]) for row in _delivered(run, lease)) if parted else 1.0


def _tranches(run: Published, lease: Row, served: list[Holding]) -> Iterator[Check]:
    """Every tranche is delivered at the same size of the whole lease."""
    sizes = {
        str(row["tranche"]): sum(units_of(run, holding) for holding in served if holding.tranche == row["tranche"])
        / float(row["size_share"])
        for row in _delivered(run, lease)
    }
    for name, whole in sizes.items():
        yield Check("tranche of a lease", f"{lease['lease_id']} {name}", None, whole, min(sizes.values()))


def _tiers(run: Published, lease: Row, served: list[Holding]) -> Iterator[Check]:
    by_tier: defaultdict[tuple[str, int], float] = defaultdict(float)
    for holding in served:
        if holding.gpu:
            by_tier[holding.gpu, holding.tier] += units_of(run, holding)
    for (gpu, tier), units in sorted(by_tier.items()):
        most = run.row("lease_rates", lease_id=lease["lease_id"], gpu_id=gpu, tier=tier)["max_units"]
        if most is not None:
            yield Check("units at a rate", f"{lease['lease_id']} {gpu} tier {tier}", None, units, float(most))


def _places(run: Published, lease: Row, served: list[Holding]) -> Iterator[Check]:
    """Sites and regions that the lease allows, and the least that it takes on any one site."""
    name = str(lease["lease_id"])
    sites, regions = _names(lease["sites"]), _names(lease["regions"])
    by_site: defaultdict[str, float] = defaultdict(float)
    for holding in served:
        by_site[holding.site] += units_of(run, holding)
    for site, units in sorted(by_site.items()):
        link = next((row for row in run.case["links"] if row["site_id"] == site and row["lease_id"] == name), None)
        allowed = (
            (not sites or site in sites) and (not regions or str(run.row("sites", site_id=site)["region"]) in regions)
            and (link is None or bool(link["allowed"]))
        )
        yield Check("allowed site", f"{name} at {site}", None, 0.0 if allowed else units, 0.0)
        if lease["min_block"]:
            yield Check("least block", f"{name} at {site}", None, units, float(lease["min_block"]), least=True)


def _dates(run: Published, lease: Row, served: list[Holding]) -> Iterator[Check]:
    """It begins on its date or within its grace; the months of a calendar lease end on their date."""
    term = int(lease["term_months"])
    for holding in served:
        promised, tranche = promised_month(run, holding), tranche_of(run, holding)
        own = None if tranche is None else tranche["late_grace_months"]
        grace = int((lease["late_grace_months"] if own is None else own) or 0)
        late = holding.start - max(promised, 0)
        yield Check("start of a lease", holding.name, holding.start, late, 0.0, least=True)
        yield Check("grace of a lease", holding.name, holding.start, late, float(grace))
        end = promised + term + (late if lease["term_from"] == "delivery" else 0)
        if run.tail == "none":
            end = min(end, run.months.horizon)
        yield Check("term of a lease", holding.name, holding.start, abs(holding.end - end), 0.0)


def _fabric(run: Published, lease: Row, served: list[Holding]) -> Iterator[Check]:
    """One fabric is one site, or the campuses of a group whose fibre is built."""
    if not lease["single_fabric"]:
        return
    name = str(lease["lease_id"])
    sites = sorted({holding.site for holding in served})
    if len(sites) > 1:
        groups = {str(run.row("sites", site_id=site)["fabric_group"]) for site in sites}
        built = {holding.name.partition(":")[2] for holding in run.held("fabric")}
        linked = len(groups) == 1 and bool(groups & built)
        yield Check("one fabric", name, None, 1.0 if linked else float(len(sites)), 1.0)
    for site in sites:
        most = run.row("sites", site_id=site)["max_cluster_gpus"]
        if most is not None:
            gpus = sum(holding.level for holding in served if holding.site == site)
            yield Check("largest cluster", f"{name} at {site}", None, gpus, float(most))


def _powered_to_the_end(run: Published, books: Books) -> Iterator[Check]:
    """What is placed has power in each of its months, no dirtier than its lease accepts."""
    for use in books.uses:
        holding = use.holding
        yield Check(
            "power on its dates", holding.name, use.month, 0.0 if use.phase.delivered(use.month) else use.units, 0.0
        )
        most = run.row("leases", lease_id=holding.lease)["max_co2_kg_per_mwh"] if holding.lease else None
        if most is not None:
            yield Check(
                "CO2 of its power", holding.name, use.month, float(use.phase.row["co2_kg_per_mwh"]), float(most)
            )
        if holding.lease and use.may_be_curtailed:
            yield from _curtailed(run.row("leases", lease_id=holding.lease), use)


def _curtailed(lease: Row, use: AtWork) -> Iterator[Check]:
    """A lease on power that may be curtailed accepts its hours, with the warning that the utility gives."""
    hours, warning = "curtailed_hours_per_year", "curtailment_notice_hours"
    yield Check(
        "hours of curtailment", use.holding.name, use.month, float(use.phase.row[hours]),
        float(lease["curtailable_hours_per_year"]),
    )
    yield Check(
        "warning of curtailment", use.holding.name, use.month, float(use.phase.row[warning]), float(lease[warning]),
        least=True,
    )


def _next_terms(run: Published) -> Iterator[Check]:
    """A next term follows the first of the same GPUs, for as long as its lease says."""
    first = {holding.name: holding for holding in run.held("serve", "host")}
    taken: defaultdict[str, float] = defaultdict(float)
    for holding in run.held("renew"):
        taken[holding.of] += holding.level
        before = first.get(holding.of)
        yield Check(
            "next term", holding.name, holding.start,
            0.0 if before is not None and before.end == holding.start else 1.0, 0.0,
        )
        term = int(run.row("leases", lease_id=holding.lease)["renewal_term_months"])
        yield Check("length of a next term", holding.name, holding.start, holding.end - holding.start, float(term))
    for name, units in sorted(taken.items()):
        yield Check("units of a next term", name, None, units, first[name].level if name in first else 0.0)


def _names(written: object) -> set[str]:
    return {name.strip() for name in str(written or "").split(";") if name.strip()}
