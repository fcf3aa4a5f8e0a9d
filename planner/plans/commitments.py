"""What a plan asks to be decided: each new commitment, the last month in which to make it, and the dollars it
commits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.hall_cohorts import EXISTING
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_table, unit_mw
from planner.case.written_dates import month_number, written_month
from planner.storage.own_tables import no_rows
from planner.wording import plural

COLUMNS = ("decide_by", "decision", "site_id", "name", "amount", "unit", "commits_usd")
"""Columns of decisions.csv. `name` is a phase, a SKU or a link; `amount` counts what is new, in `unit`."""

RENTED = "rent halls"
"""What the halls of a site are called whose shell is rented: the case gives the rent no term, so it commits no
dollars."""
SAID = {
    "open": "open site", "fabric": "build link", "power": "contract power", "shell": "build halls", "own": "order GPUs"
}
"""Kinds of candidates that are decisions, in the order in which they are listed, as `decision` calls them."""
PAID = (Line.OPENING, Line.CAPEX, Line.FEES)
DUST = 1e-6


def decisions_table(candidates: CandidateSet, levels: Floats) -> pd.DataFrame:
    """One row for each decision of a portfolio, earliest first; see COLUMNS.

    A decision is what is new: MW of a phase beyond its `committed_mw`, halls that do not stand yet, GPUs that are not
    in the fleet, links, and sites on which nothing is committed or owned.

    commits_usd: undiscounted dollars before tax that can no longer be avoided once it is decided, as the plan's cash
    flow has
    them: opening cost, fibre, capex with its deposits, upfront charges, and the fees due on MW not drawn, for the whole
    term or, where a contract may be ended early for an exit fee, up to the ending at which fees and exit fee together
    are least. Energy, upkeep, site opex, the rent of halls and tax are not in it, nor is what comes in.
    """
    new = _new(candidates, levels)
    each = _unavoidable(candidates, new)
    held = np.flatnonzero(candidates.table["kind"].isin(list(SAID)).to_numpy() & (new > DUST))
    rows = candidates.table.iloc[held]
    kind = rows["kind"]
    link = pd.Series([candidates.links.get(number, "") for number in held.tolist()], index=rows.index, dtype=str)
    phase = kind == Kind.POWER
    size = np.ones(len(candidates))
    size[_power(candidates)] = unit_mw(candidates.outlook)
    found = pd.DataFrame(
        {
            "decide_by": pd.Series(
                [candidates.outlook.calendar.written(int(month)) for month in rows["decide_by"]], index=rows.index,
                dtype=str,
            ),
            "decision": kind.map(SAID).where(
                (kind != Kind.SHELL) | ~rows["site_id"].isin(_rented(candidates)), RENTED
            ).astype(str),
            "site_id": rows["site_id"],
            "name": rows["gpu_id"].where(kind == Kind.OWN, rows["phase"]).where(
                ~kind.isin([Kind.OPEN, Kind.SHELL, Kind.FABRIC]), link
            ),
            "amount": new[held] * size[held],
            "unit": rows["unit"].where(~phase, "MW"),
            "commits_usd": each[held] * new[held] + 0.0,  # no dollars have no sign
        }
    )
    order = found["decision"].map({said: place for place, said in enumerate([*SAID.values(), RENTED])})
    ordered = found.assign(order=order).sort_values(["decide_by", "order", "site_id", "name"], kind="stable")
    return ordered.reset_index(drop=True)[list(COLUMNS)]


def _power(candidates: CandidateSet) -> np.ndarray:
    return np.flatnonzero(candidates.table["kind"].eq(Kind.POWER).to_numpy())


def _rented(candidates: CandidateSet) -> set[str]:
    """Sites whose new halls are rented, not built."""
    sites = candidates.outlook.case.tables["sites"]
    return set(
        sites.loc[(sites["shell_rent_usd_per_kw_month"] > 0.0) & ~(sites["shell_capex_usd_per_kw"] > 0.0), "site_id"]
    )


def _new(candidates: CandidateSet, levels: Floats) -> Floats:
    """Level of each candidate beyond what is committed or stands already, shape (candidates,)."""
    new = levels.copy()
    power, table, tables = phase_table(candidates.outlook), candidates.table, candidates.outlook.case.tables
    committed = power["committed_mw"].to_numpy(np.float64)
    new[_power(candidates)] -= committed / unit_mw(candidates.outlook)
    new[candidates.columns["way"] == EXISTING] = 0.0
    # A site with a contract or GPUs of ours is open, whatever else happens there.
    begun = {*power.loc[committed > 0.0, "site_id"], *tables["fleet"]["site_id"]}
    new[(table["kind"].eq(Kind.OPEN) & table["site_id"].isin(begun)).to_numpy()] = 0.0
    return np.maximum(new, 0.0)


def _unavoidable(candidates: CandidateSet, new: Floats) -> Floats:
    """Dollars that a unit of each candidate with something new commits, shape (candidates,); see `decisions_table`."""
    found = np.zeros(len(candidates))
    for block in candidates.blocks:
        held = np.flatnonzero(new[block.numbers] > DUST)
        if block.kind in SAID and len(held):
            found[block.numbers[held]] = -candidates.valuation.cash(block, held, PAID).sum(axis=(0, 2))
    size = pd.Series(unit_mw(candidates.outlook), index=_power(candidates))
    for block in candidates.blocks:
        parent = block.table["parent"].to_numpy(np.int64)
        held = np.flatnonzero((block.kind == Kind.EXIT) & (new[parent] > DUST))
        if len(held):
            # What ending a MW's contract saves of its fees, less the exit fee.
            saved = candidates.valuation.cash(block, held, (Line.FEES,)).sum(axis=(0, 2))
            most = pd.Series(saved, index=parent[held]).groupby(level=0).max().clip(lower=0.0)
            found[most.index] -= (most * size[most.index]).to_numpy()
    return found


MOST_LINES = 18
"""Lines of a list of decisions that a screen shows with its heading and its total."""
SOON_MONTHS = 6
"""Months from the start whose decisions come first: two quarters."""


def soon(decisions: pd.DataFrame, start: str, months: int = SOON_MONTHS) -> pd.DataFrame:
    """The decisions whose last month lies within so many months of the start of the case, written YYYY-MM."""
    last = written_month(month_number(start) + months - 1)
    return decisions[decisions["decide_by"] <= last]


def screen_of(decisions: pd.DataFrame, most: int = MOST_LINES) -> pd.DataFrame:
    """Decisions as the lines of one screen: by, decision, at, how_much, commits_usd; at most so many.

    A line is a month, a kind and a site; where those are too many a month and a kind; then a kind alone.
    """
    for keys in (["decide_by", "decision", "site_id"], ["decide_by", "decision"], ["decision"]):
        lines = [_line(rows) for _, rows in decisions.groupby([*keys, "unit"], sort=False)]
        if len(lines) <= most:
            break
    return pd.DataFrame(lines) if lines else no_rows(["by", "decision", "at", "how_much"], ["commits_usd"])


def _line(rows: pd.DataFrame) -> dict[str, object]:
    sites, months = [name for name in dict.fromkeys(rows["site_id"]) if name], list(dict.fromkeys(rows["decide_by"]))
    return {
        "by": months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}",
        "decision": rows["decision"].iloc[0],
        "at": ", ".join(sites) if len(sites) <= NAMED else f"{len(sites)} sites",
        "how_much": _how_much(rows),
        "commits_usd": float(rows["commits_usd"].sum()),
    }


NAMED = 3
"""Names that a line spells out before it counts them."""


def _how_much(rows: pd.DataFrame) -> str:
    """Amounts by name, "8,000 b200, 2,000 gb300"; in all where the names are many; a 0/1 decision by its name alone."""
    unit = rows["unit"].iloc[0]
    if unit == "0/1":
        return ", ".join(dict.fromkeys(name for name in rows["name"] if name))
    whole = f"{_amount(float(rows['amount'].sum()))} {plural(unit, float(rows['amount'].sum()))}"
    by_name = rows.groupby("name", sort=False)["amount"].sum()
    if len(by_name) > NAMED:
        return whole
    of = " of " if unit == "MW" else " "
    return ", ".join(
        (
            f"{_amount(amount)} {unit}{of}{name}" if unit == "MW" and name else f"{_amount(amount)} {name}" if name
            else whole
        )
        for name, amount in by_name.items()
    )


def _amount(level: float) -> str:
    """An amount in whole units, a small one with two digits."""
    return f"{level:,.0f}" if level >= 10.0 else f"{level:.2g}"
