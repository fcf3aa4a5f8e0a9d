"""What is at work in a month: a cluster, a hosted hall, a window on demand or of mining, with the power that it
draws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planner.auditing.phases import Phase
from planner.auditing.published import Holding, Published, Row

PLACED = ("serve", "renew", "host", "sell", "mine")


@dataclass(frozen=True)
class AtWork:
    """One month of one holding that is placed: units standing, their critical IT and contracted MW, and the phase that
    feeds them."""

    holding: Holding
    month: int
    units: float
    it_mw: float
    contracted_mw: float
    phase: Phase

    @property
    def may_be_curtailed(self) -> bool:
        """Whether it stands on the part of its phase that may be curtailed in the month."""
        return self.holding.interruptible and self.month < self.phase.curtailable_until

    @property
    def served(self) -> float:
        """Share of the hours of the month in which it has power."""
        return self.phase.served(self.month) if self.holding.interruptible else 1.0


def at_work(run: Published, powered: dict[str, Phase]) -> Iterator[AtWork]:
    """Every month of every holding that is placed; a lease stands at the size of its ramp."""
    ramps = size_shares(run)
    for holding in run.held(*PLACED):
        per_unit = float(run.row("gpus", gpu_id=holding.gpu)["it_kw"]) / 1000.0 if holding.gpu else 1.0
        for month in range(max(holding.start, 0), holding.end):
            phase = feeding(holding, powered, month)
            units = holding.level * (
                ramps[holding.lease].get(month - first_month_of_term(run, holding), 1.0)
                if holding.kind in ("serve", "host") else 1.0
            )
            per_it = float(phase.row["mw_per_it_mw"])
            it_mw = units / per_it if holding.kind == "mine" else units * per_unit
            yield AtWork(holding, month, units, it_mw, it_mw * per_it, phase)


def feeding(holding: Holding, powered: dict[str, Phase], month: int) -> Phase:
    """The phase that feeds a holding in a month: the first of its path, until the second has power."""
    if holding.then and month >= powered[holding.then].energised:
        return powered[holding.then]
    return powered[holding.phase]


def mw_by_part(uses: Iterable[AtWork]) -> defaultdict[tuple[str, int, bool], float]:
    """Contracted MW in use by phase, month and whether they may be curtailed."""
    found: defaultdict[tuple[str, int, bool], float] = defaultdict(float)
    for use in uses:
        found[use.phase.name, use.month, use.may_be_curtailed] += use.contracted_mw
    return found


def backed_mw(run: Published) -> defaultdict[tuple[str, int], float]:
    """MW of each phase that backups make firm, by month."""
    found: defaultdict[tuple[str, int], float] = defaultdict(float)
    for holding in run.held("back"):
        for month in range(max(holding.start, 0), holding.end):
            found[holding.phase, month] += holding.level
    return found


def size_shares(run: Published) -> defaultdict[str, dict[int, float]]:
    """Share of its size at which each lease stands, by month of term; months not held are at full size."""
    found: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for row in run.case["lease_ramp"]:
        found[row["lease_id"]][int(row["month_of_term"])] = float(row["size_share"])
    return found


def tranche_of(run: Published, holding: Holding) -> Row | None:
    """The row of lease_tranches that a holding delivers; None of a lease that comes at once."""
    if not holding.tranche:
        return None
    return run.row("lease_tranches", lease_id=holding.lease, tranche=holding.tranche)


def promised_month(run: Published, holding: Holding) -> int:
    """The month in which a holding of a lease is due: the start of the lease, or of its tranche."""
    tranche = tranche_of(run, holding)
    later = 0 if tranche is None else int(tranche["starts_after_months"])
    return run.months.index(run.row("leases", lease_id=holding.lease)["start"]) + later


def first_month_of_term(run: Published, holding: Holding) -> int:
    """Month 0 of a lease's term: its date, or where its term follows delivery that of the delivery; before the start
    for a lease in course."""
    lease = run.row("leases", lease_id=holding.lease) if holding.lease else None
    if lease is None:
        return holding.start
    promised = promised_month(run, holding)
    late = holding.start - max(promised, 0)
    return promised + (late if lease["term_from"] == "delivery" else 0)
