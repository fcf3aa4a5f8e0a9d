"""What would make a case smaller, each with the size that it would have then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from planner.candidates.outlook import Outlook, make_outlook
from planner.candidates.reach.sample import KEYS, ROUGHLY, thinned
from planner.candidates.reach.size import Size, estimate
from planner.case.case import Case

SHARES = (0.75, 0.5, 0.25, 0.125)
"""Of months, SKUs, sites and leases: the largest that fits is offered, or the smallest where none does."""
WORTH = 0.95
"""What brings less than a twentieth is not offered."""


@dataclass(frozen=True)
class Remedy:
    """A change of the case in words, and the bytes that its model would take then."""

    what: str
    bytes: float


def remedies(outlook: Outlook, size: Size, most: int) -> list[Remedy]:
    """What would make the model of a case smaller than `most` bytes, what suffices alone first; size: that of the case
    as it is."""
    rough = estimate(outlook, ROUGHLY).bytes

    def would_be(changed: Outlook) -> float:
        return estimate(changed, ROUGHLY).bytes * size.bytes / rough

    found = [
        remedy for ask in (_fewer_months, _fewer_rows, _coarser_starts, _no_tail)
        for remedy in ask(outlook, would_be, most)
    ]
    kept = [remedy for remedy in found if remedy.bytes < WORTH * size.bytes]
    return sorted(kept, key=lambda remedy: remedy.bytes > most)


WouldBe = Callable[[Outlook], float]


def _again(outlook: Outlook, case: Case, tail: str | None = None) -> Outlook:
    return make_outlook(
        case, base=outlook.base, tail=outlook.tail if tail is None else tail, monthly_windows=outlook.monthly_windows
    )


def _fewer_months(outlook: Outlook, would_be: WouldBe, most: int) -> Iterator[Remedy]:
    months = outlook.horizon
    shorter = sorted({max(int(share * months) // 12 * 12, 12) for share in SHARES}, reverse=True)
    tried: list[Remedy] = []
    for fewer in (each for each in shorter if each < months):
        settings = replace(outlook.case.settings, months=fewer)
        tried.append(
            Remedy(
                f"{fewer} months instead of {months} (--set case.months={fewer})",
                would_be(_again(outlook, replace(outlook.case, settings=settings))),
            )
        )
        if tried[-1].bytes <= most:
            break
    yield from tried[-1:]


def _fewer_rows(outlook: Outlook, would_be: WouldBe, most: int) -> Iterator[Remedy]:
    words = {"gpus": "SKUs", "sites": "sites", "leases": "leases"}
    for name in ("gpus", "sites", "leases"):
        count = len(outlook.case.tables[name])
        tried: list[Remedy] = []
        for fewer in (int(share * count) for share in SHARES if 1 <= int(share * count) < count):
            tried.append(
                Remedy(
                    f"{fewer:,} {words[name]} instead of {count:,} (rows of {name} and what names their {KEYS[name]})",
                    would_be(_again(outlook, thinned(outlook.case, {name: fewer}))),
                )
            )
            if tried[-1].bytes <= most:
                break
        yield from tried[-1:]


def _coarser_starts(outlook: Outlook, would_be: WouldBe, most: int) -> Iterator[Remedy]:
    leases = outlook.case.tables["leases"]
    if (leases["late_grace_months"].fillna(0) > 0).any():
        prompt = {
            **outlook.case.tables, "leases": leases.assign(late_grace_months=np.zeros(len(leases), dtype=np.int64))
        }
        yield Remedy(
            "leases begun on time alone (--set leases.late_grace_months=0)",
            would_be(_again(outlook, replace(outlook.case, tables=prompt))),
        )
    quarters = outlook.calendar.quarter_starts
    if len(outlook.steps) > 1.05 * len(quarters):
        coarse = _again(outlook, outlook.case)
        coarse.__dict__["steps"] = quarters  # where the cached property looks
        yield Remedy("dates of leases, halls and phases on the starts of quarters", would_be(coarse))


def _no_tail(outlook: Outlook, would_be: WouldBe, most: int) -> Iterator[Remedy]:
    if outlook.tail != "none":
        yield Remedy("nothing counted after the horizon (--tail none)", would_be(_again(outlook, outlook.case, "none")))
