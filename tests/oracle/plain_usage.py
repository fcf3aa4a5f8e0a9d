"""Who uses what when: how far the levels of a plan go beyond each limit, by plain loops over units and months.

`excess[family, name][month]` is use less limit: positive means broken. What does not depend on the month
(sizes of leases, deliveries of a quarter, whole decisions) stands under month 0 alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from oracle.plain_case import PlainCase, Row
from oracle.plain_cash import plain_cash
from oracle.plain_income import served, share_of_energy_paid

Excess = dict[tuple[str, str], dict[int, float]]


class Usage:
    """Sums of use less limit by resource and month; a limit stands once in each month in which something is used."""

    def __init__(self, case: PlainCase, units: list[Row]) -> None:
        self.case, self.units = case, units
        self.use: Excess = defaultdict(lambda: defaultdict(float))
        self.limit: dict[tuple[str, str], float] = defaultdict(float)

    def add(self, family: str, name: str, amount: float, months: Iterable[int] = (0,), *, limit: float = 0.0) -> None:
        for month in months:
            self.use[family, name][month] += amount
        self.limit[family, name] = limit

    def excess(self) -> Excess:
        return {
            key: {month: used - self.limit[key] for month, used in by_month.items()}
            for key, by_month in self.use.items()
        }


def plain_excess(case: PlainCase, units: list[Row], levels: list[float]) -> Excess:
    """Use less limit of every resource, money apart."""
    usage = Usage(case, units)
    for unit, level in zip(units, levels, strict=True):
        kind = unit["kind"]
        if kind in ("own", "base", "retire") and unit["gpu_id"]:
            _gpus(usage, unit, level)
        elif kind in ("shell", "close"):
            _halls(usage, unit, level)
        elif kind in ("power", "exit", "short", "take"):
            _power(usage, unit, level)
        elif kind in ("serve", "host", "renew", "sell", "mine"):
            _work(usage, unit, level)
        elif kind == "open":
            _opening(usage, unit, level)
        elif kind in ("accept", "block"):
            _decision(usage, unit, level)
        elif kind == "back":
            held = range(unit["from_month"], unit["to_month"])
            usage.add("FIRM", unit["phase"], -level, held)
            usage.add("CURTAILABLE", unit["phase"], level, held)
            usage.add("BACKUP", unit["then_phase"], level, held)
        elif kind == "fabric":
            _fabric(usage, unit, level)
    return usage.excess()


def _parent(usage: Usage, unit: Row) -> Row:
    return usage.units[unit["parent"]]


def _gpus(usage: Usage, unit: Row, level: float) -> None:
    """GPUs stand from delivery to their sale: they offer work, less spares, and fill hall and liquid cooling."""
    case, gpu = usage.case, usage.case.gpus[unit["gpu_id"]]
    held = range(unit["from_month"], unit["to_month"])
    sign = -1.0 if unit["kind"] == "retire" else 1.0
    it_mw = level * gpu["it_kw"] / 1000
    site = case.sites[unit["site_id"]]
    usage.add("FLEET", f"{unit['site_id']}:{unit['gpu_id']}", -sign * level * (1 - gpu["spare_fraction"]), held)
    usage.add("HALL", unit["site_id"], sign * it_mw, held)
    if gpu["cooling"] == "liquid" and site["liquid_cooled_it_mw"] is not None:
        usage.add("LIQUID", unit["site_id"], sign * it_mw, held, limit=site["liquid_cooled_it_mw"])
    if unit["kind"] == "retire":
        usage.add("ENDED", _parent(usage, unit)["candidate_id"], level)
        return
    if "retire" in unit["followed_by"]:
        usage.add("ENDED", unit["candidate_id"], -level)
    if unit["kind"] == "own":
        quarter = _quarter(case, unit["from_month"])
        for row in case.rows["gpu_supply"]:
            if (row["gpu_id"], row["quarter"]) == (unit["gpu_id"], quarter):
                usage.add("SUPPLY", f"{unit['gpu_id']}:{quarter}", level, limit=row["max_gpus"])


def _quarter(case: PlainCase, month: int) -> str:
    year, first = case.settings.start.split("-")
    number = 12 * int(year) + int(first) - 1 + month
    return f"{number // 12}-Q{number % 12 // 3 + 1}"


def _halls(usage: Usage, unit: Row, level: float) -> None:
    """Halls stand from their service to their closing, within the site, its pace of building and what mining leaves."""
    case, name = usage.case, unit["site_id"]
    site, held = case.sites[name], range(unit["from_month"], unit["to_month"])
    if unit["kind"] == "close":
        usage.add("HALL", name, level, held)
        usage.add("ENDED", _parent(usage, unit)["candidate_id"], level)
        return
    usage.add("HALL", name, -level, held)
    usage.add("SITE", name, level, limit=site["critical_it_mw"])
    if site["opening_cost_usd"] > 0:
        months = [row["from_month"] for row in usage.units if row["kind"] == "open" and row["site_id"] == name]
        standing = ":existing@" in unit["candidate_id"]
        lead = int(site["conversion_lead_months" if ":conversion@" in unit["candidate_id"] else "build_lead_months"])
        ordered = max(months) if standing else min(max(unit["from_month"] - lead, 0), max(months))
        usage.add("OPEN", name, level, range(ordered, case.settings.months))
    if "close" in unit["followed_by"]:
        usage.add("ENDED", unit["candidate_id"], -level)
    if ":new@" in unit["candidate_id"] and site["build_mw_per_quarter"] is not None:
        usage.add("BUILD", f"{name}:{_quarter(case, unit['from_month'])}", level, limit=site["build_mw_per_quarter"])
    if ":conversion@" in unit["candidate_id"]:
        miners = case.mining[name]
        ratio = next(
            row["mw_per_it_mw"] for row in case.rows["power"]
            if row["site_id"] == name and row["kind"] not in ("battery", "backup_engine")
        )
        usage.add(
            "CONVERTIBLE", name, level,
            limit=min(miners["convertible_fraction"] * miners["utility_mw"] / ratio, site["critical_it_mw"]),
        )
        begun = unit["from_month"] - int(site["conversion_lead_months"])
        usage.add("MINING", name, level * ratio, range(begun, case.settings.months), limit=miners["utility_mw"])


def _power(usage: Usage, unit: Row, level: float) -> None:
    """Contracted MW from energisation to the end: offered to units, limited by the phase, its site and its group."""
    case, name = usage.case, unit["phase"]
    phase = case.phases[name]
    site = case.sites[phase["site_id"]]
    contracted = phase["committed_mw"]
    if unit["kind"] == "take" and unit["candidate_id"].endswith(":steps"):
        usage.add("OFFER", f"{name} in steps", -level * phase["step_mw"], limit=contracted)
        usage.add("LEAST_POWER", f"{name} in steps", level * phase["step_mw"], limit=-contracted)
        return
    if unit["kind"] == "take":
        usage.add("OFFER", f"{name} if taken", -level * (phase["guaranteed_mw"] - contracted), limit=contracted)
        usage.add("LEAST_POWER", name, level * (phase["min_mw"] - contracted), limit=-contracted)
        return
    held = range(unit["from_month"], unit["to_month"])
    if unit["kind"] == "short":
        usage.add("MIN_TAKE", name, -level, held)
        return
    size = {"MW": 1.0, "step": phase["step_mw"], "phase": phase["guaranteed_mw"]}[unit["unit"]]
    mw = -level if unit["kind"] == "exit" else level * size
    if phase["kind"] in ("battery", "backup_engine"):
        if any(row["kind"] == "back" and row["then_phase"] == name for row in usage.units):
            usage.add("BACKUP", name, -mw * phase["firms_mw_per_mw"], held)
    else:
        usage.add("PHASE", name, -mw, held)
    if _in_parts(usage, name) and case.firm_again(phase) > 0:
        usage.add("FIRM", name, -mw * phase["firm_share"], held)
        usage.add("CURTAILABLE", name, -mw * (1 - phase["firm_share"]), held)
    if phase["min_take"] > 0:
        usage.add("MIN_TAKE", name, mw * phase["min_take"], held)
    if site["site_group"] and phase["kind"] not in ("battery", "backup_engine"):
        (group,) = [row for row in case.rows["site_groups"] if row["site_group"] == site["site_group"]]
        usage.add("GROUP", site["site_group"], mw, held, limit=group["max_contracted_mw"])
    if unit["kind"] == "exit" or "exit" in unit["followed_by"]:
        usage.add("ENDED", f"power {name}", -mw)
    if unit["kind"] == "power":
        if site["opening_cost_usd"] > 0:
            usage.add("OFFER", f"{name} if open", mw)
        if phase["min_mw"] > contracted and not phase["lumpy"]:
            usage.add("OFFER", f"{name} if taken", mw, limit=contracted)
            usage.add("LEAST_POWER", name, -mw, limit=-contracted)
        if phase["step_mw"] is not None and 0 < contracted < phase["guaranteed_mw"]:
            usage.add("OFFER", f"{name} in steps", mw, limit=contracted)
            usage.add("LEAST_POWER", f"{name} in steps", -mw, limit=-contracted)


def _in_parts(usage: Usage, name: str) -> bool:
    """Whether something of a phase is firm while it may be curtailed, by itself or by a backup."""
    backed = any(row["kind"] == "back" and row["phase"] == name for row in usage.units)
    return backed or bool(usage.case.phases[name]["firm_share"] > 0)


def _opening(usage: Usage, unit: Row, level: float) -> None:
    """A site opened by a month may order its critical IT from then on, and sign the whole of its phases; once."""
    case, name = usage.case, unit["site_id"]
    site = case.sites[name]
    if any(row["kind"] == "shell" and row["site_id"] == name for row in usage.units):
        usage.add("OPEN", name, -level * site["critical_it_mw"], range(unit["from_month"], case.settings.months))
    usage.add("OPENED_ONCE", name, level, limit=1.0)
    for phase_name, phase in case.phases.items():
        if phase["site_id"] == name and unit["from_month"] <= _signed(case, phase):
            usage.add("OFFER", f"{phase_name} if open", -level * phase["guaranteed_mw"])


def _signed(case: PlainCase, phase: Row) -> int:
    """Month of the first commitment to a phase: what is contracted already was signed before the start."""
    return 0 if phase["committed_mw"] > 0 else max(case.promised(phase) - int(phase["lead_months"]), 0)


def _work(usage: Usage, unit: Row, level: float) -> None:
    """What a unit at work holds in each month: a GPU (or hall), power in use, energy, market depth."""
    case = usage.case
    hall, site = unit["kind"] in ("host", "mine") or not unit["gpu_id"], case.sites[unit["site_id"]]
    it_mw = 1.0 if hall else case.gpus[unit["gpu_id"]]["it_kw"] / 1000
    paid = share_of_energy_paid(case, unit) if unit["kind"] == "sell" else 1.0
    for month in range(unit["from_month"], unit["to_month"]):
        size = level * _standing(case, unit, month)
        name, phase = _phase_at(case, unit, month)
        if unit["kind"] == "mine":
            contracted, drawn = size, size * case.mining[unit["site_id"]]["uptime"]
            usage.add("MINING", unit["site_id"], size, [month], limit=case.mining[unit["site_id"]]["utility_mw"])
        else:
            contracted, drawn = size * it_mw * phase["mw_per_it_mw"], size * it_mw * site["load_factor"] * site["pue"]
            if hall:
                usage.add("HALL", unit["site_id"], size, [month])
            else:
                usage.add("FLEET", f"{unit['site_id']}:{unit['gpu_id']}", size, [month])
        usage.add("PHASE", name, contracted, [month])
        if _in_parts(usage, name) and month < case.firm_again(phase):
            usage.add("CURTAILABLE" if unit["interruptible"] else "FIRM", name, contracted, [month])
        drawn *= served(case, unit, phase, month)
        if phase["min_take"] > 0:
            usage.add("MIN_TAKE", name, -drawn * paid, [month])
    if unit["kind"] == "sell":
        (tier,) = [row for row in case.market_tiers(unit["gpu_id"]) if row["tier"] == unit["tier"]]
        if tier["depth_gpus"] is not None:
            window = range(unit["from_month"], unit["to_month"])
            usage.add("DEPTH", f"{unit['gpu_id']}:{unit['tier']}", level, window, limit=tier["depth_gpus"])
    elif unit["kind"] == "renew":
        usage.add("RENEWAL", _parent(usage, unit)["candidate_id"], level)
    elif unit["lease_id"]:
        _lease(usage, unit, level)


def _standing(case: PlainCase, unit: Row, month: int) -> float:
    """Share of a unit that stands in a month of its lease's ramp."""
    if unit["kind"] not in ("serve", "host") or not unit["lease_id"]:
        return 1.0
    lease = case.leases[unit["lease_id"]]
    planned = case.index(lease["start"])
    begun = unit["from_month"] if lease["term_from"] == "delivery" and planned >= 0 else planned
    for row in case.rows["lease_ramp"]:
        if row["lease_id"] == unit["lease_id"] and row["month_of_term"] == month - begun:
            return float(row["size_share"])
    return 1.0


def _phase_at(case: PlainCase, unit: Row, month: int) -> tuple[str, Row]:
    phase = case.phase_at(unit["phase"], unit["then_phase"], month)
    return next((name, row) for name, row in case.phases.items() if row is phase)


def units_per_gpu(case: PlainCase, unit: Row) -> float:
    """Units of a lease's size that one unit of a `serve` or `host` makes."""
    lease = case.leases[unit["lease_id"]]
    if lease["kind"] == "hosting":
        return 1.0
    rates = [row for row in case.rows["lease_rates"] if row["lease_id"] == unit["lease_id"]]
    (rate,) = [row for row in rates if (row["gpu_id"], row["tier"]) == (unit["gpu_id"], unit["tier"])]
    if rate["gpus_per_unit"] is not None:
        return float(1 / rate["gpus_per_unit"])
    if lease["size_unit"] == "it_mw":
        return float(case.gpus[unit["gpu_id"]]["it_kw"] / 1000)
    strongest = max(case.gpus[row["gpu_id"]]["performance"] for row in rates)
    return float(case.gpus[unit["gpu_id"]]["performance"] / strongest)


def decided(lease: Row) -> bool:
    """Whether taking a lease is a 0/1 decision."""
    return bool(lease["single_fabric"] or lease["all_or_nothing"] or lease["min_size"] > 0)


def least_size(lease: Row) -> float:
    return float(lease["max_size"] if lease["all_or_nothing"] else lease["min_size"])


def _lease(usage: Usage, unit: Row, level: float) -> None:
    """Size, least size, tiers, blocks, fabrics and clusters of a lease, and the term that may follow."""
    case, lease, place = usage.case, usage.case.leases[unit["lease_id"]], f"{unit['lease_id']}:{unit['site_id']}"
    size = level * units_per_gpu(case, unit)
    delivered = case.delivered(lease)
    most, least = lease["max_size"] * delivered, least_size(lease) * delivered
    usage.add("VOLUME", unit["lease_id"], size, limit=0.0 if decided(lease) else most)
    if decided(lease) or (lease["committed"] and least > 0):
        usage.add("LEAST_VOLUME", unit["lease_id"], -size, limit=-least if lease["committed"] else 0.0)
    _tranche(usage, unit, size)
    if lease["min_block"] > 0:
        usage.add("BLOCK", place, size)
        usage.add("LEAST_BLOCK", place, -size)
    if lease["single_fabric"]:
        usage.add("ON_FABRIC", place, size)
        most = case.sites[unit["site_id"]]["max_cluster_gpus"]
        if unit["gpu_id"] and most is not None:
            usage.add("CLUSTER", place, level, limit=most)
    for row in case.rows["lease_rates"]:
        if (
            (row["lease_id"], row["gpu_id"], row["tier"]) == (unit["lease_id"], unit["gpu_id"], unit["tier"])
            and row["max_units"] is not None
        ):
            usage.add("TIER", f"{unit['lease_id']}:{unit['gpu_id']}:{unit['tier']}", size, limit=row["max_units"])
    if "renew" in unit["followed_by"]:
        usage.add("RENEWAL", unit["candidate_id"], -level)
    _placed(usage, unit, level)


def _tranche(usage: Usage, unit: Row, size: float) -> None:
    """What a tranche makes of the whole lease, no more than the next one makes, the last no more than the first."""
    case, own = usage.case, usage.case.tranche(unit)
    names = [row["tranche"] for row in case.live_tranches(case.leases[unit["lease_id"]])]
    if own is None or len(names) < 2:
        return
    at, whole = names.index(own["tranche"]), size / own["size_share"]
    usage.add("TRANCHE", f"{unit['lease_id']}:{names[at]}", whole)
    usage.add("TRANCHE", f"{unit['lease_id']}:{names[at - 1]}", -whole)


def _placed(usage: Usage, unit: Row, level: float) -> None:
    """The fleet goes on serving the lease that it serves, as far as the lease's size goes."""
    case = usage.case
    serving = [row for row in case.rows["fleet"] if row["lease_id"] == unit["lease_id"]]
    here = [row for row in serving if (row["site_id"], row["gpu_id"]) == (unit["site_id"], unit["gpu_id"])]
    if not unit["gpu_id"] or not here:
        return

    def working(rows: list[Row]) -> float:
        return sum(row["gpus"] * (1 - case.gpus[row["gpu_id"]]["spare_fraction"]) for row in rows)

    fits = min(1.0, case.leases[unit["lease_id"]]["max_size"] / (working(serving) * units_per_gpu(case, unit)))
    name = f"{unit['lease_id']}:{unit['site_id']}:{unit['gpu_id']}"
    usage.add("PLACED", name, -level, limit=-float(int(working(here) * fits)))


def _decision(usage: Usage, unit: Row, level: float) -> None:
    """A lease taken (on one fabric), or a site among its blocks."""
    case, lease = usage.case, usage.case.leases[unit["lease_id"]]
    if unit["kind"] == "block":
        place = f"{unit['lease_id']}:{unit['site_id']}"
        usage.add("BLOCK", place, -level * lease["max_size"])
        usage.add("LEAST_BLOCK", place, level * lease["min_block"])
        return
    delivered = case.delivered(lease)
    least = least_size(lease) * delivered
    usage.add("VOLUME", unit["lease_id"], -level * lease["max_size"] * delivered)
    usage.add(
        "LEAST_VOLUME", unit["lease_id"], 0.0 if lease["committed"] else level * least,
        limit=-least if lease["committed"] else 0.0,
    )
    _, _, *fabric_of = unit["candidate_id"].split(":", 2)
    if not fabric_of:
        return
    (fabric,) = fabric_of
    usage.add("ACCEPTED_ONCE", unit["lease_id"], level, limit=1.0)
    members = [name for name, site in case.sites.items() if fabric in (name, f"fibre:{site['fabric_group']}")]
    if fabric.startswith("fibre:"):
        usage.add("FABRIC", f"{unit['lease_id']}:{fabric}", level)
    for other in {
        row["site_id"] for row in usage.units
        if row["kind"] in ("serve", "host") and row["lease_id"] == unit["lease_id"]
    }:
        if other in members:
            usage.add("ON_FABRIC", f"{unit['lease_id']}:{other}", -level * lease["max_size"])


def _fabric(usage: Usage, unit: Row, level: float) -> None:
    """A link that is built carries every lease that could stand on it."""
    fabric = "fibre:" + unit["candidate_id"].split(":", 1)[1]
    for other in usage.units:
        if other["kind"] == "accept" and other["candidate_id"].endswith(f":{fabric}"):
            usage.add("FABRIC", f"{other['lease_id']}:{fabric}", -level)


def plain_money(
    case: PlainCase, units: list[Row], levels: list[float], months: int, *, tail: str
) -> tuple[list[float], list[float]]:
    """New capital drawn and after-tax cash of a plan in each month of the horizon, in dollars.

    Capital: capex, deposits, upfront charges and opening costs, less prepayments received.
    """
    drawn, cash = [0.0] * case.settings.months, [0.0] * case.settings.months
    for unit, level in zip(units, levels, strict=True):
        if not level:
            continue
        statement = plain_cash(case, unit, units, months, tail=tail)
        for month in range(case.settings.months):
            cash[month] += level * statement.cash(month)
            if unit["kind"] in ("open", "shell", "power", "base", "own", "serve", "host", "fabric"):
                drawn[month] -= level * (
                    statement.lines["CAPEX"][month] + statement.lines["DEPOSITS"][month]
                    + statement.lines["OPENING"][month] + statement.received[month]
                )
    return drawn, cash


def plain_revenue(
    case: PlainCase, units: list[Row], levels: list[float], months: int, *, tail: str
) -> dict[str, dict[int, float]]:
    """Revenue of a plan by customer ("" for none: on demand, mining, the rent of the tail) and month, in dollars."""
    found: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for unit, level in zip(units, levels, strict=True):
        customer = case.leases[unit["lease_id"]]["customer_id"] if unit["lease_id"] else ""
        if not level or unit["kind"] not in ("serve", "host", "renew", "sell", "mine"):
            continue
        statement = plain_cash(case, unit, units, months, tail=tail)
        for month in range(months):
            for line in ("REVENUE", "SERVICES", "MINING", "TAIL_RENT"):
                found[customer][month] += level * statement.lines[line][month]
    return found


def quarters(case: PlainCase) -> list[tuple[str, int, int, Row | None]]:
    """Name, first month and end of each calendar quarter of the horizon, with its row of the budget."""
    found: list[tuple[str, int, int, Row | None]] = []
    budget = {row["quarter"]: row for row in case.rows["budget"]}
    for month in range(case.settings.months):
        name = _quarter(case, month)
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1], month + 1, found[-1][3])
        else:
            found.append((name, month, month + 1, budget.get(name)))
    return found
