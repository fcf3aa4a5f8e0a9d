"""Leases and powered halls: what is billed, prepaid, credited and not paid by who defaults, month by month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise

from planner.auditing.book import Book
from planner.auditing.curves import Price, or_zero, price
from planner.auditing.customers import MIDDLE, alive, collected
from planner.auditing.published import Holding, Published, Row
from planner.auditing.usage import first_month_of_term, promised_month

SOUND_HOURS = 0.99
"""Power that is there in fewer of the hours costs a lease's service credits."""
FLAT_HOURS = 730.0


@dataclass(frozen=True)
class Contract:
    """One holding of a lease: its row, its rate and the months that it serves."""

    run: Published
    holding: Holding

    @cached_property
    def lease(self) -> Row:
        """Its row of the table `leases`."""
        return self.run.row("leases", lease_id=self.holding.lease)

    @cached_property
    def begins(self) -> int:
        """Month 0 of the term."""
        return first_month_of_term(self.run, self.holding)

    @cached_property
    def ramp(self) -> dict[int, tuple[float, float]]:
        """Shares of size and rate by month of term."""
        return {
            int(row["month_of_term"]): (float(row["size_share"]), float(row["rate_share"]))
            for row in self.run.case["lease_ramp"] if row["lease_id"] == self.holding.lease
        }

    @cached_property
    def first_rate(self) -> float:
        """$ per GPU-hour, or $ per MW-month of a hosting lease."""
        if self.lease["kind"] == "hosting":
            return 1000.0 * float(self.lease["usd_per_kw_month"])
        return float(
            self.run.row(
                "lease_rates", lease_id=self.holding.lease, gpu_id=self.holding.gpu, tier=self.holding.tier
            )["usd_per_gpu_hour"]
        )

    @cached_property
    def offered(self) -> float:
        """Mean share offered of what is sold: the chance of the offer, times the means of what factors make of its
        size; announced dates take every offer as made, and whole."""
        if self.run.base == "announced":
            return 1.0
        share = float(self.lease["offer_probability"])
        for factor in self.run.case["factors"]:
            word, _, name = str(factor["drives"]).replace("]", "").partition("[")
            if word.strip() == "offered_size" and name.strip() == self.holding.lease:
                share *= _mean_of_size(factor)
        return share

    @cached_property
    def goodput_missed(self) -> float:
        """Mean share of the fee credited because less goodput is delivered than is promised; announced dates keep every
        promise."""
        promised = self.lease["goodput_promised"]
        if promised is None or self.run.base == "announced":
            return 0.0
        pays = partial(_credit, float(promised), float(self.lease["goodput_credit"]))
        for factor in self.run.case["factors"]:
            word, _, name = str(factor["drives"]).replace("]", "").partition("[")
            if word.strip() == "goodput" and name.strip() == self.holding.lease:
                return _mean_over(factor, pays, (float(promised), _all_credited(self.lease)))
        return pays(float(self.lease["goodput_expected"]))

    @property
    def comes_about(self) -> float:
        """Chance that the tenant of a hall is there, in a next term too: an empty hall draws nothing."""
        again = float(self.lease["renewal_probability"]) if self.holding.kind == "renew" else 1.0
        return self.offered * again

    def hours_billed(self, month: int) -> float:
        """Hours of a month that a rate by the hour is paid for; 1 where the rate is by the month."""
        if self.lease["kind"] == "hosting":
            return 1.0
        return FLAT_HOURS if str(self.lease["billing_hours"]) == "730" else self.run.months.hours(month)

    @cached_property
    def share_used(self) -> float:
        """Share of the size that is paid: the larger of what must be paid and what is expected to be used."""
        return max(float(self.lease["take_or_pay"]), float(self.lease["utilisation"]))

    def rate(self, month: int) -> float:
        """The rate of a month: risen at each anniversary, at its share in the ramp."""
        at = month - self.begins
        return self.first_rate * float(1.0 + self.lease["escalator"]) ** (at // 12) * self.ramp.get(at, (1.0, 1.0))[1]

    def billed(self, month: int) -> float:
        """Dollars that a unit is billed in a month, before any default."""
        return self.rate(month) * self.hours_billed(month) * self.share_used * self.ramp.get(
            month - self.begins, (1.0, 1.0)
        )[0]

    @cached_property
    def services(self) -> float:
        """Storage, network and support of a unit in a month, before any rise; nothing where a hall is let."""
        if self.lease["kind"] == "hosting":
            return 0.0
        return sum(float(self.lease[f"{what}_usd_per_gpu_month"]) for what in ("storage", "network", "support"))

    def billed_at_first_rate(self, month: int) -> float:
        """The same without the rises: what a prepayment is a share of."""
        return self.billed(month) / float(1.0 + self.lease["escalator"]) ** ((month - self.begins) // 12)

    @cached_property
    def spot(self) -> tuple[Price, float] | None:
        """Price and utilisation of the dearest tier on demand, if the SKU has a market."""
        tiers = sorted(
            (row for row in self.run.case["market"] if row["gpu_id"] == self.holding.gpu),
            key=lambda row: int(row["tier"]),
        )
        if not tiers or not self.holding.gpu:
            return None
        return price(self.run, tiers[0], "usd_per_gpu_hour", "price_curve"), float(tiers[0]["utilisation"])

    def relet(self, month: int) -> float:
        """Dollars of a month for a unit that is let again at a share of the market."""
        if self.spot is None:
            return 0.0
        at, used = self.spot
        return float(self.run.settings.relet_fraction) * or_zero(at(month)) * used * self.run.months.hours(month)

    @cached_property
    def left_from(self) -> int:
        """First month after the customer has gone by its notice; the end where it stays."""
        if self.lease["notice_months"] is None or self.spot is None or self.lease["kind"] == "hosting":
            return self.holding.end
        protected = self.begins + int(self.lease["notice_from_month"])
        for month in range(max(protected, 0), self.holding.end):
            if or_zero(self.spot[0](month)) < (1.0 - float(self.lease["notice_margin"])) * self.rate(month):
                return min(month + int(self.lease["notice_months"]), self.holding.end)
        return self.holding.end

    @cached_property
    def prepaid_before(self) -> bool:
        """Whether its prepayment was received before the case: a lease signed, or in course at the start."""
        return bool(self.lease["signed"]) or promised_month(self.run, self.holding) < 0


def _credit(promised: float, credit: float, delivered: float) -> float:
    """Share of the fee credited at a goodput."""
    return min(1.0, credit * max(0.0, promised - delivered))


def _all_credited(lease: Row) -> float:
    """The goodput below which the whole fee is credited."""
    credit = float(lease["goodput_credit"])
    return float(lease["goodput_promised"]) - 1.0 / credit if credit else 0.0


def _mean_over(factor: Row, pays: Callable[[float], float], bends: tuple[float, ...]) -> float:
    """Mean of a function, straight but for its bends, over the draws of a factor: outcome by outcome, or by Simpson's
    rule on each straight stretch of a triangle, where it is exact."""
    if factor["model"] != "triangular":
        pairs = (part.split(":") for part in str(factor["outcomes"]).split(";"))
        return sum(pays(float(share)) * float(chance) for share, chance in pairs)
    low, mode, high = (float(factor[corner]) for corner in ("low", "mode", "high"))
    if low == high:
        return pays(low)

    def density(at: float, rising: bool) -> float:
        side = (at - low) / (mode - low) if rising else (high - at) / (high - mode)
        return 2.0 / (high - low) * side

    edges = sorted({low, mode, high, *(bend for bend in bends if low < bend < high)})
    total = 0.0
    for left, right in pairwise(edges):
        middle = (left + right) / 2.0
        total += (right - left) / 6.0 * sum(
            weight * pays(at) * density(at, right <= mode) for weight, at in ((1, left), (4, middle), (1, right))
        )
    return total


def _mean_of_size(factor: Row) -> float:
    """Mean of a share of a lease: of its outcomes by their chances, or of the corners of its triangle."""
    if factor["model"] == "triangular":
        return (float(factor["low"]) + float(factor["mode"]) + float(factor["high"])) / 3.0
    pairs = (part.split(":") for part in str(factor["outcomes"]).split(";"))
    return sum(float(size) * float(chance) for size, chance in pairs)


@dataclass
class Account:
    """What a holding of a lease earns by month, by the hour and beside it, and its prepayment: received, credited while
    the customer lives, kept at its default."""

    earned: dict[int, float] = field(default_factory=dict)
    services: dict[int, float] = field(default_factory=dict)
    received: float = 0.0
    received_month: int = 0
    owed_before: float = 0.0
    credited: float = 0.0
    kept: float = 0.0

    def earn(self, month: int, usd: float) -> None:
        """Add to the revenue of a month."""
        self.earned[month] = self.earned.get(month, 0.0) + usd


def post_lease(book: Book, contract: Contract, availability: dict[int, float], paid: dict[int, float]) -> Account:
    """The income of a lease's first term: billed, prepaid and credited, late penalties and service credits.

    paid: share of the rate that is left by month, where it may be curtailed.
    """
    run, holding, lease = contract.run, contract.holding, contract.lease
    account = Account()
    customer = str(lease["customer_id"])
    for month in range(max(holding.start, 0), holding.end):
        if month >= contract.left_from:
            account.earn(month, holding.level * contract.relet(month))
            continue
        due = contract.offered * holding.level * contract.billed(month) * collected(run, customer, month)
        account.earn(month, due * paid.get(month, 1.0))
        standing = contract.ramp.get(month - contract.begins, (1.0, 1.0))[0]
        account.earn(month, (1.0 - contract.offered) * holding.level * standing * contract.relet(month))
        if contract.services:
            risen = float(1.0 + lease["escalator"]) ** ((month - contract.begins) // 12)
            billed = contract.offered * holding.level * standing * contract.services * risen
            account.services[month] = billed * collected(run, customer, month)
        if contract.goodput_missed:
            book.post(holding.site, "penalties", month, -due * contract.goodput_missed)
        if availability.get(month, 1.0) < SOUND_HOURS:
            book.post(holding.site, "penalties", month, -due * float(lease["sla_credit"]))
    if lease["prepay_fraction"]:
        _post_prepayment(book, contract, account)
    if lease["late_penalty"]:
        for month in range(max(promised_month(run, holding), 0), holding.start):
            fee = contract.offered * holding.level * contract.first_rate
            fee *= contract.hours_billed(month) * contract.share_used
            book.post(
                holding.site, "penalties", month, -fee * float(lease["late_penalty"]) * collected(run, customer, month)
            )
    _post_income(book, holding, account)
    return account


def _post_income(book: Book, holding: Holding, account: Account) -> None:
    for month, usd in account.earned.items():
        book.post(holding.site, "revenue", month, usd)
    for month, usd in account.services.items():
        book.post(holding.site, "services", month, usd)


def _post_prepayment(book: Book, contract: Contract, account: Account) -> None:
    """A prepayment from its receipt to nothing: credited month by month, or kept as income in the month of a default.

    What a defaulted customer still pays counts on what was not prepaid alone.
    """
    run, holding = contract.run, contract.holding
    customer = str(contract.lease["customer_id"])
    share = contract.offered * holding.level * float(contract.lease["prepay_fraction"])
    credits = {
        month: share * contract.billed_at_first_rate(month) for month in range(max(holding.start, 0), holding.end)
    }
    left = sum(credits.values())
    living = before = 1.0 if contract.prepaid_before else alive(run, customer, holding.start)
    if contract.prepaid_before:
        account.owed_before = left
    else:
        account.received, account.received_month = left * living, holding.start
        book.post(holding.site, "prepayment", holding.start, left * living)
    recovery = float(run.row("customers", customer_id=customer)["recovery"])
    for month, credit in credits.items():
        now = alive(run, customer, month + MIDDLE)
        kept = (before - now) * left
        account.credited += credit * now
        account.kept += kept
        book.post(holding.site, "prepayment", month, -credit * now - kept)
        account.earn(month, kept - recovery * credit * (living - now))
        left -= credit
        before = now


def post_next_term(book: Book, contract: Contract, paid: dict[int, float]) -> Account:
    """The income of a next term: at its rate by its chance, let again at a share of the market else; paid as in
    `post_lease`."""
    run, holding, lease = contract.run, contract.holding, contract.lease
    account, chance = Account(), contract.offered * float(lease["renewal_probability"])
    rise = float(1.0 + lease["escalator"])
    rate = contract.first_rate * float(lease["renewal_rate_share"])
    for month in range(max(holding.start, 0), holding.end):
        risen = rise ** ((int(lease["term_months"]) - 1) // 12) * rise ** ((month - holding.start) // 12)
        collects = risen * collected(run, str(lease["customer_id"]), month)
        renewed = rate * collects * contract.hours_billed(month) * contract.share_used
        renewed *= paid.get(month, 1.0)
        account.earn(month, holding.level * (chance * renewed + (1.0 - chance) * contract.relet(month)))
        if contract.services:
            account.services[month] = holding.level * chance * contract.services * collects
    _post_income(book, holding, account)
    return account
