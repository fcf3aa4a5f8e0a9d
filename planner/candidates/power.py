"""`power`: a MW (or the whole phase, or a step) of a source contracted; `take`, whether it is taken at all, or how many steps
beyond what is contracted already; `exit`, a contract ended early; `short`, minimum take not used."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kernels.lines import Line
from kernels.terms import ScheduleTerm, Term, WindowTerm
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.overruns import phase_overrun_terms
from planner.candidates.resources import Family, Stock
from planner.candidates.workshop import Block, Workshop, phase_names
from planner.candidates.write_offs import phase_write_off, phase_write_off_ended
from planner.case.delays import uncommitted_phases

IF_OPEN, IF_TAKEN, IN_STEPS = " if open", " if taken", " in steps"
"""What a limit on a phase depends on, after its name."""
STEPS = ":steps"
"""After the name of a phase, the whole steps contracted beyond what was contracted before the start."""


def phase_table(outlook: Outlook) -> pd.DataFrame:
    """Rows of `power` with their name, number, base energisation and end, for joins."""
    power = outlook.case.tables["power"].copy()
    power["phase_name"] = phase_names(power)
    power["phase_number"] = np.arange(len(power))
    power["first_power"] = outlook.first_power
    power["energised_month"] = outlook.energised
    power["end_month"] = outlook.power_end
    return power


def more_power(row: Any, more: str) -> list[str]:
    """Changes of the case by which a phase guarantees more MW: its plant grows with it, and what is contracted whole stays whole."""
    columns = ["guaranteed_mw", *(["installed_mw"] if pd.notna(row.installed_mw) else []), *(["committed_mw"] if row.lumpy and row.committed_mw > 0 else [])]
    return [f"power.{column}[{row.phase_name}]+={more}" for column in columns]


def fee_usd_per_mw_month(power: pd.DataFrame) -> Floats:
    """Fee per MW of contracted power and month, before escalation, shape (phases,)."""
    on_installed = (power["fee_on"] == "installed").to_numpy()
    installed = power["installed_mw"].fillna(power["guaranteed_mw"]).to_numpy(np.float64)
    ratio = np.where(on_installed, installed / power["guaranteed_mw"].to_numpy(np.float64), 1.0)
    fee: Floats = power["fee_usd_per_kw_month"].to_numpy(np.float64) * 1000.0 * ratio
    return fee


def fee_paths(shop: Workshop, power: pd.DataFrame) -> Ints:
    """Path of the escalated fee of each phase."""
    origin = fee_start(shop.outlook, power)
    pairs = zip(power["fee_escalator"], origin, strict=True)
    return np.array([shop.escalated(float(rate), int(month)) for rate, month in pairs], dtype=np.int64)


def fee_start(outlook: Outlook, power: pd.DataFrame) -> Ints:
    """Month from which the fee of each phase runs and on whose anniversaries it rises; negative where that was before the start."""
    contract = power["contract_month"].map(lambda written: outlook.calendar.index(written) if written else 0)
    early = (power["fee_from"] == "contract").to_numpy()
    return np.where(early, contract.to_numpy(np.int64), power["first_power"].to_numpy(np.int64))


def energy_path(shop: Workshop, row: pd.Series, *, tenant_pays_fuel: bool) -> int:
    """Path of the cost of one MW drawn without pause from a phase: hours x availability x $/MWh."""
    fuel_out = tenant_pays_fuel and bool(row["fuel_passed_to_tenant"])

    def recipe(outlook: Outlook) -> Floats:
        price = outlook.by_month(row, "energy_usd_per_mwh", "energy_curve")
        cost: Floats = (np.zeros(outlook.months) if price is None else price) + float(row["variable_om_usd_per_mwh"])
        heat_rate = float(row["heat_rate_mmbtu_per_mwh"])
        if heat_rate > 0.0 and not fuel_out:
            gas = outlook.by_month(row, "gas_usd_per_mmbtu", "gas_curve")
            assert gas is not None, "the reader refuses a heat rate without a gas price"
            cost = cost + heat_rate * (gas + float(row["fuel_adder_usd_per_mmbtu"]))
        return cost * outlook.hours * float(row["availability"])

    return shop.paths.number(("energy", row["phase_name"], fuel_out), recipe)


def _unused_energy_path(shop: Workshop, row: pd.Series) -> int:
    """Path of the cost of one MW of minimum take that is not drawn: its energy where that costs something."""
    energy = shop.paths.recipe(energy_path(shop, row, tenant_pays_fuel=False))
    return shop.paths.number(("energy not used", row["phase_name"]), lambda outlook: np.maximum(energy(outlook), 0.0))


def add_power(shop: Workshop) -> None:
    """All phases, with what they offer and what they cost."""
    power = phase_table(shop.outlook)
    if power.empty:
        return
    phases = _add_phases(shop, power)
    _add_paid(shop, power)
    _offers(shop, power, phases)
    _add_takes(shop, power, phases)
    _add_exits(shop, power, phases)
    _add_short(shop, power)


def step_mw(power: pd.DataFrame) -> Floats:
    """MW in which what is not contracted yet of each phase can be had: all of it if lumpy, a step; NaN for any amount, shape (phases,)."""
    rest = power["guaranteed_mw"].to_numpy(np.float64) - power["committed_mw"].to_numpy(np.float64)
    return np.where(power["lumpy"].to_numpy(bool), rest, power["step_mw"].to_numpy(np.float64))


def _in_steps(power: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Phases whose candidate is counted in whole steps: those of which no odd amount is contracted already."""
    return (power["lumpy"].to_numpy(bool) | power["step_mw"].notna().to_numpy()) & (power["committed_mw"] == 0.0).to_numpy()


def unit_mw(power: pd.DataFrame) -> Floats:
    """MW of one unit of each phase's candidate: the whole phase if lumpy, a step, or 1 MW.

    A phase of which MW are contracted already is counted in MW: they are a fact, and the rest comes on top of them in whole
    steps (see `_add_steps`).
    """
    return np.where(_in_steps(power), step_mw(power), 1.0)


def _add_phases(shop: Workshop, power: pd.DataFrame) -> Block:
    outlook = shop.outlook
    size = unit_mw(power)
    integral = _in_steps(power)
    guaranteed = power["guaranteed_mw"].to_numpy(np.float64)
    committed = power["committed_mw"].to_numpy(np.float64)
    units = guaranteed / size
    start, end = power["energised_month"].to_numpy(np.int64), power["end_month"].to_numpy(np.int64)
    paid, lead = charges(outlook, power)
    frame = pd.DataFrame(
        {
            "candidate_id": "power:" + power["phase_name"],
            "site_id": power["site_id"],
            "phase": power["phase_name"],
            "from_month": start,
            "to_month": end,
            "unit": np.where(integral, np.where(power["lumpy"], "phase", "step"), "MW"),
            "lower": committed,
            "upper": np.where(integral, np.floor(units + 1e-9), units),
            "integral": integral,
            "decide_by": sign_months(outlook, power),
        }
    )
    # What is energised was paid for before the start; of the rest, what is contracted already (see _add_paid).
    new = _new(power)
    installed = power["installed_mw"].fillna(power["guaranteed_mw"]).to_numpy(np.float64) / guaranteed * size
    capex = installed * power["capex_usd_per_kw"].to_numpy(np.float64) * 1000.0 * new
    upfront = size * power["upfront_usd_per_kw"].to_numpy(np.float64) * 1000.0 * new
    fee = fee_usd_per_mw_month(power) * size * power["take_or_pay"].to_numpy(np.float64)
    upkeep = installed * power["fixed_om_usd_per_kw_month"].to_numpy(np.float64) * 1000.0
    damages = size * power["delay_damages_usd_per_kw_month"].to_numpy(np.float64) * 1000.0
    promised = np.maximum(outlook.promised, 0)
    none = np.full(len(power), -1)
    energised = shop.events.after(promised, power["phase_number"].to_numpy(np.int64), none, np.full(len(power), outlook.months))
    # In a scenario what begins with first power begins when it comes; the contract ends when the plan said.
    ends = shop.events.at(end)
    from_contract = (power["fee_from"] == "contract").to_numpy()
    fee_begins = np.where(from_contract, shop.events.at(np.maximum(fee_start(outlook, power), 0)), energised)
    one = np.full(len(power), shop.one())
    begins = shop.events.at(np.zeros(len(power), dtype=np.int64))
    last = shop.events.at(np.full(len(power), outlook.months))
    terms = [
        shop.spread(Line.CAPEX, -(capex + upfront), paid, lead),
        ScheduleTerm(Line.CREDITS, capex * power["tax_credit"].to_numpy(np.float64), np.full(len(power), shop.at_once()), energised),
        WindowTerm(Line.DEPRECIATION, capex + upfront, _write_offs(shop, power, capex + upfront), begins, last),
        WindowTerm(Line.FEES, -fee, fee_paths(shop, power), fee_begins, ends),
        WindowTerm(Line.UPKEEP, -upkeep, one, energised, ends),
        # A phase that its lead makes late is not its supplier's to pay for, and nothing is paid after what is counted.
        WindowTerm(Line.PENALTIES, damages, np.full(len(power), _counted(shop)), shop.events.at(paid), energised),
        *phase_overrun_terms(shop, power, capex + upfront, capex * power["tax_credit"].to_numpy(np.float64), paid, lead),
        *shop.loan("power", capex, paid, np.maximum(end - paid, 1)),
    ]
    block = shop.add("power", frame, terms)
    stocks = shop.book.stocks(Stock.POWER, power["phase_name"])
    shop.book.stock_uses.add(block.numbers, stocks, size, start, end)
    for stock, name in zip(stocks, power["phase_name"], strict=True):
        phase = shop.book.resource(Family.PHASE, name)
        shop.book.stock_needs(int(stock), phase, -1.0)
    _group_limits(shop, power, stocks)
    return block


def sign_months(outlook: Outlook, power: pd.DataFrame) -> Ints:
    """Month by which MW of each phase have to be signed: its lead before its promise, at the start where that is past, shape (phases,)."""
    return np.maximum(outlook.promised[power["phase_number"]] - power["lead_months"].to_numpy(np.int64), 0)


def _counted(shop: Workshop) -> int:
    """The path that is 1 in the months that are counted: without a tail, those of the horizon."""
    return shop.paths.number("counted", lambda outlook: (np.arange(outlook.months) < outlook.last_month).astype(np.float64))


def commit_months(outlook: Outlook, power: pd.DataFrame) -> Ints:
    """Month of the first commitment to each phase: when it has to be signed, or the start where MW are contracted already."""
    return np.where(power["committed_mw"].to_numpy(np.float64) > 0.0, 0, sign_months(outlook, power))


def charges(outlook: Outlook, power: pd.DataFrame) -> tuple[Ints, Ints]:
    """Month before which capex and upfront of each phase are spread, and over how many months, each of shape (phases,).

    Over its lead up to its promise. Where the lead reaches before the start, a phase of which nothing is contracted comes
    later, after its lead; of one that is being built already the rest is paid in the months left until its promise.
    """
    promised = np.maximum(outlook.promised[power["phase_number"]], 0)
    lead = power["lead_months"].to_numpy(np.int64)
    begun = ~uncommitted_phases(power)
    return np.where(begun, promised, np.maximum(promised, lead)), np.where(begun, np.minimum(lead, promised), lead)


def _new(power: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Phases whose capex and upfront charges still lie ahead."""
    return (power["status"] != "energised").to_numpy(bool)


def _write_offs(shop: Workshop, power: pd.DataFrame, cost: Floats) -> Ints:
    """Path of the write-off of each phase that costs something, to the end of its contract."""
    rows = zip(power["phase_number"], power["end_month"], cost, strict=True)
    return np.array([phase_write_off(shop, int(phase), int(end)) if usd else shop.one() for phase, end, usd in rows], dtype=np.int64)


def _add_paid(shop: Workshop, power: pd.DataFrame) -> None:
    """`base`, level 1: capex and upfront of the MW contracted before the start were paid then, so they come off."""
    outlook = shop.outlook
    rows = np.flatnonzero((power["committed_mw"] > 0).to_numpy() & _new(power))
    if not len(rows):
        return
    chosen = power.iloc[rows]
    mw = chosen["committed_mw"].to_numpy(np.float64)
    installed = (chosen["installed_mw"].fillna(chosen["guaranteed_mw"]) / chosen["guaranteed_mw"]).to_numpy(np.float64)
    capex = mw * installed * chosen["capex_usd_per_kw"].to_numpy(np.float64) * 1000.0
    paid = capex + mw * chosen["upfront_usd_per_kw"].to_numpy(np.float64) * 1000.0
    month, lead = charges(outlook, chosen)
    # Written off and credited when the phase comes, as what it comes off.
    phase = chosen["phase_number"].to_numpy(np.int64)
    energised = shop.events.after(np.maximum(outlook.promised[rows], 0), phase, np.full(len(rows), -1), np.full(len(rows), outlook.months))
    frame = pd.DataFrame(
        {
            "candidate_id": "base:paid " + chosen["phase_name"],
            "site_id": chosen["site_id"],
            "phase": chosen["phase_name"],
            "unit": "0/1",
            "lower": 1.0,
            "upper": 1.0,
        }
    )
    none, months = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), outlook.months)
    stands = np.maximum(chosen["end_month"].to_numpy(np.int64) - month, 1)
    terms = [
        *phase_overrun_terms(shop, chosen, -paid, -capex * chosen["tax_credit"].to_numpy(np.float64), month, lead),
        shop.spread(Line.CAPEX, paid, month, lead),
        ScheduleTerm(Line.CREDITS, -capex * chosen["tax_credit"].to_numpy(np.float64), np.full(len(rows), shop.at_once()), energised),
        WindowTerm(Line.DEPRECIATION, -paid, _write_offs(shop, chosen, paid), shop.events.at(none), shop.events.at(months)),
        *shop.loan("power", -capex, month, stands),
    ]
    shop.add("base", frame, terms)


def _group_limits(shop: Workshop, power: pd.DataFrame, stocks: Ints) -> None:
    tables = shop.outlook.case.tables
    group_of = tables["sites"].set_index("site_id")["site_group"]
    limit_of = tables["site_groups"].set_index("site_group")["max_contracted_mw"]
    for stock, site_id in zip(stocks, power["site_id"], strict=True):
        group = group_of[site_id]
        if group:
            resource = shop.book.resource(Family.GROUP, group, float(limit_of[group]))
            shop.book.stock_needs(int(stock), resource, 1.0)


def _offers(shop: Workshop, power: pd.DataFrame, phases: Block) -> None:
    """contracted[p] <= guaranteed[p] x opened by its signing[site], where the site has an opening decision."""
    openings = [block.table.assign(number=block.numbers) for block in shop.of_kind("open")]
    if not openings:
        return
    opened = pd.concat(openings)[["site_id", "from_month", "number"]]
    rows = np.flatnonzero(power["site_id"].isin(opened["site_id"]).to_numpy())
    chosen = power.iloc[rows].assign(signed=commit_months(shop.outlook, power)[rows])
    shop.book.uses.add(phases.numbers[rows], shop.book.resources(Family.OFFER, chosen["phase_name"] + IF_OPEN), unit_mw(chosen), 0, 1)
    # A phase is signed at a site that is open by then.
    pairs = chosen.merge(opened, on="site_id")
    pairs = pairs[pairs["from_month"] <= pairs["signed"]]
    offer = shop.book.resources(Family.OFFER, pairs["phase_name"] + IF_OPEN)
    shop.book.uses.add(pairs["number"].to_numpy(np.int64), offer, -pairs["guaranteed_mw"].to_numpy(np.float64), 0, 1)


def _add_takes(shop: Workshop, power: pd.DataFrame, phases: Block) -> None:
    """Least amounts, and steps beyond what is contracted already; what is contracted already is a fact of its own."""
    _add_least(shop, power, phases)
    _add_steps(shop, power, phases)


def _add_least(shop: Workshop, power: pd.DataFrame, phases: Block) -> None:
    """(min[p] - committed[p]) x take[p] <= contracted[p] - committed[p] <= (guaranteed[p] - committed[p]) x take[p]."""
    short_of_least = power["min_mw"].to_numpy(np.float64) - power["committed_mw"].to_numpy(np.float64)
    rows = np.flatnonzero((short_of_least > 0) & ~power["lumpy"].to_numpy(bool))
    if not len(rows):
        return
    chosen = power.iloc[rows]
    committed = chosen["committed_mw"].to_numpy(np.float64)
    takes = _whole(shop, chosen, "take:" + chosen["phase_name"], np.ones(len(rows)))
    most = shop.book.resources(Family.OFFER, chosen["phase_name"] + IF_TAKEN, committed)
    least = shop.book.resources(Family.LEAST_POWER, chosen["phase_name"], -committed)
    for resource, sign, bound in ((most, 1.0, chosen["guaranteed_mw"] - committed), (least, -1.0, short_of_least[rows])):
        shop.book.uses.add(phases.numbers[rows], resource, sign * unit_mw(chosen), 0, 1)
        shop.book.uses.add(takes.numbers, resource, -sign * np.asarray(bound, dtype=np.float64), 0, 1)


def _add_steps(shop: Workshop, power: pd.DataFrame, phases: Block) -> None:
    """contracted[p] - committed[p] = step[p] x steps[p], a whole number, where something is contracted already."""
    stepped = ~np.isnan(step_mw(power)) & (power["committed_mw"] > 0).to_numpy()
    rows = np.flatnonzero(stepped & (power["committed_mw"] < power["guaranteed_mw"]).to_numpy())
    if not len(rows):
        return
    chosen = power.iloc[rows]
    step, committed = step_mw(chosen), chosen["committed_mw"].to_numpy(np.float64)
    most = np.floor((chosen["guaranteed_mw"].to_numpy(np.float64) - committed) / step + 1e-9)
    steps = _whole(shop, chosen, "take:" + chosen["phase_name"] + STEPS, most)
    above = shop.book.resources(Family.OFFER, chosen["phase_name"] + IN_STEPS, committed)
    below = shop.book.resources(Family.LEAST_POWER, chosen["phase_name"] + IN_STEPS, -committed)
    for resource, sign in ((above, 1.0), (below, -1.0)):
        shop.book.uses.add(phases.numbers[rows], resource, np.full(len(rows), sign), 0, 1)
        shop.book.uses.add(steps.numbers, resource, -sign * step, 0, 1)


def _whole(shop: Workshop, power: pd.DataFrame, names: pd.Series, most: Floats) -> Block:
    """Whole decisions about phases, without cash of their own."""
    frame = pd.DataFrame(
        {
            "candidate_id": names,
            "site_id": power["site_id"],
            "phase": power["phase_name"],
            "unit": "0/1",
            "upper": most,
            "integral": True,
        }
    )
    return shop.add("take", frame, [shop.lump(Line.CAPEX, np.zeros(len(power)), np.zeros(len(power), dtype=np.int64))])


def _add_exits(shop: Workshop, power: pd.DataFrame, phases: Block) -> None:
    """A MW whose contract is ended early: the exit fee is paid, fees and upkeep stop, the MW are gone."""
    outlook = shop.outlook
    chosen = power[power["exit_fee_usd_per_kw"].notna()]
    if outlook.tail == "none":
        chosen = chosen.iloc[:0]
    pairs = chosen.merge(pd.DataFrame({"month": outlook.endings}), how="cross")
    pairs = pairs[(pairs["month"] > pairs["energised_month"]) & (pairs["month"] < pairs["end_month"])].reset_index(drop=True)
    if pairs.empty:
        return
    month, end = pairs["month"].to_numpy(np.int64), pairs["end_month"].to_numpy(np.int64)
    phase = pairs["phase_number"].to_numpy(np.int64)
    size = unit_mw(power)
    frame = pd.DataFrame(
        {
            "candidate_id": "exit:" + pairs["phase_name"] + "@" + pd.Series(month).map(outlook.calendar.written),
            "site_id": pairs["site_id"],
            "phase": pairs["phase_name"],
            "from_month": month,
            "to_month": end,
            "unit": "MW",
            "decide_by": month,
            "parent": phases.numbers[phase],
            "upper": pairs["guaranteed_mw"],
        }
    )
    fee = fee_usd_per_mw_month(pairs) * pairs["take_or_pay"].to_numpy(np.float64)
    installed = (pairs["installed_mw"].fillna(pairs["guaranteed_mw"]) / pairs["guaranteed_mw"]).to_numpy(np.float64)
    upkeep = installed * pairs["fixed_om_usd_per_kw_month"].to_numpy(np.float64) * 1000.0
    cost = (installed * pairs["capex_usd_per_kw"] + pairs["upfront_usd_per_kw"]).to_numpy(np.float64) * 1000.0
    # Which MW of a phase contracted in part before the start are given up is not known: their write-off runs on.
    ahead = (_new(pairs) & uncommitted_phases(pairs)).astype(np.float64)
    terms = [
        shop.lump(Line.FEES, -pairs["exit_fee_usd_per_kw"].to_numpy(np.float64) * 1000.0, month - 1),
        *_exit_write_offs(shop, pairs, cost * ahead),
        shop.running(Line.FEES, fee, month, end, fee_paths(shop, power)[phase]),
        shop.running(Line.UPKEEP, upkeep, month, end),
    ]
    block = shop.add("exit", frame, terms)
    stocks = shop.book.stocks(Stock.POWER, pairs["phase_name"])
    shop.book.stock_uses.add(block.numbers, stocks, np.full(len(pairs), -1.0), month, end)
    ended = shop.book.resources(Family.ENDED, "power " + pairs["phase_name"])
    ones = np.ones(len(pairs), dtype=np.int64)
    shop.book.uses.add(block.numbers, ended, np.ones(len(pairs)), 0 * ones, ones)
    held, first = np.unique(phase, return_index=True)
    shop.book.uses.add(phases.numbers[held], ended[first], -size[held], 0, 1)


def _exit_write_offs(shop: Workshop, pairs: pd.DataFrame, cost: Floats) -> list[Term]:
    """What is left of the cost of the MW given up is written off in the last month of their contract."""
    if not np.any(cost):
        return []
    rows = zip(pairs["phase_number"], pairs["end_month"], pairs["month"], cost, strict=True)
    paths = [phase_write_off_ended(shop, int(phase), int(end), int(month)) if usd else shop.one() for phase, end, month, usd in rows]
    none = np.zeros(len(pairs), dtype=np.int64)
    whole = np.full(len(pairs), shop.outlook.months)
    return [WindowTerm(Line.DEPRECIATION, cost, np.array(paths, dtype=np.int64), shop.events.at(none), shop.events.at(whole))]


def _add_short(shop: Workshop, power: pd.DataFrame) -> None:
    """Minimum take: min_take x contracted - drawn <= short, in mean MW of each window; short MW pay their energy.

    What is not drawn never earns: where the price is negative, it costs nothing.
    """
    outlook = shop.outlook
    chosen = power[power["min_take"] > 0]
    yearly = np.arange(outlook.horizon, outlook.last_month, 12)
    starts = np.concatenate([outlook.windows["from_month"].to_numpy(np.int64), yearly])
    ends = np.concatenate([outlook.windows["to_month"].to_numpy(np.int64), np.minimum(yearly + 12, outlook.last_month)])
    pairs = chosen.merge(pd.DataFrame({"start": starts, "end": ends}), how="cross")
    pairs["start"] = pairs[["start", "energised_month"]].max(axis=1)
    pairs["end"] = pairs[["end", "end_month"]].min(axis=1)
    pairs = pairs[pairs["start"] < pairs["end"]].reset_index(drop=True)
    for phase, share in zip(chosen["phase_name"], chosen["min_take"], strict=True):
        shop.book.stock_needs(shop.book.stock(Stock.POWER, phase), shop.book.resource(Family.MIN_TAKE, phase), float(share))
    if pairs.empty:
        return
    start, end = pairs["start"].to_numpy(np.int64), pairs["end"].to_numpy(np.int64)
    frame = pd.DataFrame(
        {
            "candidate_id": "short:" + pairs["phase_name"] + "@" + pairs["start"].map(outlook.calendar.written),
            "site_id": pairs["site_id"],
            "phase": pairs["phase_name"],
            "from_month": start,
            "to_month": end,
            "unit": "MW",
            "upper": pairs["min_take"] * pairs["guaranteed_mw"],
            "decide_by": start,
        }
    )
    energy = {row["phase_name"]: _unused_energy_path(shop, row) for _, row in chosen.iterrows()}
    path = pairs["phase_name"].map(energy).to_numpy(np.int64)
    block = shop.add("short", frame, [shop.running(Line.ENERGY, np.full(len(pairs), -1.0), start, end, path)])
    least = shop.book.resources(Family.MIN_TAKE, pairs["phase_name"])
    shop.book.uses.add(block.numbers, least, np.full(len(pairs), -1.0), start, end)
