"""`serve`: an owned GPU at work for a lease; `host`: a MW of powered hall for a tenant's GPUs; `renew`: the next term."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.candidates.books import NO_PHASE
from planner.candidates.distinct import distinct
from planner.candidates.gpus import place_name
from planner.candidates.lease_offers import lease_offers
from planner.candidates.lease_terms import LeaseTerms, path_by_row
from planner.candidates.load import Leg, energy_terms, legs, power_uses
from planner.candidates.outlook import Floats, Ints
from planner.candidates.resources import Family
from planner.candidates.waits import work_waits
from planner.candidates.workshop import Block, Workshop


def add_serving(shop: Workshop, phases: pd.DataFrame, paths: pd.DataFrame) -> None:
    """All ways to serve all leases, and their next terms."""
    add_offers(shop, phases, lease_offers(shop.outlook, paths))


def add_offers(shop: Workshop, phases: pd.DataFrame, offers: pd.DataFrame) -> None:
    """Ways to serve leases, as `lease_offers` lists them, and their next terms."""
    terms = LeaseTerms(shop)
    for kind, lease_kind in (("serve", "gpu"), ("host", "hosting")):
        chosen = offers[offers["kind"] == lease_kind].reset_index(drop=True)
        if len(chosen):
            block = _add_kind(shop, kind, chosen, phases, terms)
            _add_renewals(shop, kind, chosen, block, phases, terms)


def _add_kind(shop: Workshop, kind: str, rows: pd.DataFrame, phases: pd.DataFrame, terms: LeaseTerms) -> Block:
    hall, delivery = work_waits(shop, rows, for_contract=True)
    rows = rows.assign(hall_wait=hall, delivery_wait=delivery)
    head, then = legs(shop, rows, (hall, delivery))
    income = path_by_row(rows, ["lease_id", "term_start"], terms.income_path)
    ends = terms.contract_ends(rows)
    block = shop.add(
        kind,
        _table(shop, kind, rows, "@" + rows["from_month"].map(shop.outlook.calendar.written)),
        [
            *_revenue_terms(shop, rows, head, income, ends, terms),
            *_prepayment_terms(shop, rows, terms),
            *_penalty_terms(shop, rows, phases, head, then, income, ends, terms),
            *_running_terms(shop, rows, phases, (head, then), terms),
        ],
    )
    _use(shop, kind, rows, block, phases, (head, then), terms)
    return block


def _table(shop: Workshop, kind: str, rows: pd.DataFrame, when: pd.Series) -> pd.DataFrame:
    path = rows["phase"].where(rows["then"] == NO_PHASE, rows["phase"] + ">" + rows["then_phase"])
    name = kind + ":" + rows["lease_id"] + ":" + rows["site_id"]
    name = name + (":" + rows["gpu_id"] + "/" + rows["tier"].astype(str) if kind != "host" and len(rows) else "")
    return pd.DataFrame(
        {
            "candidate_id": name + ":" + path + when,
            "site_id": rows["site_id"],
            "gpu_id": rows["gpu_id"],
            "lease_id": rows["lease_id"],
            "customer_id": rows["customer_id"],
            "phase": rows["phase"],
            "then_phase": rows["then_phase"],
            "tier": rows["tier"],
            "from_month": rows["from_month"],
            "to_month": rows["to_month"],
            "unit": np.where(rows["kind"] == "hosting", "MW", "GPU"),
            "upper": rows["max_size"] / rows["units"],
            "decide_by": rows["from_month"],
        }
    )


def _revenue_terms(shop: Workshop, rows: pd.DataFrame, head: Leg, income: Ints, ends: Ints, terms: LeaseTerms) -> list[Term]:
    """Contract income to the end of the contract, then whatever the GPU is let again for."""
    rate = rows["rate_usd"].to_numpy(np.float64)
    found: list[Term] = [WindowTerm(Line.REVENUE, rate, income, head.start_event, ends)]
    if (rows["gpu_id"] != "").any():
        path = rows["gpu_id"].map({name: terms.relet_path(name) for name in rows["gpu_id"].unique()}).to_numpy(np.int64)
        planned_end = shop.events.at(rows["to_month"].to_numpy(np.int64))
        found.append(WindowTerm(Line.REVENUE, np.ones(len(rows)), path, ends, planned_end))
    return found


def _prepayment_terms(shop: Workshop, rows: pd.DataFrame, terms: LeaseTerms) -> list[Term]:
    """Paid at the start (before it, for a lease signed or running) by a customer that lives, used up over the planned term."""
    fraction = rows["prepay_fraction"].to_numpy(np.float64) * rows["rate_usd"].to_numpy(np.float64)
    if not np.any(fraction):
        return []
    rows = rows.assign(received=rows["signed"].to_numpy(bool) | (rows["due"].to_numpy(np.int64) < 0))
    window = ["lease_id", "term_start", "from_month", "to_month", "received"]
    codes, keys = distinct(rows, window)
    value = np.array([terms.prepaid(*key).credit.sum() for key in keys])[codes]
    start, end = rows["from_month"].to_numpy(np.int64), rows["to_month"].to_numpy(np.int64)
    paid = np.where(rows["received"], 0.0, fraction * value)
    return [
        shop.running(Line.PREPAYMENT, paid, start, start + 1, path_by_row(rows, ["lease_id"], terms.alive_path)),
        shop.running(Line.PREPAYMENT, -fraction, start, end, path_by_row(rows, window, terms.settled_path)),
        shop.running(Line.REVENUE, fraction, start, end, path_by_row(rows, window, terms.kept_path)),
    ]


def _penalty_terms(
    shop: Workshop, rows: pd.DataFrame, phases: pd.DataFrame, head: Leg, then: Leg, income: Ints, ends: Ints, terms: LeaseTerms
) -> list[Term]:
    """Late months cost a share of the fee that they would have brought; poor availability costs a credit."""
    rate = rows["rate_usd"].to_numpy(np.float64)
    late = rate * rows["late_penalty"].to_numpy(np.float64)
    due = np.maximum(rows["due"].to_numpy(np.int64), 0)
    found: list[Term] = []
    if np.any(late):
        fee = path_by_row(rows, ["lease_id", "due"], terms.income_path)
        found.append(WindowTerm(Line.PENALTIES, -late, fee, shop.events.at(due), head.start_event))
    credit = rate * rows["sla_credit"].to_numpy(np.float64)
    below = phases["below_full_service"].to_numpy(bool)
    first, second = (-credit * (leg.used & below[np.where(leg.used, leg.phase, 0)]) for leg in (head, then))
    # Credits end with the contract, which may be before the bridge: a window that begins after its end is empty.
    for amount, leg in ((first, head), (second - first, then)):
        if np.any(amount):
            found.append(WindowTerm(Line.PENALTIES, amount, income, leg.start_event, ends))
    return found


def _running_terms(
    shop: Workshop, rows: pd.DataFrame, phases: pd.DataFrame, both: tuple[Leg, Leg], terms: LeaseTerms, *, renewal: str = ""
) -> list[Term]:
    """Energy, demand charges and fees of both legs, and the network, at the size that stands.

    `renewal` is the kind of the term before ("" for a first term): a hall costs energy only if it is renewed.
    """
    landlord = (rows["energy_by"] == "landlord").to_numpy() * np.ones(len(rows))
    contracted = rows["it_mw"].to_numpy(np.float64)
    drawn = _drawn_mw(rows)

    def path(number: Ints) -> Ints:
        if renewal == "host":
            return path_by_row(rows.assign(path=number), ["lease_id", "path"], terms.if_renewed_path)
        return number if renewal else _ramped(rows, number, terms)

    one = path(np.full(len(rows), shop.one()))
    found: list[Term] = []
    for leg in both:
        index = np.where(leg.used, leg.phase, 0)
        energy = path(phases["tenant_energy_path"].to_numpy(np.int64)[index])
        fee = path(phases["fee_path"].to_numpy(np.int64)[index])
        for term in energy_terms(phases, leg, drawn * landlord, contracted, energy, one, fee):
            demand = term.line is Line.ENERGY and isinstance(term, WindowTerm) and term.path is one
            found.append(_scaled(term, landlord) if demand else term)
    network = rows["network_usd_per_gpu_hour"].to_numpy(np.float64)
    if np.any(network) and (rows["gpu_id"] != "").any():
        hours = path(path_by_row(rows, ["lease_id"], terms.hours_path))
        end = shop.events.at(rows["to_month"].to_numpy(np.int64))
        found.append(WindowTerm(Line.NETWORK, -network, hours, both[0].start_event, end))
    return found


def _scaled(term: Term, factor: Floats) -> Term:
    assert isinstance(term, WindowTerm)
    return WindowTerm(term.line, term.amount * factor, term.path, term.start, term.end)


def _ramped(rows: pd.DataFrame, path: Ints, terms: LeaseTerms) -> Ints:
    """Each row's path at the size of its lease that stands."""
    found = path.copy()
    ramped = terms.ramped(rows)
    chosen = rows[ramped].assign(path=path[ramped])
    found[ramped] = path_by_row(chosen, ["lease_id", "term_start", "path"], terms.ramped_path)
    return found


def _drawn_mw(rows: pd.DataFrame) -> Floats:
    drawn: Floats = (rows["it_mw"] * rows["load_factor"] * rows["pue"]).to_numpy(np.float64)
    return drawn


def _use(
    shop: Workshop, kind: str, rows: pd.DataFrame, block: Block, phases: pd.DataFrame, both: tuple[Leg, Leg], terms: LeaseTerms
) -> None:
    """GPUs at work (or MW of hall), contracted power and energy, at the size that stands."""
    standing = terms.standing(rows)
    row = standing["row"].to_numpy(np.int64)
    start, end = standing["start"].to_numpy(np.int64), standing["end"].to_numpy(np.int64)
    share = standing["share"].to_numpy(np.float64)
    if kind == "host":
        place = shop.book.resources(Family.HALL, rows["site_id"])
    else:
        place = shop.book.resources(Family.FLEET, place_name(rows))
    it_mw = rows["it_mw"].to_numpy(np.float64)
    shop.book.uses.add(block.numbers[row], place[row], share, start, end)
    for leg in both:
        power_uses(shop, phases, leg, block.numbers, it_mw, _drawn_mw(rows), standing)


def _add_renewals(
    shop: Workshop, kind: str, rows: pd.DataFrame, served: Block, phases: pd.DataFrame, terms: LeaseTerms
) -> None:
    """The next term of what is served, at its probability; a GPU not renewed is let again at a fraction of the market."""
    outlook = shop.outlook
    hopeful = (rows["renewal_term_months"] > 0) & (rows["renewal_probability"] > 0) & (rows["to_month"] < outlook.last_month)
    chosen = rows[hopeful].copy()
    chosen["parent"] = served.numbers[hopeful.to_numpy()]
    chosen["begun"] = chosen["term_start"]
    bridged = chosen["then"] != NO_PHASE
    for end_column, then_column in (("head", "then"), ("phase", "then_phase"), ("end_head", "end_then")):
        chosen[end_column] = chosen[end_column].where(~bridged, chosen[then_column])
    chosen["then"], chosen["then_phase"], chosen["from_then"] = NO_PHASE, "", 0
    chosen["from_month"] = chosen["to_month"]
    chosen["to_month"] = (chosen["from_month"] + chosen["renewal_term_months"].astype(np.int64)).clip(upper=outlook.last_month)
    chosen["term_start"] = chosen["due"] = chosen["from_month"]
    # The ramp is over, and the first prepayment is used up.
    chosen = chosen[chosen["end_head"] >= chosen["to_month"]].reset_index(drop=True)
    if chosen.empty:
        return
    both = legs(shop, chosen)
    end = shop.events.at(chosen["to_month"].to_numpy(np.int64))
    path = path_by_row(chosen, ["lease_id", "begun", "from_month"], terms.renewal_path)
    found: list[Term] = [
        WindowTerm(Line.REVENUE, chosen["rate_usd"].to_numpy(np.float64), path, both[0].start_event, end)
    ]
    if kind == "serve":
        relet = path_by_row(chosen, ["gpu_id", "lease_id"], terms.relet_unless_renewed_path)
        found.append(WindowTerm(Line.REVENUE, np.ones(len(chosen)), relet, both[0].start_event, end))
    # A hall that is not renewed stands empty; a GPU draws energy in either case.
    found += _running_terms(shop, chosen, phases, both, terms, renewal=kind)
    table = _table(shop, "renew", chosen, "@" + chosen["from_month"].map(outlook.calendar.written))
    names = pd.Series(served.table["candidate_id"].to_numpy()[chosen["parent"].to_numpy() - served.first])
    table["candidate_id"] = "renew:" + names
    table["parent"] = chosen["parent"]
    block = shop.add("renew", table, found)
    whole = pd.DataFrame(
        {"row": np.arange(len(chosen)), "start": chosen["from_month"], "end": chosen["to_month"], "share": 1.0}
    )
    family = Family.FLEET if kind == "serve" else Family.HALL
    place = shop.book.resources(family, place_name(chosen) if kind == "serve" else chosen["site_id"])
    shop.book.uses.add(block.numbers, place, np.ones(len(chosen)), whole["start"].to_numpy(), whole["end"].to_numpy())
    it_mw = chosen["it_mw"].to_numpy(np.float64)
    for leg in both:
        power_uses(shop, phases, leg, block.numbers, it_mw, _drawn_mw(chosen), whole)
    renewal = shop.book.resources(Family.RENEWAL, names)
    ones = np.ones(len(chosen), dtype=np.int64)
    shop.book.uses.add(block.numbers, renewal, 1.0 * ones, 0 * ones, ones)
    shop.book.uses.add(chosen["parent"].to_numpy(np.int64), renewal, -1.0 * ones, 0 * ones, ones)
