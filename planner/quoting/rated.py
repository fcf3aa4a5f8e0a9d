"""How money follows the rate of an inquiry: NPV per unit of each way to serve it, piece by piece, affine in the rate.

Revenue, prepayment, penalties and next terms are proportional to the rate. A right of notice makes the end of the
contract follow the rate too (the customer leaves when the market falls below it), in steps: between two steps all is
affine. Two rates tell a piece; the candidates of the case stand at the rate 1, which is one of them wherever it lies in
the piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.builder import CandidateBuilder
from planner.candidates.columns import codes_of
from planner.candidates.lease_offers import lease_offers
from planner.candidates.lease_terms import LeaseTerms
from planner.candidates.money_limits import add_money_limits
from planner.candidates.names import Names
from planner.candidates.outlook import Outlook
from planner.candidates.power_paths import live_phases, power_paths
from planner.candidates.resources import Family, ResourceBook, Stock, Uses
from planner.candidates.serving import add_offers
from planner.quoting.inquiry import Inquiry

MONEY = (Family.CAPITAL, Family.CASH_FLOOR, Family.REVENUE_SHARE, Family.YEARLY_SHARE)
"""Families of limits in which a rate can stand."""

_WHERE = ("family", "name", "candidate", "start", "end")


@dataclass(frozen=True)
class Piece:
    """Rates above `low` up to `high` over which money is affine; npv_usd = at_zero + slope x rate, per candidate (k,).

    first, second: uses of limits on money at two rates of the piece, with the same rows: family, name (or stock),
    candidate (position among those of the lease), coefficient, start, end. at_one: the same at the rate of 1 that the
    model holds.
    """

    low: float
    high: float
    at_zero: Floats
    slope: Floats
    rates: tuple[float, float]
    first: pd.DataFrame
    second: pd.DataFrame
    at_one: pd.DataFrame

    @property
    def funded(self) -> bool:
        """Whether the rate stands in a limit on money: prepayment in the budget, income in a cash floor or in a
        share."""
        if len(self.first) != len(self.second):
            return True
        one, two = (uses.sort_values(list(_WHERE)) for uses in (self.first, self.second))
        same = all(np.array_equal(one[name].to_numpy(), two[name].to_numpy()) for name in _WHERE)
        return not (same and np.allclose(one["coefficient"], two["coefficient"], rtol=1e-12, atol=0.0))


def rate_pieces(candidates: CandidateSet, inquiries: Sequence[Inquiry], *, equity: bool) -> dict[str, list[Piece]]:
    """Pieces of each inquiry over its candidates in the order of the table (those of its lease), lowest rates first.

    candidates: of the case that holds the inquiries at a rate of 1.
    """
    one = _at_one(candidates, inquiries)
    asked = _Inquired(candidates.outlook, inquiries, equity)
    edges = {inquiry.name: [0.0, *asked.notice_rates(inquiry.name), np.inf] for inquiry in inquiries}
    found: dict[str, list[Piece]] = {inquiry.name: [] for inquiry in inquiries}
    for at in range(max(len(edge) for edge in edges.values()) - 1):
        here = {name: (edge[at], edge[at + 1]) for name, edge in edges.items() if at + 1 < len(edge)}
        rates = {name: _two_rates(low, high) for name, (low, high) in here.items()}
        others = {name: pair[0] for name, pair in rates.items() if pair[0] != 1.0}
        first = {**one, **(asked.at(others) if others else {})}
        second = asked.at({name: pair[1] for name, pair in rates.items()})
        for name, (low, high) in here.items():
            a, b = rates[name]
            ids = one[name].npv.index
            value = [money[name].npv.reindex(ids).fillna(0.0).to_numpy(np.float64) for money in (first, second)]
            slope = (value[1] - value[0]) / (b - a)
            limits = (money[name].limits for money in (first, second, one))
            found[name].append(
                Piece(low, high, value[0] - slope * a, slope, (a, b), *(_placed(each, ids) for each in limits))
            )
    return found


def _two_rates(low: float, high: float) -> tuple[float, float]:
    """Two rates of a piece, the first of them 1 where that lies in it."""
    if not low < 1.0 <= high:
        return (
            (low + 1.0, low + 2.0) if not np.isfinite(high)
            else (low + (high - low) / 3.0, low + 2.0 * (high - low) / 3.0)
        )
    return 1.0, 2.0 if high >= 2.0 else (low + 1.0) / 2.0


@dataclass(frozen=True)
class _Money:
    """Of one inquiry at a rate: NPV by candidate id, and its uses of limits on money."""

    npv: pd.Series
    limits: pd.DataFrame


def _at_one(candidates: CandidateSet, inquiries: Sequence[Inquiry]) -> dict[str, _Money]:
    lease = Names.of(candidates.outlook).leases[candidates.columns["lease"]]
    return _by_lease(
        candidates.book, lease, candidates.candidate_ids, candidates.npv_usd, [inquiry.name for inquiry in inquiries]
    )


def _by_lease(
    book: ResourceBook, lease: np.ndarray, ids: np.ndarray, npv: Floats, names: Sequence[str]
) -> dict[str, _Money]:
    """What is known of the candidates of some leases."""
    numbers = {name: np.flatnonzero(lease == name) for name in names}
    limits = _limits(book, np.concatenate([np.zeros(0, dtype=np.int64), *numbers.values()]), ids)
    lease_of = lease[limits.pop("candidate").to_numpy(np.int64)]
    return {
        name: _Money(pd.Series(npv[own], index=ids[own]), limits[lease_of == name]) for name, own in numbers.items()
    }


class _Inquired:
    """The ways to serve inquiries, valued again at other rates without the rest of the case."""

    def __init__(self, outlook: Outlook, inquiries: Sequence[Inquiry], equity: bool) -> None:
        self.outlook, self.equity = outlook, equity
        leases = outlook.tables["leases"]
        self.number = {inquiry.name: leases.number_of("lease_id")[inquiry.name] for inquiry in inquiries}
        offers = lease_offers(outlook, power_paths(outlook), only=np.array(list(self.number.values()), dtype=np.int64))
        self.offers, self.leases = offers, leases

    def at(self, rates: Mapping[str, float]) -> dict[str, _Money]:
        """NPV and uses of limits on money at a rate for each inquiry."""
        rate = np.full(len(self.leases), np.nan)
        for name, usd in rates.items():
            rate[self.number[name]] = usd
        chosen = self.offers.take(~np.isnan(rate[self.offers["lease"]]))
        chosen = chosen.having(rate_usd=chosen["rate_usd"] * rate[chosen["lease"]])
        builder = CandidateBuilder(self.outlook)
        add_offers(builder, live_phases(builder), chosen)
        valuation = add_money_limits(builder)
        lease = np.concatenate(
            [np.zeros(0, dtype=object), *(builder.names.leases[block.columns["lease"]] for block in builder.blocks)]
        )
        ids = np.concatenate([np.zeros(0, dtype=object), *(block.candidate_ids for block in builder.blocks)])
        npv = np.concatenate(
            [np.zeros(0), *(valuation.npv(block, equity=self.equity)[:, 0] for block in builder.blocks)]
        )
        return _by_lease(builder.book, lease, ids, npv, list(rates))

    def notice_rates(self, name: str) -> list[float]:
        """Rates at which the month of notice changes, lowest first: the market falls below the margin in some month."""
        number = self.number[name]
        lease = self.leases.records[number]
        if not self.leases.given("notice_months")[number]:
            return []
        rows = self.offers.take(self.offers["lease"] == number)
        rows = rows.take(codes_of([rows["gpu"], rows["term_start"]])[1])
        terms = LeaseTerms(CandidateBuilder(self.outlook))
        found: set[float] = set()
        gpus = terms.builder.names.gpus
        for gpu, term_start, to_month, rate_usd in zip(
            *(rows[column].tolist() for column in ("gpu", "term_start", "to_month", "rate_usd")), strict=True
        ):
            if gpus[gpu] not in self.outlook.market_top:
                continue
            first = max(term_start + int(lease["notice_from_month"]), 0)
            last = to_month - int(lease["notice_months"])
            price = np.broadcast_to(self.outlook.market_top[gpus[gpu]][0], (self.outlook.months,))
            margin = terms.escalation(number, term_start) * (1.0 - lease["notice_margin"]) * rate_usd
            if first < last and (margin > 0.0).all():
                found |= set(np.minimum.accumulate(price[first:last] / margin[first:last]).tolist())
        return sorted(rate for rate in found if rate > 0.0)


def _limits(book: ResourceBook, numbers: Ints, ids: np.ndarray) -> pd.DataFrame:
    """Uses of limits on money, and draws of capital (family ""), by some candidates: columns as in `Piece`, and the
    candidate's id."""
    money = [number for number, family in enumerate(book.family) if family in MONEY]
    capital = [number for number, kind in enumerate(book.stock_kind) if kind is Stock.CAPITAL]
    direct, drawn = _of(book.uses, numbers, money), _of(book.stock_uses, numbers, capital)
    direct = direct.assign(
        family=[book.family[number].name for number in direct["resource"]],
        name=[book.name[number] for number in direct["resource"]],
    )
    drawn = drawn.assign(family="", name=[book.stock_name[number] for number in drawn["resource"]])
    both = pd.concat([direct, drawn], ignore_index=True).drop(columns=["resource"])
    return both.assign(candidate_id=ids[both["candidate"].to_numpy(np.int64)])


def _of(uses: Uses, numbers: Ints, resources: Sequence[int]) -> pd.DataFrame:
    """The uses of some resources by some candidates."""
    frame = uses.frame()
    if not resources:
        return frame.iloc[:0]
    return frame[np.isin(frame["resource"].to_numpy(), resources) & np.isin(frame["candidate"].to_numpy(), numbers)]


def _placed(uses: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """The uses with the position of their candidate among some ids in place of its id."""
    place = pd.Series(np.arange(len(ids)), index=ids)
    return uses.assign(
        candidate=place.reindex(uses["candidate_id"]).to_numpy(np.int64)
    ).drop(columns=["candidate_id"]).reset_index(drop=True)
