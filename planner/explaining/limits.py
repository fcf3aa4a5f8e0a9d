"""Limits in a planner's words: what may be loosened, by how much it is now, and what loosening it would cost.

What a model holds is of two sorts. Some rows say how things work: GPUs at work are GPUs owned, power in use is power
contracted. Those hold whatever anyone decides. The rest are limits: a guaranteed MW, a delivery, a budget, a
commitment, a date. A conflict is a set of limits that the first sort does not allow together; only limits can be
loosened.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Kind(Enum):
    """Kinds of limits: word for files, what is scarce, unit in which it is loosened (blank: it holds or it does
    not)."""

    COMMITMENT = ("commitment", "leases", "units")
    PLACED = ("placed", "leases", "GPUs")
    FIX = ("fix", "decisions", "")
    EXCLUDE = ("exclude", "decisions", "")
    POWER = ("power", "power", "MW")
    COMMITTED_MW = ("committed_mw", "power", "MW")
    FIRM_MW = ("firm_mw", "power", "MW")
    GROUP = ("group", "power", "MW")
    HALLS = ("halls", "halls", "MW")
    PACE = ("pace", "halls", "MW a quarter")
    LIQUID = ("liquid", "halls", "MW")
    CONVERTIBLE = ("convertible", "halls", "MW")
    MINING = ("mining", "power", "MW")
    SUPPLY = ("supply", "GPUs", "GPUs")
    OWNED = ("owned", "GPUs", "GPUs")
    CLUSTER = ("cluster", "fabric", "GPUs")
    TIER = ("tier", "leases", "units")
    CAPITAL = ("capital", "capital", "$")
    CASH_FLOOR = ("cash_floor", "capital", "$")
    SHARE = ("share", "leases", "$")
    START = ("start", "dates", "months")
    POWER_DATE = ("power_date", "dates", "months")
    GPU_DATE = ("gpu_date", "dates", "months")
    HALL_DATE = ("hall_date", "dates", "months")
    FABRIC = ("fabric", "fabric", "")
    WHOLE = ("whole", "whole decisions", "")
    RULE = ("rule", "rules", "")

    def __init__(self, label: str, scarce: str, unit: str) -> None:
        self.label = label
        self.scarce = scarce
        self.unit = unit

    @property
    def is_demand(self) -> bool:
        """Whether it asks for something, where the others hold it back."""
        return self in (Kind.COMMITMENT, Kind.PLACED, Kind.FIX, Kind.COMMITTED_MW, Kind.OWNED)

    @property
    def is_date(self) -> bool:
        """Whether it says when something can be there."""
        return self in (Kind.START, Kind.POWER_DATE, Kind.GPU_DATE, Kind.HALL_DATE)


@dataclass(frozen=True)
class Limit:
    """A limit that could be loosened.

    name: what it is a limit of, by its id. value: how much it allows (or asks for), in `unit`; NaN where it has no
    size.
    words: the limit in a sentence. usd_per_unit: what loosening it by one unit costs, None where the case has no price.
    whole: it is loosened by all of `value` or not at all. edit: the change of the case that loosens it by {more}, or to
    {value}, several separated by a new line; blank where an option of the command is taken back instead.
    """

    kind: Kind
    name: str
    words: str
    value: float = float("nan")
    unit: str = ""
    usd_per_unit: float | None = None
    whole: bool = False
    edit: str = ""

    @property
    def edits(self) -> tuple[str, ...]:
        """The changes one by one."""
        return tuple(self.edit.split("\n")) if self.edit else ()
