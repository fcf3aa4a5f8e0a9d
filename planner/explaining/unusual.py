"""What is unusual in a case though not wrong: what its tables show, and the leases and sites that its limits keep
apart."""

from __future__ import annotations

from collections.abc import Iterator

from planner.candidates.outlook import make_outlook
from planner.candidates.refusals.stops import figure
from planner.candidates.refusals.told import remedy, sites_told, why_stopped
from planner.candidates.refusals.what_stops import Refusal, WhatStops
from planner.case.case import Case
from planner.case.edits import file_of
from planner.case.oddities import oddities
from planner.case.reading.frames import FIRST_ROW
from planner.case.unusual.oddity import Oddity


def unusual(case: Case) -> list[Oddity]:
    """Everything unusual about a case: leases that cannot be served, or late alone, then sites that no lease reaches,
    then the rest."""
    ask = WhatStops(make_outlook(case))
    return [*_leases(case, ask), *_sites(case, ask), *oddities(case)]


def _leases(case: Case, ask: WhatStops) -> Iterator[Oddity]:
    """Leases that no plan can serve at their least size, that can only begin late, or that no single site can hold."""
    for line, lease_id in enumerate(ask.leases):
        if lease_id not in ask.windows:
            continue  # its dates alone are told by the tables
        found = ask.refusal(lease_id)
        said = _stopped(ask, found) if found.stopped else _late(ask, found) or _spread(ask, found)
        if said is not None:
            yield Oddity(file_of(case, "leases"), line + FIRST_ROW, *said)


def _stopped(ask: WhatStops, found: Refusal) -> tuple[str, str, str]:
    size = f" at its least size of {figure(found.least, found.unit)}" if found.least > 0.0 else ""
    lease = ask.leases[found.lease_id]
    why = "no plan can serve it"
    if lease["committed"]:
        why = (
            "it is committed, so the case has no plan" if found.least > 0.0
            else "it is committed, but nothing of it must be served"
        )
    return (
        f"lease {found.lease_id} cannot be served{size}: {why_stopped(found)}", why,
        remedy(found) or "give a site what it lacks, make the lease smaller, or remove it"
    )


def _late(ask: WhatStops, found: Refusal) -> tuple[str, str, str] | None:
    if found.begins is None or found.begins <= max(found.due, 0):
        return None
    written = ask.outlook.calendar.written
    on_time = WhatStops(
        make_outlook(ask.without_grace(found.lease_id), base=ask.outlook.base, tail=ask.outlook.tail)
    ).refusal(found.lease_id)
    what = (
        f"lease {found.lease_id} cannot begin in {written(found.due)}, only from {written(found.begins)}, within its "
        f"grace: {why_stopped(on_time)}"
    )
    return what, "a plan can only begin it late", remedy(on_time) or "check its start and what it waits for"


def _spread(ask: WhatStops, found: Refusal) -> tuple[str, str, str] | None:
    best = max(found.places, key=lambda place: place.units, default=None)
    if best is None or ask.leases[found.lease_id]["single_fabric"] or best.units >= found.least * (1.0 - 1e-6):
        return None
    what = (
        f"lease {found.lease_id} fits on no single site: it needs {figure(found.least, found.unit)}, {best.site_id} "
        f"can hold {figure(best.units, found.unit)}"
    )
    return (
        what, "it must be spread over several, which together can hold it",
        "nothing, if it may stand on several sites; else give one of them what it lacks"
    )


def _sites(case: Case, ask: WhatStops) -> Iterator[Oddity]:
    """Sites on which no lease may stand, by regions, sites, links, or the cooling and racks of the SKUs that it
    accepts."""
    if not ask.leases:
        return
    for line, site_id in enumerate(ask.sites):
        kept = [(lease_id, ask.barred(lease_id, site_id)) for lease_id in ask.leases]
        if all(stops for _, stops in kept):
            yield Oddity(
                file_of(case, "sites"), line + FIRST_ROW, f"no lease can stand on site {site_id}: {sites_told(kept)}",
                "it can live on the market alone", "check what keeps them away, if leases are meant to come there",
            )
