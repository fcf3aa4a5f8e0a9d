"""How money follows the rate of an inquiry: NPV per unit of each way to serve it, piece by piece, affine in the rate.

Revenue, prepayment, penalties and next terms are proportional to the rate. A right of notice makes the end of the contract
follow the rate too (the customer leaves when the market falls below it), in steps: between two steps all is affine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.candidates.lease_offers import lease_offers
from planner.candidates.lease_terms import LeaseTerms
from planner.candidates.money_limits import add_money_limits
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.power_paths import live_phases, power_paths
from planner.candidates.resources import Family, Stock
from planner.candidates.serving import add_offers
from planner.candidates.workshop import Workshop
from planner.quoting.inquiry import Inquiry

MONEY = (Family.CAPITAL, Family.CASH_FLOOR, Family.REVENUE_SHARE)
"""Families of limits in which a rate can stand."""


@dataclass(frozen=True)
class Piece:
    """Rates above `low` up to `high` over which money is affine; npv_usd = at_zero + slope x rate, per candidate (k,).

    first, second: uses of limits on money at two rates of the piece, with the same rows: family, name (or stock), candidate
    (position among those of the lease), coefficient, start, end. at_one: the same at the rate of 1 that the model holds.
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
        """Whether the rate stands in a limit on money: prepayment in the budget, income in a cash floor or in a share."""
        return not self.first.equals(self.second)


def rate_pieces(outlook: Outlook, inquiries: Sequence[Inquiry], table: pd.DataFrame, *, equity: bool) -> dict[str, list[Piece]]:
    """Pieces of each inquiry over its candidates in the order of `table` (those of its lease), lowest rates first.

    outlook: of the case that holds the inquiries at a rate of 1. table: candidates of the whole case.
    """
    asked = _Asked(outlook, equity)
    numbers = {inquiry.name: np.flatnonzero((table["lease_id"] == inquiry.name).to_numpy()) for inquiry in inquiries}
    names = table["candidate_id"].to_numpy()
    edges = {inquiry.name: [0.0, *asked.notice_rates(inquiry.name), np.inf] for inquiry in inquiries}
    found: dict[str, list[Piece]] = {inquiry.name: [] for inquiry in inquiries}
    one = asked.at({inquiry.name: 1.0 for inquiry in inquiries})
    for at in range(max(len(edge) for edge in edges.values()) - 1):
        here = {name: (edge[at], edge[at + 1]) for name, edge in edges.items() if at + 1 < len(edge)}
        rates = {name: _two_rates(low, high) for name, (low, high) in here.items()}
        first, second = (asked.at({name: pair[k] for name, pair in rates.items()}) for k in range(2))
        for name, (low, high) in here.items():
            a, b = rates[name]
            ids = names[numbers[name]]
            value = [money.npv.reindex(ids).fillna(0.0).to_numpy(np.float64) for money in (first, second)]
            slope = (value[1] - value[0]) / (b - a)
            limits = (first.limits[name], second.limits[name], one.limits[name])
            found[name].append(Piece(low, high, value[0] - slope * a, slope, (a, b), *(_placed(each, ids) for each in limits)))
    return found


def _two_rates(low: float, high: float) -> tuple[float, float]:
    if not np.isfinite(high):
        return low + 1.0, low + 2.0
    return low + (high - low) / 3.0, low + 2.0 * (high - low) / 3.0


@dataclass(frozen=True)
class _Money:
    """At some rates: NPV by candidate id, and by inquiry its uses of limits on money."""

    npv: pd.Series
    limits: dict[str, pd.DataFrame]


class _Asked:
    """The ways to serve inquiries, valued again at other rates without the rest of the case."""

    def __init__(self, outlook: Outlook, equity: bool) -> None:
        self.outlook, self.equity = outlook, equity
        shop = Workshop(outlook)
        self.offers = lease_offers(outlook, power_paths(live_phases(shop)))
        self.leases = outlook.case.tables["leases"].set_index("lease_id")

    def at(self, rates: Mapping[str, float]) -> _Money:
        """NPV and uses of limits on money at a rate for each inquiry."""
        chosen = self.offers[self.offers["lease_id"].isin(list(rates))].reset_index(drop=True)
        chosen = chosen.assign(rate_usd=chosen["rate_usd"] * chosen["lease_id"].map(dict(rates)).astype(float))
        shop = Workshop(self.outlook)
        add_offers(shop, live_phases(shop), chosen)
        valuation = add_money_limits(shop)
        none: list[pd.DataFrame] = []
        table = pd.concat([block.table for block in shop.blocks]) if shop.blocks else pd.DataFrame({"candidate_id": none, "lease_id": none})
        npv = np.concatenate([np.zeros(0), *(valuation.npv(block, equity=self.equity)[:, 0] for block in shop.blocks)])
        lease = table["lease_id"].to_numpy()
        return _Money(pd.Series(npv, index=table["candidate_id"].to_numpy()), {name: _limits(shop, np.flatnonzero(lease == name), table["candidate_id"].to_numpy()) for name in rates})

    def notice_rates(self, name: str) -> list[float]:
        """Rates at which the month of notice changes, lowest first: the market falls below the margin in some month."""
        lease = self.leases.loc[name]
        if pd.isna(lease["notice_months"]):
            return []
        rows = self.offers[self.offers["lease_id"] == name].drop_duplicates(["gpu_id", "term_start"])
        terms = LeaseTerms(Workshop(self.outlook))
        found: set[float] = set()
        for row in rows.itertuples():
            if row.gpu_id not in self.outlook.market_top:
                continue
            first = max(int(row.term_start) + int(lease["notice_from_month"]), 0)
            last = int(row.to_month) - int(lease["notice_months"])
            price = np.broadcast_to(self.outlook.market_top[row.gpu_id][0], (self.outlook.months,))
            margin = terms.escalation(name, int(row.term_start)) * (1.0 - float(lease["notice_margin"])) * float(row.rate_usd)
            if first < last and (margin > 0.0).all():
                found |= set(np.minimum.accumulate(price[first:last] / margin[first:last]).tolist())
        return sorted(rate for rate in found if rate > 0.0)


def _limits(shop: Workshop, numbers: Ints, ids: np.ndarray) -> pd.DataFrame:
    """Uses of limits on money, and draws of capital (family ""), by some candidates: columns as in `Piece`, by candidate id."""
    book = shop.book
    direct, drawn = book.uses.frame(), book.stock_uses.frame()
    direct = direct.assign(
        family=[book.family[number].name for number in direct["resource"]], name=[book.name[number] for number in direct["resource"]]
    )
    direct = direct[direct["family"].isin([family.name for family in MONEY])]
    drawn = drawn.assign(family="", name=[book.stock_name[number] for number in drawn["resource"]])
    drawn = drawn[[book.stock_kind[number] is Stock.CAPITAL for number in drawn["resource"]]]
    both = pd.concat([direct, drawn], ignore_index=True).drop(columns=["resource"])
    return both[both["candidate"].isin(numbers)].assign(candidate_id=lambda uses: ids[uses["candidate"].to_numpy(np.int64)]).drop(columns=["candidate"])


def _placed(uses: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    """The uses with the position of their candidate among some ids in place of its id."""
    place = pd.Series(np.arange(len(ids)), index=ids)
    return uses.assign(candidate=place.reindex(uses["candidate_id"]).to_numpy(np.int64)).drop(columns=["candidate_id"]).reset_index(drop=True)
