"""`power`: a MW (or the whole phase, or a step) of a source contracted; `take`, whether it is taken at all;
`exit`, a contract ended early; `short`, minimum take not used."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kernels.lines import Line
from kernels.terms import ScheduleTerm, WindowTerm
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.overruns import phase_overrun_terms
from planner.candidates.resources import Family, Stock
from planner.candidates.workshop import Block, Workshop, phase_names


def phase_table(outlook: Outlook) -> pd.DataFrame:
    """Rows of `power` with their name, number, base energisation and end, for joins."""
    power = outlook.case.tables["power"].copy()
    power["phase_name"] = phase_names(power)
    power["phase_number"] = np.arange(len(power))
    power["energised_month"] = outlook.energised
    power["end_month"] = outlook.power_end
    return power


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
    """Month from which the fee of each phase runs."""
    contract = power["contract_month"].map(lambda written: outlook.calendar.index(written) if written else 0)
    early = (power["fee_from"] == "contract").to_numpy()
    return np.where(early, np.maximum(contract.to_numpy(np.int64), 0), power["energised_month"].to_numpy(np.int64))


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


def unit_mw(power: pd.DataFrame) -> Floats:
    """MW of one unit of each phase's candidate: the whole phase if lumpy, a step, or 1 MW."""
    step = power["step_mw"].fillna(1.0).to_numpy(np.float64)
    return np.where(power["lumpy"].to_numpy(bool), power["guaranteed_mw"].to_numpy(np.float64), step)


def _add_phases(shop: Workshop, power: pd.DataFrame) -> Block:
    outlook = shop.outlook
    size = unit_mw(power)
    integral = power["lumpy"].to_numpy(bool) | power["step_mw"].notna().to_numpy()
    guaranteed = power["guaranteed_mw"].to_numpy(np.float64)
    committed = power["committed_mw"].to_numpy(np.float64)
    units, held = guaranteed / size, committed / size
    start, end = power["energised_month"].to_numpy(np.int64), power["end_month"].to_numpy(np.int64)
    lead = power["lead_months"].to_numpy(np.int64)
    decide_by = np.maximum(outlook.promised - lead, 0)
    frame = pd.DataFrame(
        {
            "candidate_id": "power:" + power["phase_name"],
            "site_id": power["site_id"],
            "phase": power["phase_name"],
            "from_month": start,
            "to_month": end,
            "unit": np.where(integral, np.where(power["lumpy"], "phase", "step"), "MW"),
            "lower": np.where(integral, np.ceil(held - 1e-9), held),
            "upper": np.where(integral, np.floor(units + 1e-9), units),
            "integral": integral,
            "decide_by": decide_by,
        }
    )
    # What is energised before the start was paid for then; of the rest, what is contracted already (see _add_paid).
    new = _new(outlook, power)
    installed = power["installed_mw"].fillna(power["guaranteed_mw"]).to_numpy(np.float64) / guaranteed * size
    capex = installed * power["capex_usd_per_kw"].to_numpy(np.float64) * 1000.0 * new
    upfront = size * power["upfront_usd_per_kw"].to_numpy(np.float64) * 1000.0 * new
    fee = fee_usd_per_mw_month(power) * size * power["take_or_pay"].to_numpy(np.float64)
    upkeep = installed * power["fixed_om_usd_per_kw_month"].to_numpy(np.float64) * 1000.0
    damages = size * power["delay_damages_usd_per_kw_month"].to_numpy(np.float64) * 1000.0
    promised = np.maximum(outlook.promised, 0)
    none = np.full(len(power), -1)
    energised = shop.events.after(promised, power["phase_number"].to_numpy(np.int64), none, np.full(len(power), outlook.months))
    paid = np.maximum(promised, lead)
    # In a scenario what begins with first power begins when it comes; the contract ends when the plan said.
    ends = shop.events.at(end)
    fee_begins = np.where((power["fee_from"] == "contract").to_numpy(), shop.events.at(fee_start(outlook, power)), energised)
    one = np.full(len(power), shop.one())
    terms = [
        shop.spread(Line.CAPEX, -(capex + upfront), paid, lead),
        ScheduleTerm(Line.CREDITS, capex * power["tax_credit"].to_numpy(np.float64), np.full(len(power), shop.at_once()), energised),
        ScheduleTerm(Line.DEPRECIATION, capex + upfront, np.full(len(power), shop.depreciation("power")), energised),
        WindowTerm(Line.FEES, -fee, fee_paths(shop, power), fee_begins, ends),
        WindowTerm(Line.UPKEEP, -upkeep, one, energised, ends),
        WindowTerm(Line.PENALTIES, damages, one, shop.events.at(promised), energised),
        *phase_overrun_terms(shop, power, capex + upfront, capex * power["tax_credit"].to_numpy(np.float64), paid, lead),
        *shop.loan("power", capex, paid),
    ]
    block = shop.add("power", frame, terms)
    stocks = shop.book.stocks(Stock.POWER, power["phase_name"])
    shop.book.stock_uses.add(block.numbers, stocks, size, start, end)
    for stock, name in zip(stocks, power["phase_name"], strict=True):
        phase = shop.book.resource(Family.PHASE, name)
        shop.book.stock_needs(int(stock), phase, -1.0)
    _group_limits(shop, power, stocks)
    return block


def _new(outlook: Outlook, power: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Phases whose capex and upfront charges still lie ahead."""
    return ~((outlook.promised < 0) | (power["status"] == "energised").to_numpy())


def _add_paid(shop: Workshop, power: pd.DataFrame) -> None:
    """`base`, level 1: capex and upfront of the MW contracted before the start were paid then, so they come off."""
    outlook = shop.outlook
    rows = np.flatnonzero((power["committed_mw"] > 0).to_numpy() & _new(outlook, power))
    if not len(rows):
        return
    chosen = power.iloc[rows]
    mw = chosen["committed_mw"].to_numpy(np.float64)
    installed = (chosen["installed_mw"].fillna(chosen["guaranteed_mw"]) / chosen["guaranteed_mw"]).to_numpy(np.float64)
    capex = mw * installed * chosen["capex_usd_per_kw"].to_numpy(np.float64) * 1000.0
    paid = capex + mw * chosen["upfront_usd_per_kw"].to_numpy(np.float64) * 1000.0
    lead = chosen["lead_months"].to_numpy(np.int64)
    month = np.maximum(np.maximum(outlook.promised[rows], 0), lead)
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
    profile = np.full(len(rows), shop.depreciation("power"))
    terms = [
        *phase_overrun_terms(shop, chosen, -paid, -capex * chosen["tax_credit"].to_numpy(np.float64), month, lead),
        shop.spread(Line.CAPEX, paid, month, lead),
        ScheduleTerm(Line.CREDITS, -capex * chosen["tax_credit"].to_numpy(np.float64), np.full(len(rows), shop.at_once()), energised),
        ScheduleTerm(Line.DEPRECIATION, -paid, profile, energised),
        *shop.loan("power", -capex, month),
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
    """contracted[p] <= guaranteed[p] x open[site], where the site has an opening decision."""
    opened = {row.site_id: block.first + i for block in shop.of_kind("open") for i, row in enumerate(block.table.itertuples())}
    rows = [i for i, site_id in enumerate(power["site_id"]) if site_id in opened]
    if not rows:
        return
    chosen = power.iloc[rows]
    offer = shop.book.resources(Family.OFFER, chosen["phase_name"] + " if open")
    ones = np.ones(len(rows), dtype=np.int64)
    shop.book.uses.add(phases.numbers[rows], offer, unit_mw(chosen), 0 * ones, ones)
    openings = chosen["site_id"].map(opened).to_numpy(np.int64)
    shop.book.uses.add(openings, offer, -chosen["guaranteed_mw"].to_numpy(np.float64), 0 * ones, ones)


def _add_takes(shop: Workshop, power: pd.DataFrame, phases: Block) -> None:
    """min[p] x take[p] <= contracted[p] <= guaranteed[p] x take[p], where a phase has a least amount."""
    rows = np.flatnonzero((power["min_mw"].to_numpy(np.float64) > 0) & ~power["lumpy"].to_numpy(bool))
    if not len(rows):
        return
    chosen = power.iloc[rows]
    frame = pd.DataFrame(
        {
            "candidate_id": "take:" + chosen["phase_name"],
            "site_id": chosen["site_id"],
            "phase": chosen["phase_name"],
            "unit": "0/1",
            "upper": 1.0,
            "lower": (chosen["committed_mw"] > 0).astype(float),
            "integral": True,
        }
    )
    zero = np.zeros(len(rows))
    takes = shop.add("take", frame, [shop.lump(Line.CAPEX, zero, np.zeros(len(rows), dtype=np.int64))])
    most = shop.book.resources(Family.OFFER, chosen["phase_name"] + " if taken")
    least = shop.book.resources(Family.LEAST_POWER, chosen["phase_name"])
    ones = np.ones(len(rows), dtype=np.int64)
    mw = unit_mw(chosen)
    for resource, sign, bound in ((most, 1.0, "guaranteed_mw"), (least, -1.0, "min_mw")):
        shop.book.uses.add(phases.numbers[rows], resource, sign * mw, 0 * ones, ones)
        shop.book.uses.add(takes.numbers, resource, -sign * chosen[bound].to_numpy(np.float64), 0 * ones, ones)


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
    terms = [
        shop.lump(Line.FEES, -pairs["exit_fee_usd_per_kw"].to_numpy(np.float64) * 1000.0, month - 1),
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


def _add_short(shop: Workshop, power: pd.DataFrame) -> None:
    """Minimum take: min_take x contracted - drawn <= short, in mean MW of each step; short MW pay their energy."""
    outlook = shop.outlook
    chosen = power[power["min_take"] > 0]
    yearly = np.arange(outlook.horizon, outlook.last_month, 12)
    starts = np.concatenate([outlook.steps, yearly])
    ends = np.concatenate([outlook.step_ends, np.minimum(yearly + 12, outlook.last_month)])
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
    energy = {row["phase_name"]: energy_path(shop, row, tenant_pays_fuel=False) for _, row in chosen.iterrows()}
    path = pairs["phase_name"].map(energy).to_numpy(np.int64)
    block = shop.add("short", frame, [shop.running(Line.ENERGY, np.full(len(pairs), -1.0), start, end, path)])
    least = shop.book.resources(Family.MIN_TAKE, pairs["phase_name"])
    shop.book.uses.add(block.numbers, least, np.full(len(pairs), -1.0), start, end)
