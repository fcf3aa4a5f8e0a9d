"""Limits of power: what a phase offers, what its contract asks, what is drawn from it, what a feed shares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from planner.auditing.books import Books
from planner.auditing.limits.check import Check
from planner.auditing.phases import Phase
from planner.auditing.published import Published
from planner.auditing.usage import backed_mw, mw_by_part


def power_checks(run: Published, books: Books) -> Iterator[Check]:
    """Every limit of every phase and of every feed that sites share."""
    for phase in books.phases.values():
        yield from _contract(phase, books.drawn.mw)
    for (name, month), mw in sorted(books.drawn.mw.items()):
        phase = books.phases[name]
        standing = phase.standing_mw(month) if phase.delivered(month) else 0.0
        yield Check("contracted power", name, month, mw, standing)
    yield from _parts(run, books)
    yield from _backups(run, books)
    yield from _min_take(run, books)
    for group in run.case["site_groups"]:
        yield from _shared(run, books, str(group["site_group"]), float(group["max_contracted_mw"]))


def _contract(phase: Phase, drawn: Mapping[tuple[str, int], float]) -> Iterator[Check]:
    row, mw = phase.row, phase.contracted_mw
    offered, committed = float(row["guaranteed_mw"]), float(row["committed_mw"])
    yield Check("offered power", phase.name, None, mw, max(offered, committed))
    yield Check("committed power", phase.name, None, mw, committed, least=True)
    if mw <= 0:
        return
    yield Check("least power", phase.name, None, mw, min(float(row["min_mw"]), max(offered, committed)), least=True)
    if phase.uncommitted and row["lead_months"]:
        first = min(
            (month for (name, month), used in drawn.items() if name == phase.name and used > 0), default=phase.energised
        )
        yield Check("lead of power", phase.name, None, first, int(row["lead_months"]), least=True)
    if row["lumpy"]:
        yield Check("whole phase", phase.name, None, mw, offered, least=True)
    elif row["step_mw"] is not None:
        steps = (mw - phase.committed_mw) / float(row["step_mw"])
        yield Check("steps of power", phase.name, None, abs(steps - round(steps)), 0.0)
    if phase.ended:
        yield Check("power ended early", phase.name, None, sum(ended for _, ended in phase.ended), mw)
    for month, ended in phase.ended:
        if phase.exit_usd_per_kw(month) is None:
            yield Check("power ended early", phase.name, month, ended, 0.0)


def _parts(run: Published, books: Books) -> Iterator[Check]:
    """While a phase may be curtailed, what is not interruptible stands on its firm share and on what backups make firm
    of the rest, and what is interruptible on what is left of that."""
    backed = backed_mw(run)
    for (name, month, curtailed), mw in sorted(mw_by_part(books.uses).items()):
        phase = books.phases[name]
        if month < phase.curtailable_until:
            what, more = ("curtailable power", -1.0) if curtailed else ("firm power", 1.0)
            standing = phase.standing_mw(month)
            most = phase.parts(month)[curtailed] * standing + more * backed[name, month]
            yield Check(what, name, month, mw, most, of=standing)


def _backups(run: Published, books: Books) -> Iterator[Check]:
    """A backup stands behind MW of its own site, no more than it makes firm, that are curtailed for no longer than it
    may run."""
    behind: defaultdict[tuple[str, int], float] = defaultdict(float)
    for holding in run.held("back"):
        phase, backup = books.phases[holding.phase], books.phases[holding.then]
        most = backup.row["hours_per_year"]
        yield Check("site of a backup", holding.name, None, float(phase.site != backup.site), 0.0)
        yield Check(
            "hours of a backup", holding.name, None, float(phase.row["curtailed_hours_per_year"]),
            float("inf") if most is None else float(most),
        )
        for month in range(max(holding.start, 0), holding.end):
            behind[holding.then, month] += holding.level
            there = phase.delivered(month) and backup.delivered(month) and month < phase.curtailable_until
            yield Check("dates of a backup", holding.name, month, 0.0 if there else holding.level, 0.0)
    for (name, month), mw in sorted(behind.items()):
        backup = books.phases[name]
        yield Check("backup", name, month, mw, float(backup.row["firms_mw_per_mw"]) * backup.standing_mw(month))


def _min_take(run: Published, books: Books) -> Iterator[Check]:
    """Minimum take that is paid without being used is what is left of it: no less, and where it costs anything no
    more."""
    paid: defaultdict[tuple[str, int], float] = defaultdict(float)
    for holding in run.held("short"):
        for month in range(max(holding.start, 0), holding.end):
            paid[holding.phase, month] += holding.level
    for phase in books.phases.values():
        if float(phase.row["min_take"]) and phase.contracted_mw > 0:
            for month in range(max(phase.energised, 0), phase.end):
                yield Check(
                    "minimum take paid", phase.name, month, paid[phase.name, month], _unused(run, books, phase, month),
                    least=True, of=phase.contracted_mw,
                )
    for holding in run.held("short"):
        phase, months = books.phases[holding.phase], range(max(holding.start, 0), holding.end)
        if sum(max(phase.other_usd_per_mwh(month) + phase.fuel_usd_per_mwh(month), 0.0) for month in months) > 0:
            yield Check(
                "minimum take not used", holding.name, holding.start, holding.level,
                max(_unused(run, books, phase, month) for month in months), of=phase.contracted_mw,
            )


def _unused(run: Published, books: Books, phase: Phase, month: int) -> float:
    """Minimum take of a month less what is drawn, in mean MW."""
    if not phase.delivered(month):
        return 0.0
    hours = run.months.hours(month) * float(phase.row["availability"])
    return max(
        float(phase.row["min_take"]) * phase.standing_mw(month) - books.drawn.mwh[phase.name, month] / hours, 0.0
    )


def _shared(run: Published, books: Books, group: str, most: float) -> Iterator[Check]:
    members = {row["site_id"] for row in run.case["sites"] if row["site_group"] == group}
    feeds = [
        phase for phase in books.phases.values()
        if phase.site in members and phase.contracted_mw > 0 and not phase.stands_behind
    ]
    if not feeds:
        return
    for month in range(max(phase.end for phase in feeds)):
        mw = sum(phase.standing_mw(month) for phase in feeds if phase.delivered(month))
        yield Check("shared feed", group, month, mw, most)
