"""What `case.toml` holds: the time, the money and the rules of a case."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from planner.case.schema import Column, ColumnType, flag, month, number, share, text, whole

TAIL_RULES = ("contracted", "rented", "none")
DEPRECIATION_METHODS = ("straight_line", "macrs_5")
ASSET_CLASSES = ("gpu", "shell", "power")

SETTINGS: tuple[Column, ...] = (
    text("name", "name of the case", required=True, descriptive=True),
    month("start", "month 0", required=True),
    whole("months", "months", "length of the horizon", required=True, minimum=1, maximum=600),
    number("discount_rate", "share per year", "nominal, after tax", default=0.10, maximum=1.0),
    share("tax_rate", "tax on revenue less cost less depreciation, losses used at once", default=0.25, maximum=0.9),
    text(
        "tail",
        "what counts after the horizon: contracted: contracts to their end; rented: also a rent for powered MW; none: "
        "nothing",
        default="contracted", choices=TAIL_RULES,
    ),
    number(
        "tail_rent_usd_per_kw_month", "$ per kW-month of critical IT",
        "rent of powered MW after the horizon under tail = rented", default=0.0,
    ),
    share(
        "relet_fraction", "share of the market price at which GPUs are let again after notice or a term not renewed",
        default=0.8,
    ),
    flag("budget_carries_over", "capital not used in a quarter may be used later", default=True),
    whole("seed", "number", "seed of all draws", default=1),
)

DEPRECIATION: tuple[Column, ...] = (
    text("method", "how the basis is written off", default="straight_line", choices=DEPRECIATION_METHODS),
    number("years", "years", "length of a straight line", default=5.0, above=0.0),
    share("bonus_share", "share of the basis written off at once", default=0.0),
)
"""Columns of each table `[depreciation.gpu]`, `[depreciation.shell]`, `[depreciation.power]`."""


@dataclass(frozen=True)
class Depreciation:
    """How the capex of one asset class is written off for tax."""

    method: str = "straight_line"
    years: float = 5.0
    bonus_share: float = 0.0


DEFAULT_DEPRECIATION: dict[str, Depreciation] = {
    "gpu": Depreciation("macrs_5", 5.0, 1.0),
    "shell": Depreciation("straight_line", 39.0, 0.0),
    "power": Depreciation("straight_line", 15.0, 0.0),
}


@dataclass(frozen=True)
class Settings:
    """The settings of a case, as `case.toml` holds them; `start` is written YYYY-MM."""

    name: str
    start: str
    months: int
    discount_rate: float = 0.10
    tax_rate: float = 0.25
    tail: str = "contracted"
    tail_rent_usd_per_kw_month: float = 0.0
    relet_fraction: float = 0.8
    budget_carries_over: bool = True
    seed: int = 1
    depreciation: dict[str, Depreciation] = field(default_factory=lambda: dict(DEFAULT_DEPRECIATION))


def _declarations_match() -> bool:
    declared = {column.name for column in SETTINGS} | {"depreciation"}
    return declared == {entry.name for entry in fields(Settings)}


assert _declarations_match(), "case.toml: the declared settings and the Settings class differ"
assert all(column.type is not ColumnType.LIST for column in SETTINGS)
