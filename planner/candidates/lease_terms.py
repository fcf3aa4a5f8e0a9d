"""What a lease pays and when: its ramp, its rate, its prepayment, its end by notice, its next term.

After a default nothing is billed and nothing is credited: what can be recovered comes in its place, and the unearned
part of a prepayment stays with the company. Where a lease is not offered, or less of it, each unit sold pays by the
share that is offered; for the rest it is let again as after notice. A rate that follows the market moves with the SKU's
price at the month of the answer, and so does all that is counted from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.cash_tables import Recipe
from planner.candidates.columns import Columns, codes_of, stacked
from planner.candidates.outlook import HOURS_BILLED_730, Outlook
from planner.candidates.tranches import walking_grace
from planner.case.table_arrays import NO_ROW
from planner.case.tables import SERVICES


def _relet(outlook: Outlook, gpu_id: str) -> Floats:
    """Relet share x market price x utilisation x hours by month; nothing for a SKU without a market."""
    if gpu_id not in outlook.market_top:
        return np.zeros(outlook.months)
    price, utilisation = outlook.market_top[gpu_id]
    return outlook.case.settings.relet_fraction * price * utilisation * outlook.hours


@dataclass(frozen=True)
class Prepaid:
    """A prepayment as it is used up. credit: what a month earns of it while the customer lives, shape (M,), zero
    outside the window. paid: share of it that is paid at all, (1,) or (S, 1)."""

    credit: Floats
    start: int
    received: bool
    customer: str
    recovery: float
    paid: Recipe

    def settled(self, outlook: Outlook) -> Floats:
        """Credited in each month while the customer lives, and all that is left in the month of its default; in sum
        what was paid."""
        return (self.credit * outlook.alive[self.customer] + self._unearned(outlook)) * self.paid(outlook)

    def kept(self, outlook: Outlook) -> Floats:
        """The unearned rest in the month of default, which is income then; recovery counts on what was not prepaid
        alone."""
        lost = self._living(outlook) - outlook.alive[self.customer]
        return (self._unearned(outlook) - self.recovery * self.credit * lost) * self.paid(outlook)

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


class LeaseTerms:
    """Paths of leases in the path book, by lease (its row) and by the month in which the term begins."""

    def __init__(self, builder: CandidateBuilder) -> None:
        self.builder = builder
        self.outlook: Outlook = builder.outlook
        tables = builder.outlook.tables
        self.leases: list[dict[str, Any]] = tables["leases"].records
        customers = tables["customers"]
        self._recovery = dict(zip(customers.texts("customer_id"), customers.floats("recovery").tolist(), strict=True))
        self._ramp_of = tables["lease_ramp"].rows_of("lease_id")

    def shares(self, lease: int, term_start: int, column: str) -> Floats:
        """`size_share` or `rate_share` of a lease by month, 1 after its ramp, shape (M,)."""
        ramp = self.outlook.tables["lease_ramp"]
        share, rows = np.ones(self.outlook.months), np.flatnonzero(self._ramp_of == lease)
        month = ramp.ints("month_of_term")[rows] + term_start
        inside = (month >= 0) & (month < self.outlook.months)
        share[month[inside]] = ramp.floats(column)[rows][inside]
        return share

    def hours_path(self, lease: int) -> int:
        """Path of the hours that a lease for GPUs bills: real ones, or 730 a month."""
        return self.builder.paths.number(("hours billed", lease), lambda outlook: self.billed(lease))

    def billed(self, lease: int) -> Floats:
        """Hours billed by month for a cluster, 1 for a hall, shape (M,)."""
        row = self.leases[lease]
        if row["kind"] == "hosting":
            return np.ones(self.outlook.months)
        return np.full(self.outlook.months, HOURS_BILLED_730) if row["billing_hours"] == "730" else self.outlook.hours

    def share_used(self, lease: int) -> float:
        """Share of the size that is paid: what is used, or the take-or-pay where that is more."""
        return max(self.leases[lease]["take_or_pay"], self.leases[lease]["utilisation"])

    def first_rate_income(self, lease: int, term_start: int) -> Floats:
        """Income by month for $1 of rate at the first rate, before escalation and default, shape (M,)."""
        size = self.shares(lease, term_start, "size_share") * self.shares(lease, term_start, "rate_share")
        return self.billed(lease) * size * self.share_used(lease)

    def escalation(self, lease: int, term_start: int) -> Floats:
        """Rate by month over the first rate, risen at each anniversary of the term, shape (M,)."""
        years = np.maximum((np.arange(self.outlook.months) - term_start) // 12, 0)
        factor: Floats = (1.0 + self.leases[lease]["escalator"]) ** years
        return factor

    @cached_property
    def uncertain(self) -> npt.NDArray[np.bool_]:
        """Which leases may be offered less, or not at all: all that are neither signed nor committed, shape
        (leases,)."""
        leases = self.outlook.tables["leases"]
        found: npt.NDArray[np.bool_] = ~(leases.flags("signed") | leases.flags("committed"))
        return found

    def moves(self, lease: int) -> bool:
        """Whether a lease may not be offered as it stands, or its rate follows the market."""
        return bool(self.uncertain[lease] or self.leases[lease]["rate_follows_market"] > 0.0)

    def offer(self, lease: int, gpu: int) -> Recipe:
        """What a lease pays of the rate in the case: the share of it that is offered, more or less where the market
        has moved, (1,) or (S, 1)."""
        lease_id, gpu_id = self.leases[lease]["lease_id"], self.builder.names.gpu(gpu)
        if not self.moves(lease):
            return lambda _: np.ones(1)
        return lambda outlook: outlook.offered[lease_id] * outlook.rate_change(lease_id, gpu_id)

    def _of_gpu(self, lease: int, gpu: int) -> int:
        """The SKU where the path of a lease depends on it, so that others share one path."""
        return gpu if self.leases[lease]["rate_follows_market"] > 0.0 else NO_ROW

    def income_path(self, lease: int, term_start: int, gpu: int) -> int:
        """Path of expected income for $1 of rate: billed hours x ramp x escalator x share used x income after defaults
        x the offer."""
        customer, offer = self.leases[lease]["customer_id"], self.offer(lease, gpu)
        contract = self.first_rate_income(lease, term_start) * self.escalation(lease, term_start)
        return self.builder.paths.number(
            ("income", lease, term_start, self._of_gpu(lease, gpu)),
            lambda outlook: contract * outlook.income_share[customer] * offer(outlook),
        )

    @cached_property
    def services_usd(self) -> Floats:
        """Storage, network and support of a GPU in the first month of each lease, dollars a month, shape (leases,)."""
        leases = self.outlook.tables["leases"]
        found: Floats = np.sum([leases.floats(name) for name in SERVICES], axis=0)
        return found

    def services_path(self, lease: int, term_start: int) -> int:
        """Path of what is billed by the month for $1 of it at first: ramp x escalator x income after defaults x the
        share offered; it follows no market, and is billed whatever of the GPUs is used."""
        customer, taken = self.leases[lease]["customer_id"], self._taken(lease)
        contract = self.shares(lease, term_start, "size_share") * self.escalation(lease, term_start)
        return self.builder.paths.number(
            ("services", lease, term_start),
            lambda outlook: contract * outlook.income_share[customer] * taken(outlook),
        )

    def next_services_path(self, lease: int, term_start: int, start: int) -> int:
        """The same of the next term, which begins at what the first ended with, times the chance of the renewal."""
        customer, lease_id = self.leases[lease]["customer_id"], self.leases[lease]["lease_id"]
        taken = self._taken(lease)
        contract = self.last_escalation(lease, term_start, start) * self.escalation(lease, start)
        return self.builder.paths.number(
            ("next services", lease, term_start, start),
            lambda outlook: contract * outlook.income_share[customer] * outlook.renewed[lease_id] * taken(outlook),
        )

    def _taken(self, lease: int) -> Recipe:
        """Share of a lease that is offered, (1,) or (S, 1)."""
        lease_id = self.leases[lease]["lease_id"]
        if not self.uncertain[lease]:
            return lambda _: np.ones(1)
        return lambda outlook: outlook.offered[lease_id]

    def last_escalation(self, lease: int, term_start: int, end: int) -> float:
        """Rate of the last month of a term over its first rate."""
        return float(self.escalation(lease, term_start)[min(end, self.outlook.months) - 1])

    def goodput_path(self, lease: int, term_start: int, gpu: int) -> int:
        """Path of what is credited of the income of `income_path` for goodput that is missed."""
        income = self.builder.paths.recipe(self.income_path(lease, term_start, gpu))
        lease_id = self.leases[lease]["lease_id"]
        return self.builder.paths.number(
            ("goodput credit", lease, term_start, self._of_gpu(lease, gpu)),
            lambda outlook: income(outlook) * outlook.goodput_credit[lease_id],
        )

    def prepaying_path(self, lease: int, gpu: int) -> int:
        """Path of the chance that the customer of a lease has not defaulted on the first day of a month, x the
        offer."""
        customer, offer = self.leases[lease]["customer_id"], self.offer(lease, gpu)
        key = ("prepaying", lease, self._of_gpu(lease, gpu)) if self.moves(lease) else ("alive at start", customer)
        return self.builder.paths.number(key, lambda outlook: outlook.alive_at_start[customer] * offer(outlook))

    def prepaid(self, lease: int, term_start: int, start: int, end: int, received: bool, gpu: int) -> Prepaid:
        """The prepayment of a window, for $1 of rate: the lease pays its first-rate value at the start (before it, if
        `received`)."""
        credit = np.zeros(self.outlook.months)
        credit[start:end] = self.first_rate_income(lease, term_start)[start:end]
        customer = self.leases[lease]["customer_id"]
        return Prepaid(credit, start, received, customer, self._recovery[customer], self.offer(lease, gpu))

    def settled_path(self, lease: int, term_start: int, start: int, end: int, received: bool, gpu: int) -> int:
        """Path by which a prepayment is used up: credited month by month, or kept when the customer defaults."""
        key = ("prepayment settled", lease, term_start, start, end, self._of_gpu(lease, gpu))
        return self.builder.paths.number(key, self.prepaid(lease, term_start, start, end, received, gpu).settled)

    def kept_path(self, lease: int, term_start: int, start: int, end: int, received: bool, gpu: int) -> int:
        """Path of what a default makes income of a prepayment, less what then cannot be recovered a second time."""
        key = ("prepayment kept", lease, term_start, start, end, self._of_gpu(lease, gpu))
        return self.builder.paths.number(key, self.prepaid(lease, term_start, start, end, received, gpu).kept)

    def ramped_path(self, lease: int, term_start: int, path: int) -> int:
        """Another path times the share of the lease's size that stands."""
        share = self.shares(lease, term_start, "size_share")
        whole = self.builder.paths.recipe(path)
        return self.builder.paths.number(("ramped", lease, term_start, path), lambda outlook: whole(outlook) * share)

    def relet_path(self, gpu: int) -> int:
        """Path of what a GPU earns in an hour-month when it is let again at a fraction of the market; nothing for
        NO_ROW."""
        name = self.builder.names.gpus[gpu]
        return self.builder.paths.number(("relet", name), lambda outlook: _relet(outlook, name))

    def relet_unless_offered_path(self, gpu: int, lease: int) -> int:
        """The same, times the share of the lease that is not offered."""
        name, lease_id = self.builder.names.gpus[gpu], self.leases[lease]["lease_id"]
        return self.builder.paths.number(
            ("relet unless offered", name, lease),
            lambda outlook: _relet(outlook, name) * (1.0 - outlook.offered[lease_id])
        )

    def relet_unless_renewed_path(self, gpu: int, lease: int) -> int:
        """The same, times the chance that the lease is not offered, or not renewed."""
        name, lease_id = self.builder.names.gpus[gpu], self.leases[lease]["lease_id"]
        return self.builder.paths.number(
            ("relet unless renewed", name, lease),
            lambda outlook: _relet(outlook, name) * (1.0 - outlook.renewed[lease_id] * outlook.offered[lease_id])
        )

    def renewal_path(self, lease: int, term_start: int, start: int, gpu: int) -> int:
        """Path of the next term's income for $1 of the first rate, times the chance of the renewal and the offer."""
        row, offer = self.leases[lease], self.offer(lease, gpu)
        last = self.last_escalation(lease, term_start, start)
        contract = self.billed(lease) * self.share_used(lease) * last * row[
            "renewal_rate_share"
        ] * self.escalation(lease, start)
        customer, lease_id = row["customer_id"], row["lease_id"]
        return self.builder.paths.number(
            ("renewal", lease, term_start, start, self._of_gpu(lease, gpu)),
            lambda outlook: contract * outlook.income_share[customer] * outlook.renewed[lease_id] * offer(outlook)
        )

    def if_renewed_path(self, lease: int, path: int) -> int:
        """Another path times the chance that the lease is offered and renewed."""
        whole, lease_id = self.builder.paths.recipe(path), self.leases[lease]["lease_id"]
        return self.builder.paths.number(
            ("if renewed", lease, path),
            lambda outlook: whole(outlook) * outlook.renewed[lease_id] * outlook.offered[lease_id],
        )

    def if_offered_path(self, lease: int, path: int) -> int:
        """Another path times the share of the lease that is offered."""
        whole, lease_id = self.builder.paths.recipe(path), self.leases[lease]["lease_id"]
        if not self.uncertain[lease]:
            return path
        return self.builder.paths.number(
            ("if offered", lease, path), lambda outlook: whole(outlook) * outlook.offered[lease_id]
        )

    def contract_ends(self, rows: Columns) -> Ints:
        """Events at which contracts end: by notice, by the customer walking away from a late start, or by their date.

        Notice is given in the first month, after those that the contract protects, in which the market stands more
        than the margin below the rate; the contract ends after the months of notice. A customer walks away when the
        phase at the head of the path, the hall or the GPUs come more than the grace after the lease was due.
        Rows need lease, tranche, gpu, rate_usd, due, term_start, from_month, to_month, head, hall_wait and
        delivery_wait; one event per row.
        """
        columns = (
            "lease", "tranche", "gpu", "rate_usd", "due", "term_start", "from_month", "to_month", "head", "hall_wait",
            "delivery_wait",
        )
        codes, first = codes_of([rows[name] for name in columns])
        keys = rows.only(*columns).take(first)
        return self.builder.events.computed(len(keys), lambda outlook: self._ends(keys, outlook))[codes]

    def _ends(self, keys: Columns, outlook: Outlook) -> Ints:
        there = outlook.energised_by_scenario[keys["head"]]
        waits = self.builder.events.wait_ends(outlook)
        for column in ("hall_wait", "delivery_wait"):
            there = np.maximum(there, waits[keys[column]])
        planned, begins = keys["to_month"][:, None], keys["from_month"][:, None]
        start = np.minimum(np.maximum(begins, there), planned)
        late, grace = start - keys["due"][:, None], walking_grace(self.outlook.tables, keys)[:, None]
        # A planned late start is agreed; only what comes on top of it can exceed the grace. Without a grace nobody
        # walks away.
        ends = np.where((late > grace) & (start > begins), start, planned)
        by_notice = np.flatnonzero(self.outlook.tables["leases"].given("notice_months")[keys["lease"]])
        noticed = ("lease", "gpu", "rate_usd", "term_start")
        codes, first = codes_of([keys[name][by_notice] for name in noticed])
        for code, (lease, gpu, rate_usd, term_start) in enumerate(
            zip(*(keys[name][by_notice[first]].tolist() for name in noticed), strict=True)
        ):
            if self.builder.names.gpu(gpu) in outlook.market_top:
                here = by_notice[codes == code]
                ends[here] = np.minimum(ends[here], self._notice(lease, gpu, rate_usd, term_start, outlook))
        return np.maximum(ends, start)

    def _notice(self, lease: int, gpu: int, rate_usd: float, term_start: int, outlook: Outlook) -> Ints:
        """Month in which the contract ends by notice in each scenario; the end of all months when none is given."""
        row = self.leases[lease]
        price = np.broadcast_to(
            outlook.market_top[self.builder.names.gpus[gpu]][0], (outlook.scenarios, outlook.months)
        )
        change = outlook.rate_change(row["lease_id"], self.builder.names.gpu(gpu)) if self.moves(lease) else 1.0
        contract = rate_usd * self.escalation(lease, term_start) * change
        fallen = price < contract * (1.0 - row["notice_margin"])
        protected = max(term_start + int(row["notice_from_month"]), 0)
        fallen[:, :protected] = False
        given = np.where(fallen.any(axis=1), fallen.argmax(axis=1), outlook.months)
        return given + int(row["notice_months"])

    def standing(self, rows: Columns) -> Columns:
        """How much of a unit stands when: columns row, start, end, share, from rows with lease, term_start and
        window."""
        ramped = self.ramped(rows)
        plain, stepped = np.flatnonzero(~ramped), np.flatnonzero(ramped)
        whole = Columns(row=plain, start=rows["from_month"][plain], end=rows["to_month"][plain], share=1.0)
        if not len(stepped):
            return whole
        window = [rows[name][stepped] for name in ("lease", "term_start", "from_month", "to_month")]
        codes, first = codes_of(window)
        keys = zip(*(column[first].tolist() for column in window), strict=True)
        pieces = stacked([self._pieces(code, *key) for code, key in enumerate(keys)])
        return stacked([whole, Columns(row=stepped, key=codes).joined(pieces, "key").only(*whole.names)])

    def ramped(self, rows: Columns) -> npt.NDArray[np.bool_]:
        """Which rows serve a lease that has a ramp."""
        return np.isin(rows["lease"], self._ramp_of)

    def _pieces(self, code: int, lease: int, term_start: int, start: int, end: int) -> Columns:
        """Months of a window in which the same share stands: columns key, start, end, share."""
        share = self.shares(lease, term_start, "size_share")[start:end]
        edges: Ints = np.concatenate([[0], np.flatnonzero(np.diff(share)) + 1, [len(share)]])
        return Columns(
            key=np.full(len(edges) - 1, code), start=start + edges[:-1], end=start + edges[1:], share=share[edges[:-1]]
        )


def path_by_row(columns: Sequence[npt.NDArray[Any]], path: Callable[..., int]) -> Ints:
    """The path of each row, asked for once for each distinct row of some columns."""
    codes, first = codes_of(columns)
    keys = zip(*(column[first].tolist() for column in columns), strict=True)
    return np.array([path(*key) for key in keys], dtype=np.int64)[codes]
