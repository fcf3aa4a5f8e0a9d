"""What would make a case smaller, each with the size that it would have then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from planner.candidates.outlook import Outlook, make_outlook
from planner.candidates.reach.sample import KEYS, ROUGHLY, thinned
from planner.candidates.reach.size import Size, estimate
from planner.case.case import Case

SHARES = (0.75, 0.5, 0.25, 0.125)
"""Of months, SKUs, sites and leases: the largest that fits is offered, or the smallest where none does."""
WORDS = {"gpus": "SKUs", "sites": "sites", "leases": "leases"}
WORTH = 0.95
"""What brings less than a twentieth is not offered."""
CHANGED = {"sites": 1_000, "leases": 10_000}
"""Rows of the case on which changes are tried, so that a case of any number of leases is refused within seconds."""


@dataclass(frozen=True)
class Remedy:
    """A change of the case in words, and the bytes that its model would take then."""

    what: str
    bytes: float


Offers = Iterator[tuple[str, Outlook]]
"""Changes of one sort in words, each with the outlook changed, the least change first."""


def remedies(outlook: Outlook, size: Size, most: int) -> list[Remedy]:
    """What would make the model of a case smaller than `most` bytes, what suffices alone first; size: that of the case
    as it is."""
    part = _again(outlook, thinned(outlook.case, CHANGED))
    scale = size.bytes / estimate(part, ROUGHLY).bytes
    offers = [_fewer_months(part), *(_fewer_rows(outlook, part, name) for name in WORDS), _begun_on_time(part)]
    offers += [_coarser_dates(part), _no_tail(part)]
    found = [remedy for each in offers for remedy in _least_that_fits(each, scale, most)]
    kept = [remedy for remedy in found if remedy.bytes < WORTH * size.bytes]
    return sorted(kept, key=lambda remedy: remedy.bytes > most)


def _least_that_fits(offers: Iterable[tuple[str, Outlook]], scale: float, most: int) -> list[Remedy]:
    """The first of the offers that fits, or the last where none does; none of none."""
    tried: list[Remedy] = []
    for what, changed in offers:
        tried.append(Remedy(what, estimate(changed, ROUGHLY).bytes * scale))
        if tried[-1].bytes <= most:
            break
    return tried[-1:]


def _again(outlook: Outlook, case: Case, tail: str | None = None) -> Outlook:
    return make_outlook(
        case, base=outlook.base, tail=outlook.tail if tail is None else tail, monthly_windows=outlook.monthly_windows
    )


def _fewer_months(outlook: Outlook) -> Offers:
    months = outlook.horizon
    for fewer in sorted({max(int(share * months) // 12 * 12, 12) for share in SHARES} - {months}, reverse=True):
        shorter = replace(outlook.case, settings=replace(outlook.case.settings, months=fewer))
        if fewer < months:
            yield f"{fewer} months instead of {months} (--set case.months={fewer})", _again(outlook, shorter)


def _fewer_rows(whole: Outlook, part: Outlook, name: str) -> Offers:
    count, here = len(whole.tables[name]), len(part.tables[name])
    for share in SHARES:
        if 1 <= int(share * count) < count:
            what = f"{int(share * count):,} {WORDS[name]} instead of {count:,} (rows of {name} and what names their "
            yield f"{what}{KEYS[name]})", _again(part, thinned(part.case, {name: max(int(share * here), 1)}))


def _begun_on_time(outlook: Outlook) -> Offers:
    leases = outlook.case.tables["leases"]
    if (outlook.tables["leases"].ints("late_grace_months") > 0).any():
        prompt = leases.assign(late_grace_months=np.zeros(len(leases), dtype=np.int64))
        case = replace(outlook.case, tables={**outlook.case.tables, "leases": prompt})
        yield "leases begun on time alone (--set leases.late_grace_months=0)", _again(outlook, case)


def _coarser_dates(outlook: Outlook) -> Offers:
    quarters = outlook.calendar.quarter_starts
    if len(outlook.steps) > 1.05 * len(quarters):
        coarse = _again(outlook, outlook.case)
        coarse.__dict__["steps"] = quarters  # where the cached property looks
        yield "dates of leases, halls and phases on the starts of quarters", coarse


def _no_tail(outlook: Outlook) -> Offers:
    if outlook.tail != "none":
        yield "nothing counted after the horizon (--tail none)", _again(outlook, outlook.case, "none")
