"""How figures and counts are written in sentences: one place for plurals, for per cent, and for what rounds to
nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.case.written_dates import month_number, written_month

_INVARIABLE = {"MW", "GW", "capex"}
NEVER = "never"


def plural(noun: str, number: float) -> str:
    """The noun as it stands after a number: portfolio after 1, portfolios after any other; MW after both."""
    if number == 1 or noun in _INVARIABLE:
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """A whole number with its noun: 1 portfolio, 1,000 futures."""
    return f"{number:,} {plural(noun, number)}"


def fixed(value: float, digits: int = 0) -> str:
    """A number with so many decimals and a comma between thousands; what rounds to nothing has no sign."""
    text = f"{value:,.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def percent(share: float, digits: int = 1) -> str:
    """A share in per cent: 12.3%, and 0.0% where it rounds to nothing, whatever its sign."""
    return f"{fixed(100.0 * share, digits)}%"


def dollars(usd: float, digits: int = 2) -> str:
    """Dollars with so many decimals, the sign before them: -$0.51; what rounds to nothing has no sign."""
    text = fixed(abs(usd), digits)
    return f"-${text}" if usd < 0 and text.strip("0.") else f"${text}"


LEAST_OF_A_MILLION = 5e4
"""Dollars that one decimal of a million still shows."""


def millions(usd: float) -> str:
    """Dollars as $1.23B or $45.0M, small amounts to the dollar: $4,500, $0."""
    size = abs(usd)
    text = (
        f"{size / 1e9:,.2f}B" if size >= 9.995e8 else f"{size / 1e6:,.1f}M" if size >= LEAST_OF_A_MILLION
        else fixed(size)
    )
    return f"-${text}" if usd < 0 and text != "0" else f"${text}"


def listed(names: Sequence[str], most: int) -> str:
    """Names parted by commas; of more than so many the first ones, and how many there are besides: a, b and 6 more."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def irr_text(rate: float | None, status: str) -> str:
    """An internal rate of return, or in a word why there is none; status: the name of an `IrrStatus`."""
    return status.replace("_", " ").lower() if rate is None or math.isnan(rate) else percent(rate)


def payback_text(start: str, months: float | None) -> str:
    """The month from which cumulative cash stays above zero, YYYY-MM; `never` where it does not within the statement.

    start: first month of the case. months: how many of them pass until then; None or infinity for never.
    """
    if months is None or math.isinf(months):
        return NEVER
    return written_month(month_number(start) + round(months))


def tail_words(alpha: float, cvar_usd: float) -> str:
    """What the worst futures do on average, from the CVaR of the loss: the worst 5% bring $3.89B."""
    return f"the worst {tail_text(alpha)} {'lose' if cvar_usd > 0 else 'bring'} {millions(abs(cvar_usd))}"


def tail_text(alpha: float) -> str:
    """The share of the futures in the tail of a level, in per cent: 5% at 0.95, 0.5% at 0.995."""
    return f"{100.0 * (1.0 - alpha):.4g}%"
