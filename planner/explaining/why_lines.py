"""Why something is in or out, in sentences and as a record for files."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from planner.explaining.target import Sort
from planner.explaining.why import Reason, Turn

_NOUN = {Sort.SITE: "site", Sort.LEASE: "lease", Sort.PHASE: "phase", Sort.SKU: "SKU"}


def lines_of_reason(reason: Reason) -> list[str]:
    """A reason, line by line."""
    head = f"{_NOUN[reason.target.sort]} {reason.target.name} is {'in' if reason.inside else 'out'}"
    amount = f"{reason.amount:,.0f} {reason.unit}" if reason.amount >= 10.0 else f"{reason.amount:.3g} {reason.unit}"
    lines = [f"{head}{f': {amount}' if reason.inside else ''}"]
    if reason.worth_usd is not None:
        found, least, most = reason.worth_usd
        which = "without it"
        if not reason.inside:  # it says what the plan with it loses
            found, least, most, which = -found, -most, -least, f"with {amount} of it"
        between = f" ({_usd(least)} to {_usd(most)} by the gaps)" if most - least > 1e-4 * max(abs(found), 1.0) else ""
        lines.append(f"  the best plan {which} is worth {_usd(found)} less{between}")
    if reason.prices is not None:
        lines += _price_lines(reason)
    if reason.turn is not None:
        lines.append(f"  {_turned(reason, reason.turn, amount)}")
    if reason.note:
        lines.append(f"  {reason.note}")
    return lines


def _price_lines(reason: Reason) -> list[str]:
    prices = reason.prices
    assert prices is not None
    one = "a MW" if reason.unit == "MW" else "a GPU"
    if reason.target.sort is not Sort.LEASE:
        cost, worth = -prices.npv_usd, prices.reduced_usd - prices.npv_usd
        what, over, doing = (
            ("it", "over its life", "at work") if reason.target.sort is Sort.SKU
            else (prices.candidate_id.removeprefix("power:"), "over its term", "in use")
        )
        return [
            f"  at the plan's prices {one} of {what} costs {_usd(cost)} {over}, and one more would be worth "
            f"{_usd(worth)} {doing}"
        ]
    verdict = (
        f"{_usd(prices.reduced_usd)} more than" if prices.reduced_usd >= 0 else f"{_usd(-prices.reduced_usd)} less than"
    )
    lines = [
        f"  at the plan's prices {one} of it brings {_usd(prices.npv_usd)}, {verdict} what it uses "
        f"({prices.candidate_id})"
    ]
    for use in prices.uses:
        said = "uses" if use.usd >= 0 else "provides"
        lines.append(f"    {said} {_usd(abs(use.usd))} of {use.name}: {use.what}")
    if not reason.inside and prices.reduced_usd > 0:
        lines.append(
            "    but it comes whole, or by a decision of its own: all of it pushes out more than the first of it brings"
        )
    return lines


def _turned(reason: Reason, turn: Turn, amount: str) -> str:
    what = "rate" if reason.target.sort is Sort.LEASE else "fee"
    digits = 4 if turn.unit == "GPU-hour" else 2
    if math.isnan(turn.now):
        low, high, now = turn.low, turn.high, 0.0
        at = f"{what}s ${abs(turn.at):,.{digits}f}/{turn.unit} {'higher' if turn.at > 0 else 'lower'} than now"
        gaps = f" ({low:+,.{digits}f} to {high:+,.{digits}f} by the gaps)"
    else:
        # A rate or fee below nothing is none.
        low, high, now = max(turn.low, 0.0), max(turn.high, 0.0), turn.now
        at = (
            f"a {what} of {_dollars(turn.at, digits)}/{turn.unit} (now "
            f"{_dollars(now, digits if now != round(now, 2) else 2)})"
        )
        gaps = f", between {_dollars(low, digits)} and {_dollars(high, digits)} by the gaps,"
    between = gaps if high - low > 10.0**-digits else ""
    checked = "solved again there" if turn.solved else "the steps allowed did not close it"
    return (
        f"the answer turns at {at}{between} for {amount}: {_side(reason, turn, now)}; {checked}: {_usd(turn.with_usd)} "
        f"with it, {_usd(turn.without_usd)} without"
    )


def _side(reason: Reason, turn: Turn, now: float) -> str:
    """What the answer is on the other side of where it turns."""
    if turn.low <= now <= turn.high:
        return "the gaps leave open on which side it is now"
    # More rent speaks for a lease, a greater fee against power.
    beyond = "below" if (reason.target.sort is Sort.LEASE) == reason.inside else "above"
    if beyond == "below" and turn.at <= 0.005 and not math.isnan(turn.now):
        return f"for nothing at all it is worth as much as not to have it, never {'less' if reason.inside else 'more'}"
    return f"{beyond} it is {'out' if reason.inside else 'in'}"


def _dollars(usd: float, digits: int) -> str:
    return f"-${-usd:,.{digits}f}" if usd < 0 else f"${usd:,.{digits}f}"


def record_of_reason(reason: Reason) -> dict[str, Any]:
    """A reason for plan.json."""
    turn = None if reason.turn is None else {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(reason.turn).items()
    }
    worth = (
        None if reason.worth_usd is None else dict(zip(("found", "at_least", "at_most"), reason.worth_usd, strict=True))
    )
    return {
        "sort": _NOUN[reason.target.sort], "id": reason.target.name, "in_plan": reason.inside, "amount": reason.amount,
        "unit": reason.unit,
        "worth_usd": worth, "at_prices": None if reason.prices is None else asdict(reason.prices), "turns_at": turn,
        "note": reason.note or None,
    }


def _usd(usd: float) -> str:
    sign, size = ("-" if usd <= -0.5 else ""), abs(usd)
    if size >= 9.995e8:
        return f"{sign}${size / 1e9:,.3f}B"
    return f"{sign}${size / 1e6:,.2f}M" if size >= 5e4 else f"{sign}${size:,.0f}"
