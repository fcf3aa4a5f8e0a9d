"""Limits that a plan breaks, in a planner's words: what is used, by how much too much, in the unit of the limit."""

from __future__ import annotations

from collections.abc import Sequence

from planner.candidates.resources import Family
from planner.scoring.limits import LEAST, MOST, WHOLE
from planner.sweeping.held import Broken

_WORDS: dict[str, tuple[str, str]] = {
    Family.FLEET.name: ("GPUs at work of {}", "GPUs"),
    Family.HALL.name: ("halls in use at {}", "MW"),
    Family.LIQUID.name: ("liquid cooling in use at {}", "MW"),
    Family.SITE.name: ("halls of site {}", "MW"),
    Family.BUILD.name: ("halls built at {}", "MW"),
    Family.CONVERTIBLE.name: ("mining halls converted at {}", "MW"),
    Family.MINING.name: ("mining load of {}", "MW"),
    Family.PHASE.name: ("contracted power in use of {}", "MW"),
    Family.FIRM.name: ("firm power in use of {}", "MW"),
    Family.CURTAILABLE.name: ("curtailable power in use of {}", "MW"),
    Family.BACKUP.name: ("MW made firm by {}", "MW"),
    Family.OFFER.name: ("contracted power of {}", "MW"),
    Family.LEAST_POWER.name: ("least contracted power of {}", "MW"),
    Family.OPEN.name: ("halls of site {} while it is not open", "MW"),
    Family.OPENED_ONCE.name: ("site {} opened", "times"),
    Family.GROUP.name: ("contracted power of group {}", "MW"),
    Family.MIN_TAKE.name: ("minimum take of {}", "MW"),
    Family.ENDED.name: ("{} given up", ""),
    Family.SUPPLY.name: ("deliveries of {}", "GPUs"),
    Family.VOLUME.name: ("size of lease {}", "units"),
    Family.LEAST_VOLUME.name: ("least size of lease {}", "units"),
    Family.TRANCHE.name: ("units of tranche {} against the next", "units"),
    Family.ACCEPTED_ONCE.name: ("lease {} taken", "times"),
    Family.TIER.name: ("units at the rate of {}", "units"),
    Family.BLOCK.name: ("lease {} where it was not placed", "units"),
    Family.ON_FABRIC.name: ("lease {} beside its fabric", "units"),
    Family.LEAST_BLOCK.name: ("least block of lease {}", "units"),
    Family.CLUSTER.name: ("cluster of lease {}", "GPUs"),
    Family.FABRIC.name: ("lease {} without its link", ""),
    Family.PLACED.name: ("the fleet that serves lease {}", "units"),
    Family.RENEWAL.name: ("{} renewed", "units"),
    Family.DEPTH.name: ("GPUs on demand of {}", "GPUs"),
    Family.REVENUE_SHARE.name: ("discounted revenue of customer {}", "$"),
    Family.YEARLY_SHARE.name: ("revenue of customer and year {}", "$"),
    Family.CAPITAL.name: ("new capital used ({})", "$"),
    Family.FIXED.name: ("{} as you fixed it", ""),
    Family.CASH_FLOOR.name: ("cumulative cash at the end of {}", "$"),
    LEAST: ("least of {}", ""),
    MOST: ("most of {}", ""),
    WHOLE: ("{} in part, which is taken whole or not at all", ""),
}
"""What a family of limits is about, and its unit."""
_LEAST = {
    Family.LEAST_POWER.name, Family.LEAST_VOLUME.name, Family.LEAST_BLOCK.name, Family.PLACED.name,
    Family.MIN_TAKE.name, Family.CASH_FLOOR.name, LEAST,
}
"""Limits that ask for something: what breaks them is too little."""


def told(broken: Sequence[Broken]) -> list[str]:
    """A sentence for each limit broken, the worst of its windows: 'new capital used (capital): $900M too much in
    2028-Q1'."""
    worst: dict[tuple[str, str], Broken] = {}
    windows: dict[tuple[str, str], int] = {}
    for one in broken:
        key = (one.family, one.name)
        windows[key] = windows.get(key, 0) + 1
        if key not in worst or abs(one.used - one.limit) > abs(worst[key].used - worst[key].limit):
            worst[key] = one
    return [_sentence(one, windows[key]) for key, one in worst.items()]


def _sentence(one: Broken, windows: int) -> str:
    words, unit = _WORDS.get(one.family, (one.family + " {}", ""))
    unit = unit or {"GPU": "GPUs", "step": "steps", "phase": "phases", "0/1": ""}.get(one.unit, one.unit)
    excess = abs(one.used - one.limit)
    when = f" in {one.month}" if one.month else ""
    many = f", the worst of {windows} windows" if windows > 1 else ""
    if one.family == WHOLE:
        return f"{words.format(one.name)}{when}{many}"
    off = "too little" if one.family in _LEAST else "too much"
    # Many limits are differences against what is provided, and then stand at 0.
    of = "" if one.limit == 0.0 else f" ({_sized(abs(one.used), unit)} of {_sized(abs(one.limit), unit)})"
    return f"{words.format(one.name)}: {_sized(excess, unit)} {off}{of}{when}{many}"


def _sized(amount: float, unit: str) -> str:
    if unit == "$":
        return (
            f"${amount / 1e9:,.2f}B" if amount >= 9.995e8 else f"${amount / 1e6:,.1f}M" if amount >= 5e4
            else f"${amount:,.0f}"
        )
    size = f"{amount:,.0f}" if amount >= 1000.0 or amount == round(amount) else f"{amount:,.3g}"
    return f"{size} {unit}".rstrip()
