"""`serve`: an owned GPU at work for a lease; `host`: a MW of powered hall for a tenant's GPUs; `renew`: the next
term."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import Block, CandidateBuilder
from planner.candidates.cash_tables import NO_PHASE
from planner.candidates.columns import Columns, codes_of
from planner.candidates.firmness import PART
from planner.candidates.kinds import Kind
from planner.candidates.lease_offers import lease_offers
from planner.candidates.lease_terms import LeaseTerms, path_by_row
from planner.candidates.load import Leg, energy_terms, legs, power_uses, whole_units
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family
from planner.candidates.tranches import part_sizes
from planner.candidates.waits import work_waits
from planner.case.table_arrays import NO_ROW


def add_serving(builder: CandidateBuilder, phases: Columns, paths: Columns) -> None:
    """All ways to serve all leases, and their next terms."""
    add_offers(builder, phases, lease_offers(builder.outlook, paths))


def add_offers(builder: CandidateBuilder, phases: Columns, offers: Columns) -> None:
    """Ways to serve leases, as `lease_offers` lists them, and their next terms."""
    terms = LeaseTerms(builder)
    hosting = offers["gpu"] == NO_ROW
    for kind, chosen in ((Kind.SERVE, offers.take(~hosting)), (Kind.HOST, offers.take(hosting))):
        if len(chosen):
            block = _add_kind(builder, kind, chosen, phases, terms)
            _add_renewals(builder, kind, chosen, block, phases, terms)


def _add_kind(builder: CandidateBuilder, kind: Kind, rows: Columns, phases: Columns, terms: LeaseTerms) -> Block:
    hall, delivery = work_waits(builder, rows, for_contract=True)
    rows = rows.having(hall_wait=hall, delivery_wait=delivery)
    head, then = legs(builder, rows, (hall, delivery))
    income = path_by_row([rows["lease"], rows["term_start"], rows["gpu"]], terms.income_path)
    ends = terms.contract_ends(rows)
    block = builder.add(
        kind,
        lambda: _ids(builder, kind, rows),
        _columns(builder, kind, rows),
        [
            *_revenue_terms(builder, kind, rows, head, income, ends, terms),
            *_discount_terms(builder, rows, phases, (head, then), income, ends),
            *_prepayment_terms(builder, rows, terms),
            *_penalty_terms(builder, rows, phases, head, then, income, ends, terms),
            *_running_terms(builder, kind, rows, phases, (head, then), terms),
        ],
    )
    _use(builder, kind, rows, block.numbers, phases, (head, then), terms.standing(rows))
    return block


def _ids(builder: CandidateBuilder, kind: Kind, rows: Columns) -> Sequence[str]:
    """KIND:LEASE:SITE:PATH@MONTH, with the tranche after the lease, where it has some, and GPU/TIER after the site for
    a cluster; a bridge is A>B."""
    names = builder.names
    parts = zip(
        names.leases[rows["lease"]], names.tranches[rows["tranche"]], names.sites[rows["site"]],
        names.gpus[rows["gpu"]], rows["tier"].tolist(), names.phases[rows["head"]], names.phases[rows["then"]],
        PART[rows["interruptible"]].tolist(), names.months(rows["from_month"]), strict=True,
    )
    cluster = kind is Kind.SERVE
    return [
        f"{kind}:{lease}{f':{tranche}' if tranche else ''}:{site}{f':{gpu}/{tier}' if cluster else ''}"
        f":{head}{f'>{then}' if then else ''}{part}@{when}"
        for lease, tranche, site, gpu, tier, head, then, part, when in parts
    ]


def _columns(builder: CandidateBuilder, kind: Kind, rows: Columns) -> Columns:
    leases = builder.outlook.tables["leases"]
    return Columns(
        len(rows),
        **{
            name: rows[name]
            for name in (
                "site", "gpu", "lease", "tranche", "then", "tier", "interruptible", "from_month", "to_month"
            )
        },
        customer=leases.rows_of("customer_id")[rows["lease"]],
        phase=rows["head"],
        unit="GPU" if kind is Kind.SERVE else "MW",
        upper=part_sizes(builder.outlook.tables, rows) / rows["units"],
        decide_by=rows["from_month"],
    )


def _revenue_terms(
    builder: CandidateBuilder, kind: Kind, rows: Columns, head: Leg, income: Ints, ends: Ints, terms: LeaseTerms
) -> list[Term]:
    """Contract income and services to the end of the contract, then whatever the GPU is let again for, as in place of
    what is not offered."""
    found: list[Term] = [WindowTerm(Line.REVENUE, rows["rate_usd"], income, head.start_event, ends)]
    if kind is Kind.SERVE:
        doubtful = terms.uncertain[rows["lease"]]
        if doubtful.any():
            path = _ramped(rows, path_by_row([rows["gpu"], rows["lease"]], terms.relet_unless_offered_path), terms)
            found.append(WindowTerm(Line.REVENUE, doubtful.astype(np.float64), path, head.start_event, ends))
        path = path_by_row([rows["gpu"]], terms.relet_path)
        found.append(WindowTerm(Line.REVENUE, np.ones(len(rows)), path, ends, builder.events.at(rows["to_month"])))
        services = terms.services_usd[rows["lease"]]
        if np.any(services):
            path = path_by_row([rows["lease"], rows["term_start"]], terms.services_path)
            found.append(WindowTerm(Line.SERVICES, services, path, head.start_event, ends))
    return found


def _discount_terms(
    builder: CandidateBuilder, rows: Columns, phases: Columns, both: tuple[Leg, Leg], income: Ints, ends: Ints
) -> list[Term]:
    """What is taken off the rate for the right to curtail, while the phase that feeds may be curtailed: on the first
    leg, and from the second on of that one in its place."""
    discount = builder.outlook.tables["leases"].floats("curtailment_discount")[rows["lease"]] * rows["interruptible"]
    found: list[Term] = []
    for amount, until_of, leg in (
        (discount, both[0], both[0]), (-discount * both[1].used, both[0], both[1]),
        (discount * both[1].used, both[1], both[1]),
    ):
        if np.any(amount):
            until = phases["firm_from"][np.where(until_of.used, until_of.phase, 0)]
            path = path_by_row([until, income], partial(_path_before, builder))
            found.append(WindowTerm(Line.REVENUE, -amount * rows["rate_usd"], path, leg.start_event, ends))
    return found


def _path_before(builder: CandidateBuilder, until: int, path: int) -> int:
    """Another path in the months before one, and nothing from it on."""
    whole, before = builder.paths.recipe(path), (np.arange(builder.outlook.months) < until).astype(np.float64)
    return builder.paths.number(("before", until, path), lambda outlook: whole(outlook) * before)


def _prepayment_terms(builder: CandidateBuilder, rows: Columns, terms: LeaseTerms) -> list[Term]:
    """Paid at the start (before it, for a lease signed or running) by a customer that lives, used up over the planned
    term."""
    leases, lease = builder.outlook.tables["leases"], rows["lease"]
    fraction = leases.floats("prepay_fraction")[lease] * rows["rate_usd"]
    if not np.any(fraction):
        return []
    start, end = rows["from_month"], rows["to_month"]
    received = leases.flags("signed")[lease] | (rows["due"] < 0)
    window = [lease, rows["term_start"], start, end, received, rows["gpu"]]
    codes, first = codes_of(window)
    keys = zip(*(column[first].tolist() for column in window), strict=True)
    value = np.array([terms.prepaid(*key).credit.sum() for key in keys])[codes]
    paid = np.where(received, 0.0, fraction * value)
    return [
        builder.running(
            Line.PREPAYMENT, paid, start, start + 1, path_by_row([lease, rows["gpu"]], terms.prepaying_path)
        ),
        builder.running(Line.PREPAYMENT, -fraction, start, end, path_by_row(window, terms.settled_path)),
        builder.running(Line.REVENUE, fraction, start, end, path_by_row(window, terms.kept_path)),
    ]


def _penalty_terms(
    builder: CandidateBuilder, rows: Columns, phases: Columns, head: Leg, then: Leg, income: Ints, ends: Ints,
    terms: LeaseTerms
) -> list[Term]:
    """Late months cost a share of the fee that they would have brought; poor availability and missed goodput cost a
    credit."""
    leases, lease, rate = builder.outlook.tables["leases"], rows["lease"], rows["rate_usd"]
    late = rate * leases.floats("late_penalty")[lease]
    found: list[Term] = []
    if np.any(late):
        fee = path_by_row([lease, rows["due"], rows["gpu"]], terms.income_path)
        found.append(
            WindowTerm(Line.PENALTIES, -late, fee, builder.events.at(np.maximum(rows["due"], 0)), head.start_event)
        )
    credit = rate * leases.floats("sla_credit")[lease]
    below = phases["below_full_service"]
    first, second = (-credit * (leg.used & below[np.where(leg.used, leg.phase, 0)]) for leg in (head, then))
    # Credits end with the contract, which may be before the bridge: a window that begins after its end is empty.
    for amount, leg in ((first, head), (second - first, then)):
        if np.any(amount):
            found.append(WindowTerm(Line.PENALTIES, amount, income, leg.start_event, ends))
    promised = np.flatnonzero(leases.given("goodput_promised")[lease])
    if len(promised):
        path = np.full(len(rows), builder.one())
        path[promised] = path_by_row(
            [rows[name][promised] for name in ("lease", "term_start", "gpu")], terms.goodput_path
        )
        amount = np.zeros(len(rows))
        amount[promised] = -rate[promised]
        found.append(WindowTerm(Line.PENALTIES, amount, path, head.start_event, ends))
    return found


def _running_terms(
    builder: CandidateBuilder, kind: Kind, rows: Columns, phases: Columns, both: tuple[Leg, Leg], terms: LeaseTerms, *,
    next_term: bool = False
) -> list[Term]:
    """Energy, demand charges and fees of both legs, and the network, at the size that stands.

    A hall costs energy only if its lease is offered, and in a next term if it is renewed; a GPU draws it in either
    case.
    """
    lease = rows["lease"]
    landlord = (builder.outlook.tables["leases"].texts("energy_by") == "landlord")[lease].astype(np.float64)
    drawn = _drawn_mw(builder, rows)

    def path(number: Ints) -> Ints:
        if not next_term:
            offered = path_by_row([lease, number], terms.if_offered_path) if kind is Kind.HOST else number
            return _ramped(rows, offered, terms)
        return path_by_row([lease, number], terms.if_renewed_path) if kind is Kind.HOST else number

    one = path(np.full(len(rows), builder.one()))
    found: list[Term] = []
    for leg in both:
        index = np.where(leg.used, leg.phase, 0)
        full = np.where(
            rows["interruptible"] == 1, phases["curtailed_tenant_energy_path"][index],
            phases["tenant_energy_path"][index],
        )
        energy, fee = path(full), path(phases["fee_path"][index])
        for term in energy_terms(phases, leg, drawn * landlord, rows["it_mw"], energy, one, fee):
            demand = term.line is Line.ENERGY and isinstance(term, WindowTerm) and term.path is one
            found.append(_scaled(term, landlord) if demand else term)
    network = rows["network_usd_per_gpu_hour"]
    if np.any(network) and kind is Kind.SERVE:
        hours = path(path_by_row([lease], terms.hours_path))
        found.append(
            WindowTerm(Line.NETWORK, -network, hours, both[0].start_event, builder.events.at(rows["to_month"]))
        )
    return found


def _scaled(term: Term, factor: Floats) -> Term:
    assert isinstance(term, WindowTerm)
    return WindowTerm(term.line, term.amount * factor, term.path, term.start, term.end)


def _ramped(rows: Columns, path: Ints, terms: LeaseTerms) -> Ints:
    """Each row's path at the size of its lease that stands."""
    found, ramped = path.copy(), np.flatnonzero(terms.ramped(rows))
    found[ramped] = path_by_row([rows["lease"][ramped], rows["term_start"][ramped], path[ramped]], terms.ramped_path)
    return found


def _drawn_mw(builder: CandidateBuilder, rows: Columns) -> Floats:
    """Mean MW drawn by a unit at work."""
    sites = builder.outlook.tables["sites"]
    drawn: Floats = rows["it_mw"] * sites.floats("load_factor")[rows["site"]] * sites.floats("pue")[rows["site"]]
    return drawn


def _use(
    builder: CandidateBuilder, kind: Kind, rows: Columns, numbers: Ints, phases: Columns, both: tuple[Leg, Leg],
    standing: Columns,
) -> None:
    """GPUs at work (or MW of hall), contracted power and energy, at the size that stands."""
    if kind is Kind.HOST:
        place = builder.book.resources(Family.HALL, rows["site"], builder.names.site)
    else:
        place = builder.book.resources(Family.FLEET, (rows["site"], rows["gpu"]), builder.names.place)
    row = standing["row"]
    builder.book.uses.add(numbers[row], place[row], standing["share"], standing["start"], standing["end"])
    for leg in both:
        power_uses(
            builder, phases, leg, numbers, rows["it_mw"], _drawn_mw(builder, rows), standing, rows["interruptible"]
        )


def _add_renewals(
    builder: CandidateBuilder, kind: Kind, rows: Columns, served: Block, phases: Columns, terms: LeaseTerms
) -> None:
    """The next term of what is served, at its probability; a GPU not renewed is let again at a fraction of the
    market."""
    chosen = next_terms(builder.outlook, rows.having(parent=served.numbers))
    if not len(chosen):
        return
    both = legs(builder, chosen)
    lease, begins, last = chosen["lease"], both[0].start_event, builder.events.at(chosen["to_month"])
    path = path_by_row([lease, chosen["begun"], chosen["from_month"], chosen["gpu"]], terms.renewal_path)
    found: list[Term] = [WindowTerm(Line.REVENUE, chosen["rate_usd"], path, begins, last)]
    if kind is Kind.SERVE:
        relet = path_by_row([chosen["gpu"], lease], terms.relet_unless_renewed_path)
        found.append(WindowTerm(Line.REVENUE, np.ones(len(chosen)), relet, begins, last))
        services = terms.services_usd[lease]
        if np.any(services):
            path = path_by_row([lease, chosen["begun"], chosen["from_month"]], terms.next_services_path)
            found.append(WindowTerm(Line.SERVICES, services, path, begins, last))
    found += _discount_terms(builder, chosen, phases, both, path, last)
    found += _running_terms(builder, kind, chosen, phases, both, terms, next_term=True)
    parent = chosen["parent"]

    def ids() -> Sequence[str]:
        return [f"renew:{name}" for name in served.candidate_ids[parent - served.first]]

    block = builder.add(Kind.RENEW, ids, _columns(builder, kind, chosen).having(parent=parent), found)
    _use(builder, kind, chosen, block.numbers, phases, both, whole_units(chosen["from_month"], chosen["to_month"]))
    names = served.candidate_ids
    renewal = builder.book.resources(Family.RENEWAL, parent, lambda number: str(names[number - served.first]))
    builder.book.uses.add(block.numbers, renewal, 1.0, 0, 1)
    builder.book.uses.add(parent, renewal, -1.0, 0, 1)


def next_terms(outlook: Outlook, rows: Columns) -> Columns:
    """The next terms of ways to serve leases that may be renewed and whose power lasts: the same rows (columns as
    `lease_offers`, and others that are kept) from the end of the first term on, with column begun, the start of that
    one."""
    leases = outlook.tables["leases"]
    months = leases.ints("renewal_term_months")[rows["lease"]]
    chance = leases.floats("renewal_probability")[rows["lease"]]
    hopeful = np.flatnonzero((months > 0) & (chance > 0.0) & (rows["to_month"] < outlook.last_month))
    chosen = rows.take(hopeful)
    start, bridged = chosen["to_month"], chosen["then"] != NO_PHASE
    # The ramp is over, and the first prepayment is used up.
    chosen = chosen.having(
        begun=chosen["term_start"], from_month=start, term_start=start, due=start,
        to_month=np.minimum(start + months[hopeful], outlook.last_month),
        head=np.where(bridged, chosen["then"], chosen["head"]),
        end_head=np.where(bridged, chosen["end_then"], chosen["end_head"]),
        then=np.full(len(chosen), NO_PHASE), from_then=0,
    )
    return chosen.take(chosen["end_head"] >= chosen["to_month"])
