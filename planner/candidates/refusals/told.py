"""What stops a lease, in sentences: limits for all sites first, then site by site, sites with the same limits
together."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from planner.candidates.refusals.stops import Stop, StopKind, in_brief, together
from planner.candidates.refusals.what_stops import Place, Refusal

SITES_NAMED, GROUPS_SHOWN, SENTENCES = 3, 4, 2


MOST_EDITS = 4
"""Changes of the case that are still a remedy."""


def why_stopped(refusal: Refusal) -> str:
    """Why a lease cannot be served, in one sentence; blank where it can."""
    if not refusal.stopped:
        return ""
    return "; ".join([*(str(stop) for stop in refusal.before), *_groups(refusal.places)])


def nearest(refusal: Refusal) -> Place | None:
    """The site that the fewest limits keep the lease from, if lifting them would let it stand there."""
    able = [place for place in refusal.places if place.stops and all(stop.edits for stop in place.stops)]
    return min(able, key=lambda place: len(place.stops), default=None)


def edits_of(refusal: Refusal, place: Place) -> tuple[str, ...]:
    """Changes of the case that let a lease stand at a place, in the order in which they are made."""
    return tuple(dict.fromkeys(edit for stop in (*refusal.before, *place.stops) for edit in stop.edits))


def remedy(refusal: Refusal, *, own: bool = True) -> str:
    """What would let the lease stand, as `--set` takes it; blank where nothing in the case can be changed for it, or
    all too much.

    own: the lease stands in the case, so that its own rows can be changed.
    """
    if not refusal.stopped:
        return ""
    place = nearest(refusal)
    if place is None and not (refusal.before and all(stop.edits for stop in refusal.before) and not refusal.places):
        return ""
    edits = (
        edits_of(refusal, place) if place is not None else tuple(edit for stop in refusal.before for edit in stop.edits)
    )
    if len(edits) > MOST_EDITS or (
        not own and any(edit.partition(".")[0] in ("leases", "lease_rates", "links") for edit in edits)
    ):
        return ""
    where = "" if place is None else f"at {place.site_id}: "
    return where + " ".join(set_options(edits))


def set_options(edits: Sequence[str]) -> list[str]:
    """Changes of the case as they are typed on the command line."""
    return [f"--set {shlex.quote(edit)}" for edit in edits]


def parts(refusal: Refusal) -> list[tuple[str, tuple[str, ...]]]:
    """Why a lease cannot be served, a sentence for limits of all sites and one for sites alike, each with the changes
    that lift them.

    The changes of a sentence about sites are those for its first site, with what stops the lease at all sites.
    """
    if not refusal.stopped:
        return []
    always = tuple(edit for stop in refusal.before for edit in stop.edits)
    groups = _grouped(refusal.places)
    first = [(str(stop), stop.edits if not groups else ()) for stop in refusal.before]
    return [
        *first,
        *(
            (said, tuple(dict.fromkeys((*always, *edits_of(refusal, members[0])))))
            for said, members in zip(_groups(refusal.places), groups, strict=False)
        ),
    ]


def sites_told(kept: Sequence[tuple[str, Sequence[Stop]]]) -> str:
    """What keeps each lease from one site, leases that the same kinds of limits keep away together."""
    groups: dict[tuple[StopKind, ...], list[tuple[str, Sequence[Stop]]]] = {}
    for lease_id, stops in kept:
        groups.setdefault(tuple(stop.kind for stop in stops), []).append((lease_id, stops))
    return "; ".join(
        f"{_named([lease_id for lease_id, _ in members])}: "
        f"{', and '.join(together(stops) for stops in zip(*(stops for _, stops in members), strict=True))}"
        for members in sorted(groups.values(), key=lambda members: -len(members))[:GROUPS_SHOWN]
    )


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:SITES_NAMED]) + (
        f" and {len(names) - SITES_NAMED} more" if len(names) > SITES_NAMED else ""
    )


def _groups(places: Sequence[Place]) -> list[str]:
    """A sentence for sites that the same kinds of limits keep the lease from, those kept by the fewest first."""
    ordered = _grouped(places)
    said = [_group(members, first=at == 0) for at, members in enumerate(ordered[:GROUPS_SHOWN])]
    left = [place for members in ordered[GROUPS_SHOWN:] for place in members]
    least = min((len(place.stops) for place in left), default=0)
    return [
        *said,
        *([f"at {len(left)} more site{'' if len(left) == 1 else 's'} {least} limits or more each"] if left else []),
    ]


def _grouped(places: Sequence[Place]) -> list[list[Place]]:
    groups: dict[tuple[StopKind, ...], list[Place]] = {}
    for place in places:
        groups.setdefault(tuple(stop.kind for stop in place.stops), []).append(place)
    return sorted(groups.values(), key=lambda members: (len(members[0].stops), -len(members)))


def _group(members: Sequence[Place], *, first: bool) -> str:
    names = [place.site_id for place in members]
    where = f"at {names[0]}" if len(names) == 1 else f"at {len(names)} {'sites ' if first else ''}({_named(names)})"
    by_kind: list[list[Stop]] = [list(stops) for stops in zip(*(place.stops for place in members), strict=True)]
    if len(by_kind) > SENTENCES:
        return f"{where} {len(by_kind)} limits: {', '.join(in_brief(stops) for stops in by_kind)}"
    return f"{where} {', and '.join(together(stops) for stops in by_kind)}"
