"""What `planner quote` prints: one inquiry in sentences and tables, many in a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from planner.cli.terminal import output, say_written, show, table_of
from planner.quoting.floor import Answer
from planner.quoting.quote import HELD, Quote
from planner.quoting.standalone import LINES
from planner.quoting.stands import sites_of
from planner.wording import counted, dollars, millions

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 8


def print_quotes(quotes: Sequence[Quote], out: Path | None) -> None:
    """Print the quotes to the terminal."""
    console = output()
    if len(quotes) == 1:
        _print_one(console, quotes[0])
    else:
        _print_many(console, quotes)
    if out is not None:
        say_written(console, out)


def _print_one(console: Console, quote: Quote) -> None:
    inquiry = quote.inquiry

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False)

    what = f"{inquiry.size:,.0f} MW of hall" if inquiry.hosting else f"{inquiry.size:,.0f} {inquiry.gpu}"
    say(f"{what} from {inquiry.start} for {inquiry.term_months} months: {_answer(quote)}")
    if quote.note and quote.answer is not Answer.NEVER:
        say(quote.note)
    if quote.answer is Answer.FLOOR:
        say(_where(quote))
        say(_interval(quote))
        say(
            f"a dollar of rate is worth {millions(quote.usd_per_dollar)} of NPV after tax; the plan without it is "
            f"worth {millions(quote.npv_without_usd)}"
        )
        say(_keeping(quote))
    if len(quote.standalone):
        _print_standalone(console, quote)
    if quote.answer is Answer.FLOOR:
        if len(quote.curve) > 1:
            _print_curve(console, quote)
        _print_displaced(console, quote.displaced)
    if quote.risk is not None:
        risk = quote.risk
        say(
            f"over {risk.options.scenarios:,} futures, both plans held as they are: at its floor the lease adds "
            f"{millions(risk.added_mean_usd)} on average and "
            f"{millions(-risk.added_cvar_usd)} in the worst {1.0 - risk.options.alpha:.0%}; it breaks even on average "
            f"at {_usd(risk.mean_rate)}, "
            f"in that tail at {_usd(risk.tail_rate)}, at weight {risk.options.weight:g} of the tail at "
            f"{_rate(risk.rate, quote)}"
        )


def _answer(quote: Quote) -> str:
    if quote.answer is Answer.FLOOR:
        return f"sign at {_rate(quote.floor, quote)} or more"
    if quote.answer is Answer.NEVER:
        return f"it cannot be served at any rate: {quote.note}"
    return quote.answer.value


def _where(quote: Quote) -> str:
    """At which sites the deal stands at its floor."""
    unit = " MW" if quote.inquiry.hosting else ""
    sizes = sites_of(quote.stands)
    return "it would stand at " + ", ".join(f"{site_id} ({_amount(size)}{unit})" for site_id, size in sizes.items())


def _interval(quote: Quote) -> str:
    if quote.low == quote.high:
        return "the floor is exact: no decision is whole"
    proof = "proven" if quote.proven else "not proven: a search stopped early"
    held = "leaves no room for it" if math.isnan(quote.held_floor) else f"gives {_usd(quote.held_floor)}"
    top = (
        "no rate found at which signing is sure to pay" if math.isinf(quote.high)
        else f"{_usd(quote.low)} to {_usd(quote.high)} ({quote.width:.1%})"
    )
    return f"the floor lies within {top}, {proof}; the plan with its whole decisions held {held}"


def _keeping(quote: Quote) -> str:
    rate = quote.keeping.rate
    if math.isnan(rate):
        return "without declining or cutting any lease of the plan its sites and leases have no room for it"
    return f"without declining or cutting any lease of the plan: {_rate(rate, quote)}"


def _print_standalone(console: Console, quote: Quote) -> None:
    rows = (
        (
            row.site_id, row.power_path, row.gpu_id, f"{row.rate:.3f}",
            *(f"{round(getattr(row, line), 3) + 0.0:.3f}" for line in LINES),
        )
        for row in quote.standalone.drop_duplicates(["site_id", "gpu_id"]).head(SHOWN).itertuples()
    )
    title, text = f"what it costs alone, {quote.inquiry.rate_unit}", ("site", "power", "SKU")
    show(console, table_of(title, (*text, "levelised", *LINES), rows, text=text))


def _print_curve(console: Console, quote: Quote) -> None:
    rows = (
        (f"{row.size:,.0f}", "no room" if math.isnan(row.floor) else f"{row.floor:.4f}", row.how)
        for row in quote.curve.itertuples()
    )
    names = (quote.inquiry.unit, quote.inquiry.rate_unit, "how")
    show(console, table_of("floor by size", names, rows, text={"how"}))
    if (quote.curve["how"] == HELD).any():
        console.print(
            "whole decisions held: those of the plans found for the whole size, so a quote of that size may find less",
            highlight=False,
        )


def _print_displaced(console: Console, displaced: pd.DataFrame) -> None:
    if displaced.empty:
        console.print("it displaces nothing")
        return
    shown = displaced.groupby("what", sort=False).head(SHOWN // 2)
    rows = (
        (row.what, row.name, _amount(row.without), _amount(row[4]), _amount(row.change, signed=True), row.unit)
        for row in shown.itertuples(index=False)
    )
    names = ("what", "", "without it", "with it", "change", "unit")
    show(console, table_of("what it displaces, at its floor", names, rows, text=("what", "", "unit")))
    if len(shown) < len(displaced):
        console.print(
            f"and {len(displaced) - len(shown)} smaller changes; --json and --out have all of them", highlight=False
        )


def _amount(amount: float, *, signed: bool = False) -> str:
    """An amount in whole units, a small one with two digits more."""
    digits = 0 if abs(amount) >= 10.0 or amount == round(amount) else 2
    return f"{amount:+,.{digits}f}" if signed else f"{amount:,.{digits}f}"


def _print_many(console: Console, quotes: Sequence[Quote]) -> None:
    risk = any(quote.risk is not None for quote in quotes)
    columns = [
        "inquiry", "size", "floor", "from", "to", "at once", "no lease cut", "alone",
        *(["risk-weighted"] if risk else []), "unit", "stands at",
    ]

    def row(quote: Quote) -> tuple[str, ...]:
        first = f"{quote.floor:.4f}" if quote.answer is Answer.FLOOR else quote.answer.value
        cells = [quote.low, quote.high, quote.held_floor, quote.keeping.rate, quote.standalone_rate]
        if risk:
            cells.append(float("nan") if quote.risk is None else quote.risk.rate)
        numbers = ["" if not math.isfinite(cell) else f"{cell:.4f}" for cell in cells]
        return (
            quote.inquiry.name, f"{quote.inquiry.size:,.0f} {quote.inquiry.unit}", first, *numbers,
            quote.inquiry.rate_unit, ", ".join(sites_of(quote.stands)),
        )

    worth = millions(quotes[0].npv_without_usd)
    title = f"floors of {counted(len(quotes), 'inquiry')}; the plan without them is worth {worth}"
    show(console, table_of(title, columns, map(row, quotes), text=("inquiry", "unit", "stands at")))
    for quote in quotes:
        if quote.note:
            console.print(f"{quote.inquiry.name}: {quote.note}", markup=False, highlight=False)


def _usd(rate: float) -> str:
    return "no rate" if math.isnan(rate) else dollars(rate, 4 if abs(rate) < 100.0 else 2)


def _rate(rate: float, quote: Quote) -> str:
    """A rate with its unit: $3.2956/GPU-hour."""
    return _usd(rate) + quote.inquiry.rate_unit.removeprefix("$")
