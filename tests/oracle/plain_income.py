"""Cash of a unit at work: GPUs let, GPUs on demand, halls let and mining, by plain loops over months."""

from __future__ import annotations

from oracle.plain_case import PlainCase, Row
from oracle.plain_statement import Statement


def serve(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A GPU let to a lease over its window."""
    _contract(case, unit, cash)


def host(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A MW of powered hall let to a lease over its window; in the tail, one let for the stated rent."""
    if unit["lease_id"]:
        _contract(case, unit, cash)
        return
    phase = case.phases[unit["phase"]]
    for month in range(unit["from_month"], unit["to_month"]):
        cash.add("TAIL_RENT", month, 1000 * case.settings.tail_rent_usd_per_kw_month)
        _charges(case, phase, cash, month, phase["mw_per_it_mw"], demand=False)


def _contract(case: PlainCase, unit: Row, cash: Statement) -> None:
    lease, window = case.leases[unit["lease_id"]], range(unit["from_month"], unit["to_month"])
    planned, term = case.due(unit), int(lease["term_months"])
    begun = window.start if lease["term_from"] == "delivery" and planned >= 0 else planned
    assert window.stop == min(begun + term, cash.running_end), "a window ends with its term"
    assert window.start >= max(planned, 0)
    over = min(notice_end(case, unit), window.stop)
    offered, change = case.offered(lease), case.rate_change(lease, unit["gpu_id"])

    def income(month: int, month_of_term: int) -> float:
        """First-rate income of a month."""
        size, rate = _ramp(case, lease["lease_id"], month_of_term)
        used = max(lease["take_or_pay"], lease["utilisation"])
        return offered * change * _usd_per_month(case, unit, month) * size * rate * used

    credits = [lease["prepay_fraction"] * income(month, month - begun) for month in window]
    received = lease["signed"] or planned < 0
    # Chance that the customer was there to pay it; for what was paid before the start that is known.
    paid_by = 1.0 if received else case.alive(lease["customer_id"], window.start)
    if not received:
        cash.add("PREPAYMENT", window.start, paid_by * sum(credits))
        cash.received[window.start] += paid_by * sum(credits)
    before, recovery = paid_by, case.customers[lease["customer_id"]]["recovery"]
    for at, month in enumerate(window):
        alive = case.alive(lease["customer_id"], month + 0.5)
        # A customer that defaults in the month leaves all that it has not used up; nothing of it is owed twice.
        kept = (before - alive) * sum(credits[at:])
        cash.add("PREPAYMENT", month, -alive * credits[at] - kept)
        cash.add("REVENUE", month, kept - recovery * (paid_by - alive) * credits[at])
        before = alive
    for month in range(planned, window.start) if planned >= 0 else ():
        lost = income(month, month - planned) * case.income_share(lease["customer_id"], month)
        cash.add("PENALTIES", month, -lease["late_penalty"] * lost)
    for month in window:
        size, _ = _ramp(case, lease["lease_id"], month - begun)
        if month < over:
            escalated = (1 + lease["escalator"]) ** ((month - begun) // 12)
            paid = income(month, month - begun) * escalated * case.income_share(lease["customer_id"], month)
            cash.add("REVENUE", month, paid * (1 - _discount(case, unit, month)))
            cash.add(
                "SERVICES", month,
                size * offered * _services(lease) * escalated * case.income_share(lease["customer_id"], month),
            )
            cash.add("PENALTIES", month, -case.goodput_missed(lease) * paid)
            if case.phase_at(unit["phase"], unit["then_phase"], month)["availability"] < 0.99:
                cash.add("PENALTIES", month, -lease["sla_credit"] * paid)
            if lease["kind"] == "gpu":
                cash.add("REVENUE", month, size * (1 - offered) * _relet(case, unit["gpu_id"], month))
        else:
            size = 1.0
            cash.add("REVENUE", month, _relet(case, unit["gpu_id"], month))
        _draw(case, unit, cash, month, size * offered if lease["kind"] == "hosting" else size)


def notice_end(case: PlainCase, unit: Row) -> int:
    """Month in which a lease ends by notice, or one beyond all terms; notice is given whether or not a late unit has
    come."""
    lease, never = case.leases[unit["lease_id"]], 10**6
    tiers = case.market_tiers(unit["gpu_id"]) if unit["gpu_id"] else []
    if lease["notice_months"] is None or not tiers:
        return never
    planned = case.due(unit)
    begun = unit["from_month"] if lease["term_from"] == "delivery" and planned >= 0 else planned
    for month in range(max(begun + int(lease["notice_from_month"]), 0), unit["to_month"]):
        rate = case.rate_change(lease, unit["gpu_id"]) * _rate(case, unit)
        rate *= (1 + lease["escalator"]) ** ((month - begun) // 12)
        if case.market_price(tiers[0], month) < rate * (1 - lease["notice_margin"]):
            return max(month + int(lease["notice_months"]), unit["from_month"])
    return never


def renew(case: PlainCase, unit: Row, cash: Statement, parent: Row) -> None:
    """The next term of a `serve` or `host`, at its probability."""
    lease, start = case.leases[unit["lease_id"]], unit["from_month"]
    assert start == parent["to_month"]
    assert unit["to_month"] == min(start + int(lease["renewal_term_months"]), cash.running_end)
    chance, term = lease["renewal_probability"] * case.offered(lease), int(lease["term_months"])
    last = (1 + lease["escalator"]) ** ((term - 1) // 12)
    for month in range(start, unit["to_month"]):
        rate = last * lease["renewal_rate_share"] * (1 + lease["escalator"]) ** ((month - start) // 12)
        paid = _usd_per_month(case, unit, month) * rate * max(lease["take_or_pay"], lease["utilisation"])
        paid *= chance * case.rate_change(lease, unit["gpu_id"]) * case.income_share(lease["customer_id"], month)
        cash.add("REVENUE", month, paid * (1 - _discount(case, unit, month)))
        risen = last * (1 + lease["escalator"]) ** ((month - start) // 12)
        cash.add(
            "SERVICES", month, chance * _services(lease) * risen * case.income_share(lease["customer_id"], month)
        )
        if lease["kind"] == "gpu":
            cash.add("REVENUE", month, (1 - chance) * _relet(case, unit["gpu_id"], month))
            _draw(case, unit, cash, month, 1.0)
        else:
            _draw(case, unit, cash, month, chance)


def back(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A MW of a curtailable phase that a backup makes firm: its energy in the hours of curtailment, where it is
    dearer."""
    phase, backup = case.phases[unit["phase"]], case.phases[unit["then_phase"]]
    site = case.sites[unit["site_id"]]
    for month in range(unit["from_month"], unit["to_month"]):
        mwh = site["load_factor"] * site["pue"] / phase["mw_per_it_mw"] * case.hours(month)
        own, other = (each["availability"] * case.energy_price(each, month) for each in (phase, backup))
        cash.add("ENERGY", month, -case.curtailed(phase, month) * mwh * max(other - own, 0.0))


def _discount(case: PlainCase, unit: Row, month: int) -> float:
    """Share of the rate that is taken off in a month in which a unit may be curtailed."""
    phase = case.phase_at(unit["phase"], unit["then_phase"], month)
    may_be = unit["interruptible"] and month < case.firm_again(phase)
    return float(case.leases[unit["lease_id"]]["curtailment_discount"]) if may_be else 0.0


def served(case: PlainCase, unit: Row, phase: Row, month: int) -> float:
    """Share of the hours in which a unit has power."""
    return 1.0 - case.curtailed(phase, month) if unit["interruptible"] else 1.0


def _energy(case: PlainCase, unit: Row, phase: Row, month: int) -> float:
    return _mwh_per_it_mw(case, unit, phase, month) * _it_mw(case, unit) * case.energy_price(phase, month)


def share_of_energy_paid(case: PlainCase, unit: Row) -> float:
    """Energy paid over the energy of a unit that works throughout its window: what it counts for of a minimum take."""
    (tier,) = [row for row in case.market_tiers(unit["gpu_id"]) if row["tier"] == unit["tier"]]
    paid = whole = 0.0
    for month in range(unit["from_month"], unit["to_month"]):
        phase = case.phase_at(unit["phase"], unit["then_phase"], month)
        energy = _energy(case, unit, phase, month)
        income = case.market_price(tier, month) * tier["utilisation"] * case.hours(month)
        income *= served(case, unit, phase, month)
        whole += max(energy, 0.0)
        paid += max(energy, 0.0) * (phase["min_take"] if income < energy * (1 - phase["min_take"]) else 1.0)
    return paid / whole if whole else 1.0


def sell(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A GPU on demand; it idles, and pays only its minimum take, when its price does not cover its energy."""
    (tier,) = [row for row in case.market_tiers(unit["gpu_id"]) if row["tier"] == unit["tier"]]
    for month in range(unit["from_month"], unit["to_month"]):
        phase = case.phase_at(unit["phase"], unit["then_phase"], month)
        income = case.market_price(tier, month) * tier["utilisation"] * case.hours(month)
        income *= served(case, unit, phase, month)
        energy = _energy(case, unit, phase, month)
        idle = income < energy * (1 - phase["min_take"])
        cash.add("REVENUE", month, 0.0 if idle else income)
        cash.add("ENERGY", month, -energy * (phase["min_take"] if idle else 1.0))
        _charges(case, phase, cash, month, _it_mw(case, unit) * phase["mw_per_it_mw"], demand=True)


def mine(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A MW of contracted power drawn by miners."""
    hall, phase = case.mining[unit["site_id"]], case.phases[unit["phase"]]
    for month in range(unit["from_month"], unit["to_month"]):
        mwh = case.hours(month) * hall["uptime"] * served(case, unit, phase, month)
        hashprice = case.value(hall, "hashprice_usd_per_ph_day", "hashprice_curve", month)
        assert hashprice is not None
        cash.add("MINING", month, mwh * hashprice / (0.024 * hall["joules_per_th"]))
        cash.add("ENERGY", month, -mwh * case.energy_price(phase, month))
        cash.add("UPKEEP", month, -mwh * hall["opex_usd_per_mwh"])
        _charges(case, phase, cash, month, 1.0, demand=True)


def _rate(case: PlainCase, unit: Row) -> float:
    lease = case.leases[unit["lease_id"]]
    if lease["kind"] == "hosting":
        return float(lease["usd_per_kw_month"])
    (row,) = [
        row for row in case.rows["lease_rates"]
        if (row["lease_id"], row["gpu_id"], row["tier"]) == (unit["lease_id"], unit["gpu_id"], unit["tier"])
    ]
    return float(row["usd_per_gpu_hour"])


def _usd_per_month(case: PlainCase, unit: Row, month: int) -> float:
    """Rate of a GPU or hosted MW for a whole month, before ramp, escalation and utilisation."""
    lease = case.leases[unit["lease_id"]]
    if lease["kind"] == "hosting":
        return 1000 * _rate(case, unit)
    return _rate(case, unit) * (730.0 if lease["billing_hours"] == "730" else case.hours(month))


def _services(lease: Row) -> float:
    """What a GPU is billed by the month beside its hours."""
    return float(sum(lease[f"{what}_usd_per_gpu_month"] for what in ("storage", "network", "support")))


def _ramp(case: PlainCase, lease_id: str, month_of_term: int) -> tuple[float, float]:
    for row in case.rows["lease_ramp"]:
        if row["lease_id"] == lease_id and row["month_of_term"] == month_of_term:
            return row["size_share"], row["rate_share"]
    return 1.0, 1.0


def _relet(case: PlainCase, gpu: str, month: int) -> float:
    """Income of a GPU whose customer has left: a share of the top tier of the market."""
    tiers = case.market_tiers(gpu)
    if not tiers:
        return 0.0
    return case.settings.relet_fraction * case.market_price(
        tiers[0], month
    ) * tiers[0]["utilisation"] * case.hours(month)


def _it_mw(case: PlainCase, unit: Row) -> float:
    return float(case.gpus[unit["gpu_id"]]["it_kw"] / 1000) if unit["gpu_id"] else 1.0


def _mwh_per_it_mw(case: PlainCase, unit: Row, phase: Row, month: int) -> float:
    site = case.sites[unit["site_id"]]
    hours = case.hours(month) * served(case, unit, phase, month)
    return float(site["load_factor"] * site["pue"] * hours * phase["availability"])


def _charges(case: PlainCase, phase: Row, cash: Statement, month: int, contracted_mw: float, *, demand: bool) -> None:
    """The part of the fee that is due on MW in use alone and, with `demand`, the demand charge."""
    cash.add("FEES", month, -contracted_mw * (1 - phase["take_or_pay"]) * case.fee_usd_per_mw_month(phase, month))
    if demand:
        cash.add("ENERGY", month, -contracted_mw * 1000 * phase["demand_charge_usd_per_kw_month"])


def _draw(case: PlainCase, unit: Row, cash: Statement, month: int, size: float) -> None:
    """Energy, charges of the power in use and network of a unit under contract, `size` of it standing."""
    lease, phase = case.leases[unit["lease_id"]], case.phase_at(unit["phase"], unit["then_phase"], month)
    landlord = lease["energy_by"] == "landlord"
    it_mw = size * _it_mw(case, unit)
    if landlord:
        price = case.energy_price(phase, month, with_fuel=not phase["fuel_passed_to_tenant"])
        cash.add("ENERGY", month, -it_mw * _mwh_per_it_mw(case, unit, phase, month) * price)
    _charges(case, phase, cash, month, it_mw * phase["mw_per_it_mw"], demand=landlord)
    for link in case.rows["links"]:
        if link["lease_id"] == unit["lease_id"] and link["site_id"] == unit["site_id"] and unit["gpu_id"]:
            hours = 730.0 if lease["billing_hours"] == "730" else case.hours(month)
            cash.add("NETWORK", month, -size * link["network_usd_per_gpu_hour"] * hours)
