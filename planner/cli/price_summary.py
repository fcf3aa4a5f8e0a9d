"""Prices on the terminal: the dearest MW in a sentence each, and what else was asked in a table for each kind of
question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from planner.cli.terminal import show, table_of
from planner.planning.plan import Plan
from planner.pricing.phase_values import MOST_MW
from planner.pricing.prices import Prices
from planner.wording import counted, dollars, percent, plural

SENTENCES = 5
"""Phases, dearest first, that get a sentence."""
SHOWN = 6
"""Rows of each table; the file has all."""
YEARS = 3
"""Years of which the sentence says what a MW from then on is worth."""


def print_prices(console: Console, plan: Plan, money: Callable[[float], str]) -> None:
    """What the options asked for, most telling first. money: how dollars are written."""
    prices = plan.priced.table
    for line in told_incomplete(plan.priced):
        console.print(line, markup=False, highlight=False)
    rows = dearest(prices, SENTENCES)
    if rows:
        console.print("what a MW is worth, whole decisions held:")
        for row in rows:
            console.print(f"  {sentence(row, prices, money)}", markup=False, highlight=False)
    elif (prices["resource"] == "phase").any():
        console.print("what a MW is worth, whole decisions held: nothing at any phase", markup=False, highlight=False)
    if plan.options.prices == "full":
        for table in _tables(prices, money):
            show(console, table)


def told_incomplete(priced: Prices) -> list[str]:
    """A line where the time ended before all questions about prices were answered, else none."""
    if priced.complete:
        return []
    return [f"prices: the time limit left {counted(len(priced.table), 'question')} answered; the others have no price"]


def dearest(prices: pd.DataFrame, count: int) -> list[Any]:
    """The phases of which one more MW is worth most, at most so many."""
    whole = prices[
        (prices["question"] == "whole term") & (prices["resource"] == "phase") & (prices["gain_of_step_usd"] > 0.0)
    ]
    # Rounded, so that phases worth the same stand in their own order whatever the last bits are.
    rounded = whole["gain_of_step_usd"].map(lambda gain: float(f"{gain:.8g}"))
    return list(whole.loc[rounded.nlargest(count).index].itertuples()) if len(whole) else []


def short_sentence(row: Any) -> str:
    """One phase: until when a MW more is worth its gain, and what it could cost."""
    said = f"{row.name} to {row.to}"
    return said if pd.isna(row.pay_up_to) else f"{said}; you could pay {dollars(row.pay_up_to)}/kW-month, {_fee(row)}"


def _fee(row: Any) -> str:
    return f"its fee is ${row.fee:,.2f}" if row.fee > 0.0 else "it has no fee"


def sentence(row: Any, prices: pd.DataFrame, money: Callable[[float], str]) -> str:
    """One phase: what a MW more brings, what it could cost, how far that holds, what a MW less costs, and from which
    year."""
    said = f"one more MW at {row.name} for its term to {row.to} is worth {_said(row.gain_of_step_usd, money)}"
    if pd.notna(row.pay_up_to):
        said += f" (you could pay {dollars(row.pay_up_to)}/kW-month; {_fee(row)})"
    said += _range(row, money)
    if pd.notna(row.loss_of_step_usd):
        said += f", one less costs {_said(row.loss_of_step_usd, money)}"
    later = prices[(prices["question"] == "from a year on") & (prices["name"] == row.name)].head(YEARS)
    years = [
        f"from {each['from'][:4]} on {_said(each['gain_of_step_usd'], money)}" for each in later.to_dict("records")
    ]
    return "; ".join([said, *years])


def _range(row: Any, money: Callable[[float], str]) -> str:
    """How far the price holds."""
    if row.gain_holds_to < row.step:
        return f", the first {row.gain_holds_to:.2g} MW at {_said(row.gain_usd, money)} a MW"
    if row.gain_holds_to <= row.step:
        return ""
    return f", up to +{row.gain_holds_to:,.0f} MW" + (" at least" if row.gain_holds_to >= MOST_MW else "")


def _tables(prices: pd.DataFrame, money: Callable[[float], str]) -> list[Table | str]:
    """A table for each kind of question that was asked, a line where every answer is nothing."""
    found: list[Table | str] = []
    for title, resource, question, unit in (
        ("delivery slots: a GPU more or less in a quarter", "delivery", "one quarter", "$/GPU at delivery"),
        ("leases: a unit more or less", "lease", "whole term", "off its rate"),
        ("halls: a MW of critical IT given or taken", "hall", "whole term", ""),
        ("energised months earlier, or later: a month", "phase", "months earlier", ""),
        ("blocks of MW, planned again: a MW of the block", "phase", "block", "$/kW-month"),
        ("taken or left, planned again: net of its own cost, a MW or a link", "", "whole or not", ""),
    ):
        chosen = prices[(prices["question"] == question) & ((prices["resource"] == resource) | (resource == ""))]
        priced = chosen.assign(
            worth=chosen[["gain_of_step_usd", "loss_of_step_usd", "net_gain_usd", "net_loss_usd"]].abs().max(axis=1)
        )
        dear = priced[priced["worth"] > 0.0]
        if len(dear):
            found.append(_table(title, dear, unit, money))
        elif len(chosen):
            found.append(f"{title}: worth nothing")
    capital = prices[(prices["resource"] == "capital") & (prices["gain_return_per_year"].notna())]
    if len(capital):
        found.append(_capital(capital))
    return found


def _table(title: str, chosen: pd.DataFrame, unit: str, money: Callable[[float], str]) -> Table:
    """The dearest answers; dates and blocks in their own order."""
    ordered = (
        chosen.head(2 * SHOWN)
        if chosen["question"].iat[0] in ("block", "months earlier")
        else chosen.nlargest(SHOWN, "worth")
    )
    net = chosen["question"].iat[0] == "whole or not"

    def cells(row: Any) -> tuple[str, ...]:
        gain, loss = (row.net_gain_usd, row.net_loss_usd) if net else (row.gain_of_step_usd, row.loss_of_step_usd)
        pay = [] if not unit else ["" if pd.isna(row.pay_up_to) else dollars(row.pay_up_to)]
        step = f"{row.step:,.4g} {plural(row.unit, row.step)}"
        return row.name, step, _said(gain, money), _said(loss, money), *pay, row.decisions

    names = ("of", "asked", "one more brings", "one less costs", *([unit] if unit else []), "decisions")
    return table_of(title, names, map(cells, ordered.itertuples()), text=("of", "asked", "decisions"))


def _said(usd: float, money: Callable[[float], str]) -> str:
    """An amount: in millions where it is one, in dollars below, in a word where there is none."""
    if pd.isna(usd):
        return ""
    if abs(usd) < 0.5:
        return "nothing"
    return money(usd) if abs(usd) >= 1e5 else f"{'-' if usd < 0 else ''}${abs(usd):,.0f}"


def _capital(capital: pd.DataFrame) -> Table:
    """Capital lent for a year from each quarter, as the return at which it would pay."""
    rows = (
        (
            row.name, percent(row.gain_return_per_year),
            "" if pd.isna(row.loss_return_per_year) else percent(row.loss_return_per_year),
        )
        for row in capital.nlargest(SHOWN, "gain_return_per_year").sort_values("name").itertuples()
    )
    title = "new capital for a year: the return after tax at which it pays"
    return table_of(title, ("from", "a dollar more", "a dollar less"), rows, text={"from"})
