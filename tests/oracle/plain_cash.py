"""The cash of a unit of every kind of candidate, by line and month, in plain Python."""

from __future__ import annotations

from typing import Any

import pandas as pd
from oracle import plain_assets, plain_income
from oracle.plain_case import PlainCase, Row
from oracle.plain_statement import Statement

_ALONE = {
    "own": plain_assets.own,
    "base": plain_assets.base,
    "shell": plain_assets.shell,
    "power": plain_assets.power,
    "exit": plain_assets.leave,
    "short": plain_assets.short,
    "back": plain_income.back,
    "serve": plain_income.serve,
    "host": plain_income.host,
    "sell": plain_income.sell,
    "mine": plain_income.mine,
}
_AFTER_ANOTHER = {"retire": plain_assets.retire, "close": plain_assets.close, "renew": plain_income.renew}
_FREE = ("accept", "block", "take")


def plain_rows(table: pd.DataFrame) -> list[Row]:
    """The candidates as plain rows, each with its number and whether another kind may follow it (`followed_by`)."""
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    for number, row in enumerate(rows):
        row["number"], row["followed_by"] = number, set()
    for row in rows:
        if row["parent"] >= 0:
            rows[row["parent"]]["followed_by"].add(row["kind"])
    return rows


def plain_cash(case: PlainCase, unit: Row, units: list[Row], months: int, *, tail: str) -> Statement:
    """The statement of one unit of a candidate over the months that count, tax included."""
    cash = Statement(months, case.settings.months if tail == "none" else months)
    kind = unit["kind"]
    if unit["candidate_id"] == "base:capital raised":
        return cash
    if kind in _ALONE:
        _ALONE[kind](case, unit, cash)
    elif kind in _AFTER_ANOTHER:
        _AFTER_ANOTHER[kind](case, unit, cash, units[unit["parent"]])
    elif kind == "open":
        cash.add("OPENING", unit["from_month"], -case.sites[unit["site_id"]]["opening_cost_usd"])
    elif kind == "fabric":
        _fabric(case, unit, cash)
    elif kind not in _FREE:
        raise AssertionError(f"no rule for the kind {kind}")
    cash.tax(case.settings.tax_rate)
    return cash


def plain_npv(case: PlainCase, cash: Statement) -> float:
    """Discounted unlevered after-tax cash."""
    return sum(case.discount(month) * cash.cash(month) for month in range(cash.months))


def _fabric(case: PlainCase, unit: Row, cash: Statement) -> None:
    group: Any = unit["candidate_id"].split(":", 1)[1]
    members = {site for site, row in case.sites.items() if row["fabric_group"] == group}
    capex = sum(
        link["fibre_capex_usd"] for link in case.rows["links"] if {link["site_id"], link["other_site_id"]} <= members
    )
    cash.add("CAPEX", unit["from_month"], -capex)
    for age, share in enumerate(plain_assets.cut(case.write_off("shell"), cash.running_end - unit["from_month"])):
        cash.add("DEPRECIATION", unit["from_month"] + age, capex * share)
