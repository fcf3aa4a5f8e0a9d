"""What leases, their ramps and rates, customers and loans must obey."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from planner.case.checking.watched import about_rows_of
from planner.case.reading.given import Given
from planner.case.tables import SERVICES
from planner.case.written_dates import month_number
from planner.errors import Fault

WHOLE = 1e-6
"""What the shares of tranches may be off from the whole by."""


@about_rows_of("leases")
def check_lease_sizes(given: Given) -> Iterator[Fault]:
    """min_size and min_block <= max_size; sizes in GPUs are whole."""
    leases = given.tables["leases"]
    for column in ("min_size", "min_block"):
        yield from given.faults_where(
            "leases", leases[column] > leases.max_size, column, "more than max_size", "lower it, or raise max_size"
        )
    for column in ("min_size", "max_size", "min_block"):
        broken = (leases.kind == "gpu") & (leases.size_unit == "gpus") & (leases[column] % 1.0 > 0)
        yield from given.faults_where(
            "leases", broken, column, "a fraction of a GPU", "give whole GPUs, or set size_unit to it_mw"
        )


@about_rows_of("leases", "lease_rates")
def check_lease_rates(given: Given) -> Iterator[Fault]:
    """A hosting lease has its rate per kW and no GPU rates; a lease of GPUs has at least one row of lease_rates."""
    leases, rates = given.tables["leases"], given.tables["lease_rates"]
    hosting, gpu = leases.kind == "hosting", leases.kind == "gpu"
    per_kw = leases.usd_per_kw_month.notna()
    yield from given.faults_where(
        "leases", hosting & ~per_kw, "usd_per_kw_month", "a hosting lease without a rate",
        "give its rate in $ per kW-month of critical IT",
    )
    yield from given.faults_where(
        "leases", gpu & per_kw, "usd_per_kw_month", "a lease of GPUs with a rate per kW",
        "its rates stand in lease_rates; leave this blank, or set kind to hosting",
    )
    yield from given.faults_where(
        "leases", hosting & (leases.size_unit == "gpus"), "size_unit", "a hosting lease sized in GPUs",
        "write it_mw; the tenant brings the GPUs",
    )
    if not given.known("lease_rates", "lease_id"):
        return
    rated = set(rates.lease_id)
    for line in np.flatnonzero((gpu & ~leases.lease_id.isin(rated)).to_numpy()):
        if leases.lease_id.iloc[line]:
            yield given.fault(
                "leases", int(line), "lease_id", "a lease of GPUs without a rate",
                "add a row to lease_rates for each SKU that it accepts",
            )
    tenants = set(leases.lease_id[hosting])
    yield from given.faults_where(
        "lease_rates", rates.lease_id.isin(tenants), "lease_id", "a rate per GPU for a hosting lease",
        "remove it; a hosting lease is paid by usd_per_kw_month",
    )


@about_rows_of("leases")
def check_services(given: Given) -> Iterator[Fault]:
    """Storage, network and support are billed by the GPU of a cluster: a tenant of a hall has them from others."""
    leases = given.tables["leases"]
    for column in SERVICES:
        yield from given.faults_where(
            "leases", (leases.kind == "hosting") & (leases[column] > 0.0), column, "a hosting lease",
            "it is billed for each GPU of a cluster: leave it blank, or add it to usd_per_kw_month",
        )


@about_rows_of("leases")
def check_goodput(given: Given) -> Iterator[Fault]:
    """Goodput is promised of a cluster; what is expected of it answers a promise."""
    leases = given.tables["leases"]
    yield from given.faults_where(
        "leases", (leases.kind == "hosting") & leases.goodput_promised.notna(), "goodput_promised", "a hosting lease",
        "the tenant of a hall runs its own GPUs: leave it blank",
    )
    yield from given.faults_where(
        "leases", leases.goodput_promised.isna() & (leases.goodput_expected < 1.0), "goodput_expected",
        "nothing is promised that it could fall short of", "give goodput_promised, or leave this blank",
    )


@about_rows_of("leases")
def check_renewals(given: Given) -> Iterator[Fault]:
    """A next term has a length when it has a probability; notice has a length when it has a first month."""
    leases = given.tables["leases"]
    without_term = (leases.renewal_probability > 0) & ~(leases.renewal_term_months > 0)
    yield from given.faults_where(
        "leases", without_term, "renewal_term_months", "a renewal without a term",
        "give its months, or set renewal_probability to 0",
    )
    outside = leases.notice_from_month >= leases.term_months
    yield from given.faults_where(
        "leases", outside & leases.notice_months.notna(), "notice_from_month", "not before the term ends",
        "notice must fall within term_months",
    )


@about_rows_of("leases")
def check_offers(given: Given) -> Iterator[Fault]:
    """An offer is answered before it starts; what is signed or committed is certain, at the rate that was agreed; only
    a rate for GPUs that have a market can follow it."""
    leases, rates = given.tables["leases"], given.tables["lease_rates"]
    late = (leases.answer_by != "") & (leases.answer_by > leases.start) & (leases.start != "")
    yield from given.faults_where(
        "leases", late, "answer_by", "after the start of the lease", "give a month up to its start, or leave it blank"
    )
    agreed = leases.signed | leases.committed
    yield from given.faults_where(
        "leases", agreed & (leases.offer_probability < 1.0), "offer_probability", "a lease signed or committed",
        "it is certain: leave this blank, or clear signed and committed",
    )
    follows = leases.rate_follows_market > 0.0
    yield from given.faults_where(
        "leases", agreed & follows, "rate_follows_market", "a lease signed or committed",
        "its rate is agreed: leave this blank, or clear signed and committed",
    )
    yield from given.faults_where(
        "leases", follows & (leases.kind == "hosting"), "rate_follows_market", "a hosting lease",
        "a rate per kW follows no price of GPUs: leave it blank",
    )
    if all(
        given.known(*column)
        for column in (("lease_rates", "lease_id"), ("lease_rates", "gpu_id"), ("market", "gpu_id"))
    ):
        priced = set(rates.lease_id[rates.gpu_id.isin(set(given.tables["market"].gpu_id))])
        yield from given.faults_where(
            "leases", follows & (leases.kind == "gpu") & ~leases.lease_id.isin(priced), "rate_follows_market",
            "the market has none of its SKUs", "add rows to market for a SKU that it accepts, or leave this blank",
        )


@about_rows_of("lease_ramp")
def check_ramps(given: Given) -> Iterator[Fault]:
    """Months of a ramp lie within the term of the lease."""
    ramp = given.tables["lease_ramp"]
    terms = given.tables["leases"].drop_duplicates("lease_id").set_index("lease_id").term_months
    beyond = ramp.month_of_term >= ramp.lease_id.map(terms).astype("Int64")
    yield from given.faults_where(
        "lease_ramp", beyond, "month_of_term", "after the end of the term",
        "months of term run from 0 to term_months - 1",
    )


@about_rows_of("lease_tranches")
def check_tranches(given: Given) -> Iterator[Fault]:
    """The tranches of a lease bring all of it, and the first of them begins with it."""
    tranches = given.tables["lease_tranches"]
    if not all(given.known("lease_tranches", name) for name in ("lease_id", "size_share", "starts_after_months")):
        return
    brought = tranches.size_share.groupby(tranches.lease_id).transform("sum")
    first = tranches.starts_after_months.groupby(tranches.lease_id).transform("min")
    last = ~tranches.lease_id.duplicated(keep="last") & brought.notna()
    for line in np.flatnonzero(last & ((brought - 1.0).abs() > WHOLE)):
        yield given.fault(
            "lease_tranches", int(line), "size_share",
            f"the shares of {tranches.lease_id.iloc[line]} add up to {brought.iloc[line]:.6g}",
            "give shares that add up to 1",
        )
    for line in np.flatnonzero(last & (first > 0).fillna(False)):
        yield given.fault(
            "lease_tranches", int(line), "starts_after_months",
            f"no tranche of {tranches.lease_id.iloc[line]} begins with it",
            "give the first one 0, and move leases.start to its month",
        )


@about_rows_of("customers")
def check_guarantors(given: Given) -> Iterator[Fault]:
    """No customer guarantees itself, directly or in a ring."""
    customers = given.tables["customers"]
    guarantor = dict(zip(customers.customer_id, customers.guarantor, strict=True))
    for line, customer in enumerate(customers.customer_id):
        seen, current = {customer}, guarantor[customer]
        while current and current in guarantor and current not in seen:
            seen.add(current)
            current = guarantor[current]
        if customer and current == customer:
            yield given.fault(
                "customers", line, "guarantor", f"{customer} ends up as its own guarantor",
                "name a guarantor that stands outside the ring, or none",
            )


@about_rows_of("exit_fees")
def check_exit_fees(given: Given) -> Iterator[Fault]:
    """A fee by age is of a phase that there is, and that has no single one."""
    fees, power = given.tables["exit_fees"], given.tables["power"]
    if not (given.known("power", "source_id") and given.known("power", "phase")):
        return
    single = dict(zip(zip(power.source_id, power.phase, strict=True), power.exit_fee_usd_per_kw.notna(), strict=True))
    sources = set(power.source_id)
    for line, (source, phase) in enumerate(zip(fees.source_id, fees.phase, strict=True)):
        if given.is_refused("exit_fees", line, "source_id", "phase") or source not in sources:
            continue
        if (source, phase) not in single:
            yield given.fault(
                "exit_fees", line, "phase", f"power has no phase {phase!r} of {source!r}", "name a phase of this source"
            )
        elif single[source, phase]:
            yield given.fault(
                "exit_fees", line, "usd_per_kw", "the phase has exit_fee_usd_per_kw too", "keep one of the two"
            )
@about_rows_of("customer_shares")
def check_share_years(given: Given) -> Iterator[Fault]:
    """A year does not end before the start."""
    years = given.tables["customer_shares"].year
    if given.settings is not None:
        past = years < month_number(given.settings.start) // 12
        yield from given.faults_where(
            "customer_shares", past, "year", f"ends before the start {given.settings.start}",
            "remove the row, or correct the year",
        )


@about_rows_of("power")
def check_deposits(given: Given) -> Iterator[Fault]:
    """A deposit comes back with first power or after it, within the term."""
    power = given.tables["power"]
    dated = power.deposit_returned != ""
    yield from given.faults_where(
        "power", dated & ~(power.deposit_usd_per_kw > 0.0), "deposit_returned", "there is no deposit to return",
        "give deposit_usd_per_kw, or leave this blank",
    )
    yield from given.faults_where(
        "power", dated & (power.energised != "") & (power.deposit_returned < power.energised), "deposit_returned",
        "before first power", "leave it blank where the deposit comes back with first power",
    )
    for line in np.flatnonzero(dated & (power.energised != "") & power.term_months.notna()):
        ends = month_number(power.energised.iloc[line]) + int(power.term_months.iloc[line])
        if month_number(power.deposit_returned.iloc[line]) >= ends:
            yield given.fault(
                "power", int(line), "deposit_returned", "after the end of the contract",
                "give a month within term_months of first power",
            )


@about_rows_of("debt")
def check_loans(given: Given) -> Iterator[Fault]:
    """Repayment begins before the loan ends."""
    debt = given.tables["debt"]
    yield from given.faults_where(
        "debt", debt.grace_months >= debt.tenor_months, "grace_months", "not less than tenor_months",
        "leave months in which to repay",
    )


CONTRACT_CHECKS: tuple[Callable[[Given], Iterator[Fault]], ...] = (
    check_lease_sizes,
    check_lease_rates,
    check_services,
    check_goodput,
    check_renewals,
    check_offers,
    check_ramps,
    check_tranches,
    check_guarantors,
    check_exit_fees,
    check_deposits,
    check_share_years,
    check_loans,
)
