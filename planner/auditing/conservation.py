"""What can neither be made nor lost: lines as published against what was bought, lent, prepaid and contracted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planner.auditing.books import Books
from planner.auditing.published import Published
from planner.auditing.usage import PLACED

TOLERANCE = 1e-9
DUST = 1e-6
"""Dollars, or MW and GPUs, below which sums are dust."""


@dataclass(frozen=True)
class Law:
    """One law at one place: two figures that must be the same, judged against the size of what moved."""

    name: str
    place: str
    found: float
    due: float
    scale: float

    @property
    def holds(self) -> bool:
        """Whether the two are the same to 1e-9 of what moved."""
        return abs(self.found - self.due) <= TOLERANCE * max(self.scale, abs(self.found), abs(self.due)) + DUST


def laws(run: Published, books: Books) -> Iterator[Law]:
    """Every law at every site, in the order in which a signer reads them."""
    published = _by_site(run)
    yield from _written_off(books, published)
    yield from _paid_for(books, published)
    yield from _loans(published)
    yield from _prepayments(books, published)
    yield from _same_placements(run)
    yield from _same_power(run, books)


def _by_site(run: Published) -> dict[tuple[str, str], list[float]]:
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for row in run.cashflow:
        found[row["site_id"], row["line"]].append(row["usd"])
    return dict(found)


def _law(name: str, place: str, amounts: Iterable[float], due: float, moved: float = 0.0) -> Law:
    each = list(amounts)
    return Law(name, place, sum(each), due, max(sum(abs(usd) for usd in each), moved))


def _written_off(books: Books, published: dict[tuple[str, str], list[float]]) -> Iterator[Law]:
    basis: defaultdict[str, float] = defaultdict(float)
    for lot in books.lots:
        basis[lot.site] += lot.basis
    for site, usd in books.fibre.items():
        basis[site] += usd
    for site in sorted({*basis, *(site for site, line in published if line == "depreciation")}):
        yield _law(
            "every basis is written off exactly once", site, published.get((site, "depreciation"), []), basis[site]
        )


def _paid_for(books: Books, published: dict[tuple[str, str], list[float]]) -> Iterator[Law]:
    price: defaultdict[str, float] = defaultdict(float)
    for lot in books.lots:
        price[lot.site] -= sum(usd for month, usd in lot.paid)
    for site, usd in books.fibre.items():
        price[site] -= usd
    for site in sorted({*price, *(site for site, line in published if line == "capex")}):
        yield _law(
            "what is bought is paid for exactly once, deposits with it", site, published.get((site, "capex"), []),
            price[site],
        )


def _loans(published: dict[tuple[str, str], list[float]]) -> Iterator[Law]:
    for site in sorted({site for site, line in published if line in ("debt_draw", "repayment")}):
        moved = [*published.get((site, "debt_draw"), []), *published.get((site, "repayment"), [])]
        yield _law("every loan ends at nothing owed", site, moved, 0.0)


def _prepayments(books: Books, published: dict[tuple[str, str], list[float]]) -> Iterator[Law]:
    """What was received, and what was owed at the start, is credited or kept."""
    owed: defaultdict[str, float] = defaultdict(float)
    moved: defaultdict[str, float] = defaultdict(float)
    for contract in books.contracts:
        account = books.accounts[contract.holding.name]
        owed[contract.holding.site] -= account.owed_before
        moved[contract.holding.site] += account.received + account.owed_before + account.credited + account.kept
        yield Law(
            "a prepayment is credited or kept, never both", contract.holding.name, account.credited + account.kept,
            account.received + account.owed_before, account.credited,
        )
    for site in sorted({site for site, line in published if line == "prepayment"}):
        yield _law("every prepayment ends at zero", site, published[site, "prepayment"], owed[site], moved[site])


def _same_placements(run: Published) -> Iterator[Law]:
    """allocation.csv places what portfolio.csv holds: unit-months by site, SKU, use, lease, tier."""
    Key = tuple[str, str, str, str, str]
    held: defaultdict[Key, float] = defaultdict(float)
    told: defaultdict[Key, float] = defaultdict(float)
    per_it = {f"{row['source_id']}:{row['phase']}": float(row["mw_per_it_mw"]) for row in run.case["power"]}
    for holding in run.held(*PLACED):
        units = (
            holding.level if holding.gpu else holding.level / (per_it[holding.phase] if holding.kind == "mine" else 1.0)
        )
        held[
            holding.site, holding.gpu, holding.kind, holding.lease, str(holding.tier)
        ] += units * (holding.end - holding.start)
    for row in run.allocation:
        units = row["gpus"] if row["gpu_id"] else row["it_mw"]
        months = run.months.index(row["to"]) + 1 - run.months.index(row["from"])
        told[row["site_id"], row["gpu_id"], row["use"], row["lease_id"], str(int(row["tier"]))] += units * months
    for key in sorted({*held, *told}):
        yield Law(
            "what is placed is what is held, once", " ".join(part for part in key if part), told[key], held[key],
            abs(held[key]),
        )


def _same_power(run: Published, books: Books) -> Iterator[Law]:
    """power.csv tells the contracts that the portfolio holds, and the most that is drawn from each."""
    for row in run.power:
        phase = books.phases[row["phase"]]
        peak = max((mw for (name, _), mw in books.drawn.mw.items() if name == phase.name), default=0.0)
        yield Law("peak use of power as told", phase.name, row["peak_use_mw"], peak, phase.contracted_mw)
        yield Law(
            "power ended early as told", phase.name, row["ended_early_mw"], sum(mw for _, mw in phase.ended),
            phase.contracted_mw,
        )
        size = {"MW": 1.0, "step": float(phase.row["step_mw"] or 1.0), "phase": float(phase.row["guaranteed_mw"])}
        level = sum(holding.level * size[holding.unit] for holding in run.held("power") if holding.phase == phase.name)
        yield Law("contracted power as held", phase.name, row["contracted_mw"], level, phase.contracted_mw)
