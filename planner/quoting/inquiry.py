"""An inquiry: a lease that a customer asks for, with everything but its rate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from planner.case.tables import SERVICES
from planner.errors import PlannerError

_SKU = re.compile(r"^\s*(?P<gpu_id>[^=]+?)\s*(=\s*(?P<units>[^=]+?)\s*)?$")
GPU_FORMS = "write a SKU, or several separated by ; with GPUs per unit after =, such as 'gb300; b200=1.1'"

SHARES = (0.25, 0.5, 0.75)
"""Shares of the size, beside the whole, for which a divisible inquiry gets a floor."""
LEASE_COLUMNS = (
    "start", "term_months", "term_from", "min_block", "energy_by", "billing_hours", "take_or_pay", "utilisation",
    "escalator", *SERVICES,
    "prepay_fraction", "single_fabric", "regions", "sites", "max_co2_kg_per_mwh", "notice_months", "notice_from_month",
    "notice_margin", "renewal_term_months", "renewal_probability", "renewal_rate_share", "late_penalty",
    "late_grace_months",
    "sla_credit", "goodput_promised", "goodput_expected", "goodput_credit",
)
"""Columns of the table `leases` that an inquiry gives under the same names, with the same defaults."""


@dataclass(frozen=True)
class Sku:
    """A SKU that an inquiry accepts; gpus_per_unit None: by performance against the first SKU of the inquiry."""

    gpu_id: str
    gpus_per_unit: float | None = None


@dataclass(frozen=True)
class Inquiry:
    """A lease asked for: GPUs (`gpu`, `gpus`) or a powered hall (`mw`), when, for how long, and on which terms.

    gpu: SKUs that may serve it, 'gb300' or 'gb300; b200=1.1': the first is the unit in which `gpus` and the rate count,
    1.1 of the other make one unit and are paid the rate / 1.1 each. mw: critical IT of a hosting inquiry, whose rate is
    in $/kW-month. customer: a customer of the case, "" for one that never defaults. sites, regions: where it may stand,
    separated by ;. all_or_nothing: the customer takes the whole size or nothing, so there is no floor for less of it.
    The other fields are columns of the table `leases` and mean the same; None takes the default.
    """

    start: str
    term_months: int
    name: str = "inquiry"
    gpu: str = ""
    gpus: float | None = None
    mw: float | None = None
    customer: str = ""
    all_or_nothing: bool = False
    term_from: str | None = None
    min_block: float | None = None
    energy_by: str | None = None
    billing_hours: str | None = None
    take_or_pay: float | None = None
    utilisation: float | None = None
    escalator: float | None = None
    storage_usd_per_gpu_month: float | None = None
    network_usd_per_gpu_month: float | None = None
    support_usd_per_gpu_month: float | None = None
    prepay_fraction: float | None = None
    single_fabric: bool = False
    regions: str = ""
    sites: str = ""
    max_co2_kg_per_mwh: float | None = None
    notice_months: int | None = None
    notice_from_month: int | None = None
    notice_margin: float | None = None
    renewal_term_months: int | None = None
    renewal_probability: float | None = None
    renewal_rate_share: float | None = None
    late_penalty: float | None = None
    late_grace_months: int | None = None
    sla_credit: float | None = None
    goodput_promised: float | None = None
    goodput_expected: float | None = None
    goodput_credit: float | None = None

    def __post_init__(self) -> None:
        if (self.gpus is None) == (self.mw is None):
            raise PlannerError(
                f"inquiry {self.name}: give either gpus (with gpu) or mw, not "
                f"{'both' if self.gpus is not None else 'neither'}"
            )
        if self.gpus is not None and not self.gpu:
            raise PlannerError(f"inquiry {self.name}: gpus without a SKU; {GPU_FORMS}")
        if self.mw is not None and self.gpu:
            raise PlannerError(
                f"inquiry {self.name}: a hall in mw takes the tenant's GPUs; leave gpu out, or give gpus in place of mw"
            )
        if not self.size > 0.0:
            raise PlannerError(f"inquiry {self.name}: the size {self.size:g} is not above 0; give GPUs or MW")
        _ = self.skus

    @property
    def hosting(self) -> bool:
        """Whether it asks for a powered hall."""
        return self.mw is not None

    @property
    def size(self) -> float:
        """Units asked for: GPUs of the first SKU, or MW of critical IT."""
        return float(self.mw if self.mw is not None else self.gpus or 0.0)

    @property
    def sizes(self) -> tuple[float, ...]:
        """Sizes for which a floor is asked: the whole, and shares of it where the customer would take less."""
        return (self.size,) if self.all_or_nothing else tuple(share * self.size for share in (*SHARES, 1.0))

    @property
    def least_size(self) -> float:
        """The least of its sizes."""
        return min(self.sizes)

    @property
    def unit(self) -> str:
        """What its size counts."""
        return "MW" if self.hosting else "GPUs"

    @property
    def rate_unit(self) -> str:
        """Unit of its rate."""
        return "$/kW-month" if self.hosting else "$/GPU-hour"

    @property
    def skus(self) -> tuple[Sku, ...]:
        """The SKUs accepted, in order; raises PlannerError where they are written wrongly."""
        found = [_sku(part, self.name) for part in self.gpu.split(";") if part.strip()]
        names = [sku.gpu_id for sku in found]
        if len(set(names)) != len(names):
            raise PlannerError(f"inquiry {self.name}: gpu {self.gpu!r} names a SKU twice; name each once")
        return tuple(found)

    def lease_cells(self) -> dict[str, object]:
        """Its own columns of the table `leases`; None where the default holds."""
        return {name: getattr(self, name) for name in LEASE_COLUMNS}


def inquiry_of(given: Inquiry | None, choices: Mapping[str, object]) -> Inquiry:
    """The inquiry given, or the one made from fields; raises PlannerError for both, neither or an unknown field."""
    if given is not None:
        if choices:
            raise PlannerError("give either an Inquiry or its fields, not both")
        return given
    known = [entry.name for entry in fields(Inquiry)]
    for name in choices:
        if name not in known:
            from planner.did_you_mean import remedy_for

            raise PlannerError(f"an inquiry has no {name!r}; {remedy_for(name, known)}")
    missing = [name for name in ("start", "term_months") if choices.get(name) is None]
    if missing:
        raise PlannerError(f"an inquiry needs {' and '.join(missing)}")
    return Inquiry(**choices)  # type: ignore[arg-type]


def refuse_repeated(inquiries: Sequence[Inquiry]) -> None:
    """Raise PlannerError where two inquiries have one name, or where there are none."""
    names = [inquiry.name for inquiry in inquiries]
    if not names:
        raise PlannerError("there is no inquiry to quote for")
    for name in names:
        if names.count(name) > 1:
            raise PlannerError(f"two inquiries are called {name!r}; give each its own name")


def _sku(written: str, name: str) -> Sku:
    match = _SKU.match(written)
    try:
        units = None if match is None or match["units"] is None else float(match["units"])
    except ValueError:
        match, units = None, None
    if match is None or (units is not None and not 0.0 < units < float("inf")):
        raise PlannerError(f"inquiry {name}: {written.strip()!r} is not a SKU with GPUs per unit; {GPU_FORMS}")
    return Sku(match["gpu_id"], units)
