"""What a lease pays and when: its ramp, its rate, its prepayment, its end by notice, its next term.

After a default nothing is billed and nothing is credited: what can be recovered comes in its place, and the unearned part of
a prepayment stays with the company.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.candidates.distinct import distinct
from planner.candidates.outlook import HOURS_BILLED_730, Floats, Ints, Outlook
from planner.candidates.workshop import Workshop


def _relet(outlook: Outlook, gpu_id: str) -> Floats:
    """Relet share x market price x utilisation x hours by month; nothing for a SKU without a market."""
    if gpu_id not in outlook.market_top:
        return np.zeros(outlook.months)
    price, utilisation = outlook.market_top[gpu_id]
    return outlook.case.settings.relet_fraction * price * utilisation * outlook.hours


@dataclass(frozen=True)
class Prepaid:
    """A prepayment as it is used up. credit: what a month earns of it while the customer lives, shape (M,), zero outside the window."""

    credit: Floats
    start: int
    received: bool
    customer: str
    recovery: float

    def settled(self, outlook: Outlook) -> Floats:
        """Credited in each month while the customer lives, and all that is left in the month of its default; in sum what was paid."""
        return self.credit * outlook.alive[self.customer] + self._unearned(outlook)

    def kept(self, outlook: Outlook) -> Floats:
        """The unearned rest in the month of default, which is income then; recovery counts on what was not prepaid alone."""
        lost = self._living(outlook) - outlook.alive[self.customer]
        return self._unearned(outlook) - self.recovery * self.credit * lost

    def _living(self, outlook: Outlook) -> Floats:
        """Chance that the customer lived to pay it, shape (1,) or (S, 1)."""
        alive = outlook.alive_at_start[self.customer]
        return np.ones_like(alive[..., :1]) if self.received else alive[..., self.start : self.start + 1]

    def _unearned(self, outlook: Outlook) -> Floats:
        alive = outlook.alive[self.customer]
        left = np.cumsum(self.credit[::-1])[::-1]
        before = np.concatenate([self._living(outlook), alive[..., :-1]], axis=-1)
        before[..., self.start] = self._living(outlook)[..., 0]
        return np.where(np.arange(alive.shape[-1]) >= self.start, (before - alive) * left, 0.0)


def shares_of(outlook: Outlook, lease_id: str, term_start: int, column: str) -> Floats:
    """`size_share` or `rate_share` of a lease by month, 1 after its ramp, shape (M,)."""
    ramps = outlook.case.tables["lease_ramp"]
    return _shares(ramps[ramps["lease_id"] == lease_id], outlook.months, term_start, column)


def _shares(ramp: pd.DataFrame | None, months: int, term_start: int, column: str) -> Floats:
    share = np.ones(months)
    if ramp is not None:
        month = ramp["month_of_term"].to_numpy(np.int64) + term_start
        inside = (month >= 0) & (month < months)
        share[month[inside]] = ramp[column].to_numpy(np.float64)[inside]
    return share


class LeaseTerms:
    """Paths of leases in the path book, by lease and by the month in which the term begins."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.outlook: Outlook = shop.outlook
        tables = shop.outlook.case.tables
        # Plain rows: a look-up by label in a table costs a hundred times as much.
        self.leases: dict[str, dict[str, Any]] = {
            str(row["lease_id"]): row for row in tables["leases"].to_dict("records")
        }
        self.ramps = {str(name): rows for name, rows in tables["lease_ramp"].groupby("lease_id")}

    def shares(self, lease_id: str, term_start: int, column: str) -> Floats:
        """`size_share` or `rate_share` of a lease by month, 1 after its ramp, shape (M,)."""
        return _shares(self.ramps.get(lease_id), self.outlook.months, term_start, column)

    def hours_path(self, lease_id: str) -> int:
        """Path of the hours that a lease for GPUs bills: real ones, or 730 a month."""
        return self.shop.paths.number(("hours billed", lease_id), lambda outlook: self.billed(lease_id))

    def billed(self, lease_id: str) -> Floats:
        """Hours billed by month for a cluster, 1 for a hall, shape (M,)."""
        lease = self.leases[lease_id]
        if lease["kind"] == "hosting":
            return np.ones(self.outlook.months)
        return np.full(self.outlook.months, HOURS_BILLED_730) if lease["billing_hours"] == "730" else self.outlook.hours

    def first_rate_income(self, lease_id: str, term_start: int) -> Floats:
        """Income by month for $1 of rate at the first rate, before escalation and default, shape (M,)."""
        lease = self.leases[lease_id]
        used = max(float(lease["take_or_pay"]), float(lease["utilisation"]))
        size = self.shares(lease_id, term_start, "size_share") * self.shares(lease_id, term_start, "rate_share")
        return self.billed(lease_id) * size * used

    def escalation(self, lease_id: str, term_start: int) -> Floats:
        """Rate by month over the first rate, risen at each anniversary of the term, shape (M,)."""
        years = np.maximum((np.arange(self.outlook.months) - term_start) // 12, 0)
        factor: Floats = (1.0 + float(self.leases[lease_id]["escalator"])) ** years
        return factor

    def income_path(self, lease_id: str, term_start: int) -> int:
        """Path of expected income for $1 of rate: billed hours x ramp x escalator x share used x income after defaults."""
        customer = str(self.leases[lease_id]["customer_id"])
        contract = self.first_rate_income(lease_id, term_start) * self.escalation(lease_id, term_start)
        return self.shop.paths.number(
            ("income", lease_id, term_start), lambda outlook: contract * outlook.income_share[customer]
        )

    def alive_path(self, lease_id: str) -> int:
        """Path of the chance that the customer of a lease has not defaulted on the first day of a month."""
        customer = str(self.leases[lease_id]["customer_id"])
        return self.shop.paths.number(("alive at start", customer), lambda outlook: outlook.alive_at_start[customer])

    def prepaid(self, lease_id: str, term_start: int, start: int, end: int, received: bool) -> Prepaid:
        """The prepayment of a window, for $1 of rate: the lease pays its first-rate value at the start (before it, if `received`)."""
        credit = np.zeros(self.outlook.months)
        credit[start:end] = self.first_rate_income(lease_id, term_start)[start:end]
        lease = self.leases[lease_id]
        recovery = {str(row.customer_id): float(row.recovery) for row in self.outlook.case.tables["customers"].itertuples()}
        return Prepaid(credit, start, received, str(lease["customer_id"]), recovery[str(lease["customer_id"])])

    def settled_path(self, lease_id: str, term_start: int, start: int, end: int, received: bool) -> int:
        """Path by which a prepayment is used up: credited month by month, or kept when the customer defaults."""
        key = ("prepayment settled", lease_id, term_start, start, end)
        return self.shop.paths.number(key, self.prepaid(lease_id, term_start, start, end, received).settled)

    def kept_path(self, lease_id: str, term_start: int, start: int, end: int, received: bool) -> int:
        """Path of what a default makes income of a prepayment, less what then cannot be recovered a second time."""
        key = ("prepayment kept", lease_id, term_start, start, end)
        return self.shop.paths.number(key, self.prepaid(lease_id, term_start, start, end, received).kept)

    def ramped_path(self, lease_id: str, term_start: int, path: int) -> int:
        """Another path times the share of the lease's size that stands."""
        share = self.shares(lease_id, term_start, "size_share")
        whole = self.shop.paths.recipe(path)
        return self.shop.paths.number(("ramped", lease_id, term_start, path), lambda outlook: whole(outlook) * share)

    def relet_path(self, gpu_id: str) -> int:
        """Path of what a GPU earns in an hour-month when it is let again at a fraction of the market."""
        return self.shop.paths.number(("relet", gpu_id), lambda outlook: _relet(outlook, gpu_id))

    def relet_unless_renewed_path(self, gpu_id: str, lease_id: str) -> int:
        """The same, times the chance that the lease is not renewed."""
        return self.shop.paths.number(
            ("relet unless renewed", gpu_id, lease_id),
            lambda outlook: _relet(outlook, gpu_id) * (1.0 - outlook.renewed[lease_id]),
        )

    def renewal_path(self, lease_id: str, term_start: int, start: int) -> int:
        """Path of the next term's income for $1 of the first rate, times the chance of the renewal."""
        lease = self.leases[lease_id]
        used = max(float(lease["take_or_pay"]), float(lease["utilisation"]))
        last = float(self.escalation(lease_id, term_start)[min(start, self.outlook.months) - 1])
        contract = self.billed(lease_id) * used * last * float(lease["renewal_rate_share"]) * self.escalation(lease_id, start)
        customer = str(lease["customer_id"])
        return self.shop.paths.number(
            ("renewal", lease_id, term_start, start),
            lambda outlook: contract * outlook.income_share[customer] * outlook.renewed[lease_id],
        )

    def if_renewed_path(self, lease_id: str, path: int) -> int:
        """Another path times the chance that the lease is renewed."""
        whole = self.shop.paths.recipe(path)
        return self.shop.paths.number(
            ("if renewed", lease_id, path), lambda outlook: whole(outlook) * outlook.renewed[lease_id]
        )

    def contract_ends(self, rows: pd.DataFrame) -> Ints:
        """Events at which contracts end: by notice, by the customer walking away from a late start, or by their date.

        Notice is given in the first month, after those that the contract protects, in which the market stands more
        than the margin below the rate; the contract ends after the months of notice. A customer walks away when the
        phase at the head of the path, the hall or the GPUs come more than the grace after the lease was due.
        Rows need lease_id, gpu_id, rate_usd, due, term_start, from_month, to_month, head, hall_wait and delivery_wait; one event per row.
        """
        columns = ["lease_id", "gpu_id", "rate_usd", "due", "term_start", "from_month", "to_month", "head", "hall_wait", "delivery_wait"]
        keys = rows[columns].drop_duplicates().reset_index(drop=True)
        numbers = self.shop.events.computed(len(keys), lambda outlook: self._ends(keys, outlook))
        return rows[columns].merge(keys.assign(event=numbers), on=columns, how="left")["event"].to_numpy(np.int64)

    def _ends(self, keys: pd.DataFrame, outlook: Outlook) -> Ints:
        there = outlook.energised_by_scenario[keys["head"].to_numpy(np.int64)]
        waits = self.shop.events.wait_ends(outlook)
        for column in ("hall_wait", "delivery_wait"):
            there = np.maximum(there, waits[keys[column].to_numpy(np.int64)])
        planned = keys["to_month"].to_numpy(np.int64)[:, None]
        start = np.minimum(np.maximum(keys["from_month"].to_numpy(np.int64)[:, None], there), planned)
        grace = keys["lease_id"].map({name: lease["late_grace_months"] for name, lease in self.leases.items()})
        grace = grace.astype("float64").to_numpy()[:, None]
        late = start - keys["due"].to_numpy(np.int64)[:, None]
        # A planned late start is agreed; only what comes on top of it can exceed the grace.
        walks = (late > grace) & (start > keys["from_month"].to_numpy(np.int64)[:, None])
        ends = np.where(walks, start, planned)
        for number, row in enumerate(keys.itertuples()):
            if pd.notna(self.leases[row.lease_id]["notice_months"]) and row.gpu_id in outlook.market_top:
                ends[number] = np.minimum(ends[number], self._notice(row, outlook))
        return np.maximum(ends, start)

    def _notice(self, row: Any, outlook: Outlook) -> Ints:
        """Month in which the contract ends by notice in each scenario; the end of all months when none is given."""
        lease = self.leases[row.lease_id]
        price = np.broadcast_to(outlook.market_top[row.gpu_id][0], (outlook.scenarios, outlook.months))
        contract = row.rate_usd * self.escalation(row.lease_id, row.term_start)
        fallen = price < contract * (1.0 - float(lease["notice_margin"]))
        protected = max(int(row.term_start) + int(lease["notice_from_month"]), 0)
        fallen[:, :protected] = False
        given = np.where(fallen.any(axis=1), fallen.argmax(axis=1), outlook.months)
        return given + int(lease["notice_months"])

    def standing(self, rows: pd.DataFrame) -> pd.DataFrame:
        """How much of a unit stands when: columns row, start, end, share, from rows with lease_id, term_start and window."""
        ramped = self.ramped(rows)
        whole = pd.DataFrame(
            {
                "row": np.flatnonzero(~ramped),
                "start": rows["from_month"].to_numpy(np.int64)[~ramped],
                "end": rows["to_month"].to_numpy(np.int64)[~ramped],
                "share": 1.0,
            }
        )
        codes, keys = distinct(rows[ramped], ["lease_id", "term_start", "from_month", "to_month"])
        if not keys:
            return whole
        pieces = pd.concat([self._pieces(*key).assign(key=code) for code, key in enumerate(keys)])
        stepped = pd.DataFrame({"row": np.flatnonzero(ramped), "key": codes}).merge(pieces, on="key")
        return pd.concat([whole, stepped[list(whole.columns)]], ignore_index=True)

    def ramped(self, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Which rows serve a lease that has a ramp."""
        found: npt.NDArray[np.bool_] = rows["lease_id"].isin(list(self.ramps)).to_numpy(bool)
        return found

    def _pieces(self, lease_id: str, term_start: int, start: int, end: int) -> pd.DataFrame:
        """Months of a window in which the same share stands: columns start, end, share."""
        share = self.shares(lease_id, term_start, "size_share")[start:end]
        edges: Ints = np.concatenate([[0], np.flatnonzero(np.diff(share)) + 1, [len(share)]])
        return pd.DataFrame({"start": start + edges[:-1], "end": start + edges[1:], "share": share[edges[:-1]]})


def path_by_row(rows: pd.DataFrame, columns: list[str], path: Callable[..., int]) -> Ints:
    """The path of each row, asked for once for each distinct key."""
    codes, keys = distinct(rows, columns)
    return np.array([path(*key) for key in keys], dtype=np.int64)[codes]
