"""The books of a run: every dollar by site, line and month, from its published tables and the rows of its case."""

from __future__ import annotations

from dataclasses import dataclass

from planner.auditing.assets import Lot, gpu_lots, hall_lots, plant_lots, post_lot
from planner.auditing.book import COMPANY, Book
from planner.auditing.contracts import Account, Contract, post_lease, post_next_term
from planner.auditing.energy import Drawn, post_use
from planner.auditing.loans import payments
from planner.auditing.market import idles, on_demand_income, post_mining
from planner.auditing.phases import Phase, phases
from planner.auditing.published import Published
from planner.auditing.taxes import post_tax
from planner.auditing.usage import AtWork, at_work
from planner.auditing.write_off import written_off


@dataclass(frozen=True)
class Books:
    """The book with what it was made from: lots, phases, what was at work and drawn."""

    book: Book
    lots: tuple[Lot, ...]
    phases: dict[str, Phase]
    uses: tuple[AtWork, ...]
    drawn: Drawn
    contracts: tuple[Contract, ...]
    accounts: dict[str, Account]
    fibre: dict[str, float]


def keep_books(run: Published) -> Books:
    """Post everything that the published plan earns, pays, owns, owes and writes off."""
    book, drawn, powered = Book(), Drawn(), phases(run)
    uses = tuple(at_work(run, powered))
    contracts = tuple(Contract(run, holding) for holding in run.held("serve", "renew", "host") if holding.lease)
    lots = (*gpu_lots(run), *hall_lots(run), *plant_lots(powered))
    for lot in lots:
        post_lot(book, lot)
        _post_write_off(book, run, lot)
        _post_loan(book, run, lot)
        _post_running(book, run, lot)
    _post_uses(book, run, uses, drawn)
    accounts: dict[str, Account] = {}
    for contract in contracts:
        own = [use for use in uses if use.holding is contract.holding]
        off = float(contract.lease["curtailment_discount"])
        paid = {use.month: 1.0 - off if use.may_be_curtailed else 1.0 for use in own}
        if contract.holding.kind == "renew":
            accounts[contract.holding.name] = post_next_term(book, contract, paid)
        else:
            feeds = {use.month: float(use.phase.row["availability"]) for use in own}
            accounts[contract.holding.name] = post_lease(book, contract, feeds, paid)
    for phase in powered.values():
        _post_phase(book, run, phase)
    _post_short(book, run, powered)
    _post_backup(book, run, powered)
    _post_opening(book, run, lots, powered)
    fibre = _post_fibre(book, run)
    post_tax(book, run.settings.tax_rate)
    return Books(book, lots, powered, uses, drawn, contracts, accounts, fibre)


def _post_write_off(book: Book, run: Published, lot: Lot) -> None:
    for month, usd in written_off(run.settings.depreciation[lot.what], lot.basis, lot.service, lot.gone).items():
        book.post(lot.site, "depreciation", month, usd)


def _post_loan(book: Book, run: Published, lot: Lot) -> None:
    terms = next((row for row in run.case["debt"] if row["asset_class"] == lot.what), None)
    if terms is None or lot.loan is None:
        return
    draw = lot.loan.capex_usd * float(terms["advance_rate"])
    book.post(lot.site, "debt_draw", lot.loan.drawn, draw)
    for payment in payments(terms, draw, lot.loan.drawn, lot.loan.ends):
        book.post(lot.site, "interest", payment.month, -payment.interest)
        book.post(lot.site, "repayment", payment.month, -payment.repaid)


def _post_running(book: Book, run: Published, lot: Lot) -> None:
    """Upkeep of GPUs; staff, upkeep and rent of halls."""
    if lot.what == "gpu":
        upkeep = float(run.row("gpus", gpu_id=lot.gpu)["upkeep_usd_per_month"])
        for month in range(max(lot.service, 0), lot.gone):
            book.post(lot.site, "upkeep", month, -lot.units * upkeep)
    elif lot.what == "shell":
        site = run.row("sites", site_id=lot.site)
        rented = lot.gpu == "new" and site["shell_capex_usd_per_kw"] is None
        rent = float(site["shell_rent_usd_per_kw_month"] or 0.0) if rented else 0.0
        monthly = 1000.0 * (float(site["opex_usd_per_kw_month"]) + rent)
        for month in range(max(lot.service, 0), lot.gone):
            book.post(lot.site, "site_opex", month, -lot.units * monthly)


def _post_uses(book: Book, run: Published, uses: tuple[AtWork, ...], drawn: Drawn) -> None:
    for use in uses:
        holding = use.holding
        idle = holding.kind == "sell" and idles(run, use)
        tenant = (
            run.row("leases", lease_id=holding.lease)["energy_by"] == "tenant" if holding.lease
            else holding.kind == "host"
        )
        chance = Contract(run, holding).comes_about if holding.lease and not holding.gpu else 1.0
        post_use(book, run, use, drawn, tenant_pays=tenant, idle=idle, chance=chance)
        if holding.kind == "sell" and not idle:
            book.post(holding.site, "revenue", use.month, on_demand_income(run, use))
        elif holding.kind == "mine":
            post_mining(book, run, use)
        elif holding.kind == "host" and not holding.lease:
            book.post(
                holding.site, "tail_rent", use.month, 1000.0 * use.it_mw * run.settings.tail_rent_usd_per_kw_month
            )
        elif holding.gpu and holding.lease:
            _post_network(book, run, use)


def _post_network(book: Book, run: Published, use: AtWork) -> None:
    holding = use.holding
    link = next(
        (row for row in run.case["links"] if row["site_id"] == holding.site and row["lease_id"] == holding.lease), None
    )
    if link is not None:
        hours = Contract(run, holding).hours_billed(use.month)
        book.post(holding.site, "network", use.month, -use.units * hours * float(link["network_usd_per_gpu_hour"]))


def _post_phase(book: Book, run: Published, phase: Phase) -> None:
    """Fees due whether drawn or not, fixed costs of plant, damages for delay, what ending early costs."""
    row, site = phase.row, phase.site
    due = float(row["take_or_pay"])
    fixed = 1000.0 * float(row["fixed_om_usd_per_kw_month"]) * phase.plant_per_mw
    for month in range(max(min(phase.first_fee_month, phase.energised), 0), phase.end):
        # What is ended comes off what the whole contract costs, so that the book knows how large the sums were.
        for mw in (phase.contracted_mw, phase.standing_mw(month) - phase.contracted_mw):
            book.post(site, "fees", month, -due * phase.fee_usd_per_mw(month) * mw)
            if month >= phase.energised:
                book.post(site, "upkeep", month, -fixed * mw)
    counted = run.months.horizon if run.tail == "none" else phase.energised
    for month in range(phase.due, min(phase.energised, counted)):
        book.post(site, "penalties", month, 1000.0 * float(row["delay_damages_usd_per_kw_month"]) * phase.contracted_mw)
    deposit = 1000.0 * float(row["deposit_usd_per_kw"])
    book.post(site, "deposits", max(phase.promised - int(row["lead_months"]), 0), -deposit * phase.new_mw)
    book.post(site, "deposits", phase.deposit_back, deposit * phase.deposited_mw)
    for month, mw in phase.ended:
        book.post(site, "fees", month - 1, -1000.0 * (phase.exit_usd_per_kw(month) or 0.0) * mw)
    book.post(
        site, "credits", phase.new_from,
        float(row["tax_credit"]) * 1000.0 * float(row["capex_usd_per_kw"]) * phase.plant_per_mw * phase.new_mw,
    )


def _post_short(book: Book, run: Published, powered: dict[str, Phase]) -> None:
    """Minimum take that is not drawn: paid at the price of energy, and worth nothing where that is below zero."""
    for holding in run.held("short"):
        phase = powered[holding.phase]
        for month in range(max(holding.start, 0), holding.end):
            usd = max(phase.other_usd_per_mwh(month) + phase.fuel_usd_per_mwh(month), 0.0)
            book.post(
                phase.site, "energy", month,
                -holding.level * run.months.hours(month) * float(phase.row["availability"]) * usd,
            )


def _post_backup(book: Book, run: Published, powered: dict[str, Phase]) -> None:
    """Energy of backups in the hours of others: what it costs beyond that of the phase in its place, never less."""
    for holding in run.held("back"):
        phase, backup = powered[holding.phase], powered[holding.then]
        site = run.row("sites", site_id=phase.site)
        drawn = float(site["load_factor"]) * float(site["pue"]) / float(phase.row["mw_per_it_mw"])
        for month in range(max(holding.start, 0), holding.end):
            own, other = (
                (each.other_usd_per_mwh(month) + each.fuel_usd_per_mwh(month)) * float(each.row["availability"])
                for each in (phase, backup)
            )
            hours = run.months.hours(month) * (1.0 - phase.served(month))
            book.post(phase.site, "energy", month, -holding.level * drawn * hours * max(other - own, 0.0))


def _post_opening(book: Book, run: Published, lots: tuple[Lot, ...], powered: dict[str, Phase]) -> None:
    """A site is opened when the plan says, and not after its first commitment: a phase signed or a hall ordered."""
    for holding in run.held("open"):
        site = run.row("sites", site_id=holding.site)
        leads = {"new": int(site["build_lead_months"]), "conversion": int(site["conversion_lead_months"])}
        firsts = [
            lot.service - leads[lot.gpu] for lot in lots
            if lot.what == "shell" and lot.site == holding.site and lot.gpu in leads
        ]
        firsts += [phase.signed for phase in powered.values() if phase.site == holding.site and phase.contracted_mw > 0]
        month = max(min([holding.start, *firsts]), 0)
        book.post(holding.site, "opening", month, -holding.level * float(site["opening_cost_usd"]))


def _post_fibre(book: Book, run: Published) -> dict[str, float]:
    """Links between campuses, paid and written off by the company as halls are; what each place paid."""
    paid: dict[str, float] = {}
    for holding in run.held("fabric"):
        group = {row["site_id"] for row in run.case["sites"] if row["fabric_group"] == holding.name.partition(":")[2]}
        cost = holding.level * sum(
            float(row["fibre_capex_usd"]) for row in run.case["links"]
            if row["site_id"] in group and row["other_site_id"] in group
        )
        month = max(holding.start, 0)
        book.post(COMPANY, "capex", month, -cost)
        for at, usd in written_off(run.settings.depreciation["shell"], cost, month, None).items():
            book.post(COMPANY, "depreciation", at, usd)
        paid[COMPANY] = paid.get(COMPANY, 0.0) + cost
    return paid
