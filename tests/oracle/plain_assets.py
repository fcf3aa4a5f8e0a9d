"""Cash of a unit of what is owned or contracted: GPUs, halls, power and their early ends, by plain loops over
months."""

from __future__ import annotations

from oracle.plain_case import PlainCase, Row
from oracle.plain_statement import Statement


def own(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A GPU delivered in month t, with deposit, upkeep over its life, depreciation and resale at its end.

    It ends with its life, or with the horizon where everything is sold then; what is left of its basis goes in its last
    month. Late by some months, it is paid, written off and kept up from then on, and still leaves when it was to; what
    it costs beyond the plan is paid in month t.
    """
    gpu, t = case.gpus[unit["gpu_id"]], unit["from_month"]
    price, life = case.gpu_price(unit["gpu_id"], t), min(int(gpu["life_months"]), cash.running_end - t)
    cash.add("CAPEX", max(t - int(gpu["deposit_lead_months"]), 0), -price * gpu["deposit_fraction"])
    there = t + max(case.slip("delivery", unit["gpu_id"]), 0)
    cash.add("CAPEX", there, -price * (1 - gpu["deposit_fraction"]))
    cash.add("CAPEX", t, -price * case.overrun("gpu"))
    for age, share in enumerate(cut(case.write_off("gpu"), life)):
        cash.add("DEPRECIATION", there + age, price * share)
    _over_budget(cash, case.write_off("gpu"), price * case.overrun("gpu"), there, t + life)
    cash.run("UPKEEP", there, t + life, -gpu["upkeep_usd_per_month"])
    cash.add("RESALE", t + life - 1, price * case.resale_share(unit["gpu_id"], life))


def cut(shares: list[float], months: int) -> list[float]:
    """Shares of an asset that ends after some months: what is left then falls in the last of them."""
    kept = [*shares[:months], *[0.0] * max(months - len(shares), 0)]
    kept[-1] += sum(shares[months:])
    return kept


def _over_budget(cash: Statement, shares: list[float], usd: float, service: int, end: int) -> None:
    """What is paid over budget is written off from service to the planned end, or at that end if service comes no
    sooner."""
    for age, share in enumerate(cut(shares, end - service) if service < end else []):
        cash.add("DEPRECIATION", service + age, usd * share)
    if service >= end:
        cash.add("DEPRECIATION", end - 1, usd)


def base(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A GPU of the fleet: no capex, the rest of its tax basis over the rest of the schedule.

    Or what comes off for the MW of a phase that were contracted, and so paid for, before the start.
    """
    if unit["candidate_id"].startswith("base:paid "):
        phase = case.phases[unit["phase"]]
        _built(case, phase, -phase["committed_mw"], cash)
        signed = max(case.promised(phase) - int(phase["lead_months"]), 0)
        cash.add("DEPOSITS", signed, phase["committed_mw"] * 1000 * phase["deposit_usd_per_kw"])
        return
    gpu = case.gpus[unit["gpu_id"]]
    bought = bought_month(case, unit)
    end = min(bought + int(gpu["life_months"]), cash.running_end)
    for month, amount in enumerate(_fleet_write_off(case, unit, end)):
        cash.add("DEPRECIATION", month, amount)
    cash.run("UPKEEP", 0, end, -gpu["upkeep_usd_per_month"])
    cash.add("RESALE", end - 1, case.gpu_price(unit["gpu_id"], 0) * case.resale_share(unit["gpu_id"], end - bought))


def bought_month(case: PlainCase, unit: Row) -> int:
    """The month in which a unit of the fleet was bought, read from its name (`base:site:gpu@YYYY-MM`)."""
    return case.index(unit["candidate_id"].rsplit("@", 1)[1])


def _fleet_write_off(case: PlainCase, unit: Row, end: int) -> list[float]:
    bought = bought_month(case, unit)
    place = (unit["site_id"], unit["gpu_id"], bought)
    (row,) = [row for row in case.rows["fleet"] if (row["site_id"], row["gpu_id"], case.index(row["bought"])) == place]
    rest = case.write_off("gpu")[-bought:]
    left = sum(rest)
    shares = [share / left for share in rest] if left > 0 else [1.0]
    return [row["tax_basis_usd_per_gpu"] * share for share in cut(shares, end)]


def retire(case: PlainCase, unit: Row, cash: Statement, parent: Row) -> None:
    """A GPU sold in month e instead of at its end of life: what that adds to the cash of its `own` or `base`."""
    gpu, e = case.gpus[unit["gpu_id"]], unit["from_month"]
    t = bought_month(case, parent) if parent["kind"] == "base" else parent["from_month"]
    life = min(int(gpu["life_months"]), cash.running_end - t)
    if parent["kind"] == "base":
        price = case.gpu_price(unit["gpu_id"], 0)
        rest = _fleet_write_off(case, parent, t + life)[e:]
    else:
        price = case.gpu_price(unit["gpu_id"], t)
        rest = [price * share for share in cut(case.write_off("gpu"), life)[e - t :]]
    cash.add("RESALE", e - 1, price * case.resale_share(unit["gpu_id"], e - t))
    cash.add("RESALE", t + life - 1, -price * case.resale_share(unit["gpu_id"], life))
    cash.run("UPKEEP", e, t + life, gpu["upkeep_usd_per_month"])
    _written_off_at_once(cash, e, rest)


def _written_off_at_once(cash: Statement, month: int, rest: list[float]) -> None:
    """What would have been written off from `month` on is written off in the month before."""
    for later, amount in enumerate(rest):
        cash.add("DEPRECIATION", month + later, -amount)
    cash.add("DEPRECIATION", month - 1, sum(rest))


def shell(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A MW of halls from its month of service to the end of all: standing, built, rented or converted from mining.

    Late by some months, it is paid as planned, and written off and run from then on; what stands is never late.
    """
    site, s = case.sites[unit["site_id"]], unit["from_month"]
    capex, lead = _hall_capex_and_lead(site, unit)
    for month in range(s - lead, s) if lead else [s]:
        cash.add("CAPEX", month, -capex * (1 + case.overrun("shell")) / max(lead, 1))
    late = 0 if ":existing@" in unit["candidate_id"] else max(case.slip("construction", unit["site_id"]), 0)
    end = cash.running_end
    for age, share in enumerate(cut(case.write_off("shell"), end - s)):
        cash.add("DEPRECIATION", s + late + age, capex * share)
    _over_budget(cash, case.write_off("shell"), capex * case.overrun("shell"), s + late, end)
    cash.add("RESALE", end - 1, site["shell_residual"] * capex)
    cash.run("SITE_OPEX", s + late, cash.running_end, -_hall_upkeep(site, unit))
    if ":conversion@" in unit["candidate_id"]:
        first = next(
            row for row in case.rows["power"]
            if row["site_id"] == unit["site_id"] and row["kind"] not in ("battery", "backup_engine")
        )
        resale = 1000 * case.mining[unit["site_id"]]["resale_usd_per_kw"] * first["mw_per_it_mw"]
        cash.add("RESALE", s - lead, resale)


def close(case: PlainCase, unit: Row, cash: Statement, parent: Row) -> None:
    """A MW of halls given up in month e: what that adds to the cash of its `shell`."""
    site, s, e = case.sites[unit["site_id"]], parent["from_month"], unit["from_month"]
    capex, _ = _hall_capex_and_lead(site, parent)
    cash.add("RESALE", e - 1, site["shell_residual"] * capex)
    cash.add("RESALE", cash.running_end - 1, -site["shell_residual"] * capex)
    cash.run("SITE_OPEX", e, cash.running_end, _hall_upkeep(site, parent))
    _written_off_at_once(
        cash, e, [capex * share for share in cut(case.write_off("shell"), cash.running_end - s)[e - s :]]
    )


def _hall_capex_and_lead(site: Row, unit: Row) -> tuple[float, int]:
    if ":existing@" in unit["candidate_id"]:
        return 0.0, 0
    if ":conversion@" in unit["candidate_id"]:
        return 1000 * site["conversion_capex_usd_per_kw"], int(site["conversion_lead_months"])
    return 1000 * (site["shell_capex_usd_per_kw"] or 0.0), int(site["build_lead_months"])


def _hall_upkeep(site: Row, unit: Row) -> float:
    rent = site["shell_rent_usd_per_kw_month"] if ":new@" in unit["candidate_id"] else None
    return float(1000 * (site["opex_usd_per_kw_month"] + (rent or 0.0)))


def power(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A MW, a step or the whole of a phase, contracted for its term."""
    phase = case.phases[unit["phase"]]
    mw = {"MW": 1.0, "step": phase["step_mw"], "phase": phase["guaranteed_mw"]}[unit["unit"]]
    promised, energised, end, plant = (
        case.promised(phase), case.energised(phase), case.power_end(phase), case.installed_ratio(phase)
    )
    for month in range(min(end, cash.running_end)):
        cash.add("FEES", month, -mw * phase["take_or_pay"] * case.fee_usd_per_mw_month(phase, month))
    cash.run("UPKEEP", energised, end, -mw * plant * 1000 * phase["fixed_om_usd_per_kw_month"])
    for month in range(promised, energised):
        cash.add("PENALTIES", month, mw * 1000 * phase["delay_damages_usd_per_kw_month"])
    _built(case, phase, mw, cash)
    deposit, new = mw * 1000 * phase["deposit_usd_per_kw"], phase["status"] != "energised"
    if new:
        cash.add("DEPOSITS", max(promised - int(phase["lead_months"]), 0), -deposit)
    back = case.index(phase["deposit_returned"]) if phase["deposit_returned"] else max(energised, 0)
    if (new or phase["deposit_returned"]) and back < cash.running_end:
        cash.add("DEPOSITS", back, deposit)


def _built(case: PlainCase, phase: Row, mw: float, cash: Statement) -> None:
    """Capex and upfront of some contracted MW of a phase that is not energised yet, their write-off and the tax
    credit."""
    if phase["status"] == "energised":
        return
    energised, plant = case.energised(phase), case.installed_ratio(phase)
    capex, upfront = mw * plant * 1000 * phase["capex_usd_per_kw"], mw * 1000 * phase["upfront_usd_per_kw"]
    capex, upfront = capex * (1 + case.overrun("power")), upfront * (1 + case.overrun("power"))
    months = _charged(case, phase)
    for month in months:
        cash.add("CAPEX", month, -(capex + upfront) / len(months))
    served = max(energised, case.promised(phase), 0)
    end = min(case.power_end(phase), cash.running_end)
    for age, share in enumerate(cut(case.write_off("power"), end - served)):
        cash.add("DEPRECIATION", served + age, (capex + upfront) * share)
    cash.add("CREDITS", served, phase["tax_credit"] * capex)


def _charged(case: PlainCase, phase: Row) -> list[int]:
    """Months in which capex and upfront of a phase are paid: its lead, or what is left of it for one that is being
    built."""
    promised, lead = max(case.promised(phase), 0), int(phase["lead_months"])
    if phase["committed_mw"] > 0:
        lead = min(lead, promised)
    elif promised < lead:
        promised = lead
    return list(range(promised - lead, promised)) or [promised]


def leave(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A MW of a contract ended in month e for its exit fee: what that adds to the cash of its `power`."""
    phase, e = case.phases[unit["phase"]], unit["from_month"]
    if phase["status"] != "energised" and phase["committed_mw"] == 0:
        cost = 1000 * (case.installed_ratio(phase) * phase["capex_usd_per_kw"] + phase["upfront_usd_per_kw"])
        served = max(case.energised(phase), case.promised(phase), 0)
        written = cut(case.write_off("power"), min(case.power_end(phase), cash.running_end) - served)
        if e > served:
            _written_off_at_once(cash, e, [cost * share for share in written[e - served :]])
        else:
            for age, share in enumerate(written):
                cash.add("DEPRECIATION", served + age, -cost * share)
            cash.add("DEPRECIATION", e - 1, cost)
    cash.add("FEES", e - 1, -1000 * _exit_fee(case, phase, e))
    if phase["deposit_returned"] and e <= case.index(phase["deposit_returned"]) < cash.running_end:
        cash.add("DEPOSITS", case.index(phase["deposit_returned"]), -1000 * phase["deposit_usd_per_kw"])
    for month in range(e, case.power_end(phase)):
        cash.add("FEES", month, phase["take_or_pay"] * case.fee_usd_per_mw_month(phase, month))
    cash.run(
        "UPKEEP", e, case.power_end(phase), case.installed_ratio(phase) * 1000 * phase["fixed_om_usd_per_kw_month"]
    )


def _exit_fee(case: PlainCase, phase: Row, month: int) -> float:
    """$ per kW to be rid of a contract from a month on: by its age in whole years since first power, where that is
    listed."""
    fee = phase["exit_fee_usd_per_kw"]
    for row in sorted(case.rows["exit_fees"], key=lambda row: row["contract_year"]):
        same = (row["source_id"], row["phase"]) == (phase["source_id"], phase["phase"])
        if same and month - case.energised(phase) >= 12 * (row["contract_year"] - 1):
            fee = row["usd_per_kw"]
    return float(fee)


def short(case: PlainCase, unit: Row, cash: Statement) -> None:
    """A MW of a minimum take that nothing draws: the price of the energy that it would have delivered, where it has
    one."""
    phase = case.phases[unit["phase"]]
    for month in range(unit["from_month"], unit["to_month"]):
        cash.add(
            "ENERGY", month, -case.hours(month) * phase["availability"] * max(case.energy_price(phase, month), 0.0)
        )
