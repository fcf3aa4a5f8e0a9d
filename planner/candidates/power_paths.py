"""Power paths: one phase, or one phase until another is energised (a bridge)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from planner.arrays import Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.cash_tables import NO_PHASE
from planner.candidates.columns import Columns, stacked
from planner.candidates.firmness import (
    backups,
    curtailed_share,
    firm_from,
    has_firm_part,
    share_served,
    with_interruptible,
)
from planner.candidates.outlook import Outlook
from planner.candidates.phases import fee_usd_per_mw_month
from planner.candidates.power_costs import energy_path, fee_paths

FULL_SERVICE = 0.99
"""Availability under which a lease's service credit is due."""


UNTIL = " until "
"""Between the two phases of a bridge, as a path is written for people."""


def legs_of(written: str, phases: Collection[str]) -> tuple[str, str]:
    """The phases of a path written SOURCE:PHASE, or `A:1 until B:1` for a bridge; the second is "" where there is one
    alone.

    A name may hold the word between them: the path is cut where both sides are phases, and is left whole where there
    are none.
    """
    words = written.split(UNTIL)
    cuts = [(UNTIL.join(words[:at]).strip(), UNTIL.join(words[at:]).strip()) for at in range(1, len(words))]
    found = [cut for cut in cuts if cut[0] in phases and cut[1] in phases]
    return found[0] if found and written not in phases else (written, "")


def live_phases(builder: CandidateBuilder) -> Columns:
    """What a MW of contracted power in use costs: a row for each phase of the case.

    Columns: mw_per_it_mw, fee_usd_per_mw_month (the share not due anyway), fee_path, demand_usd_per_mw_month,
    energy_path (all of it), tenant_energy_path (without fuel that customers pay), the same of what is curtailed
    (curtailed_energy_path, curtailed_tenant_energy_path), min_take, below_full_service; and of firmness firm_from (see
    `firmness`), has_firm_part, curtailed_share.
    """
    outlook, power = builder.outlook, builder.outlook.tables["power"]
    count = len(power)
    whole, tenant = (
        np.array([energy_path(builder, phase, tenant_pays_fuel=pays) for phase in range(count)], dtype=np.int64)
        for pays in (False, True)
    )
    return Columns(
        count,
        mw_per_it_mw=power.floats("mw_per_it_mw"),
        fee_usd_per_mw_month=fee_usd_per_mw_month(outlook) * (1.0 - power.floats("take_or_pay")),
        fee_path=fee_paths(builder),
        demand_usd_per_mw_month=power.floats("demand_charge_usd_per_kw_month") * 1000.0,
        energy_path=whole, tenant_energy_path=tenant,
        curtailed_energy_path=_while_served(builder, whole),
        curtailed_tenant_energy_path=_while_served(builder, tenant),
        firm_from=firm_from(outlook), has_firm_part=has_firm_part(outlook),
        curtailed_share=curtailed_share(outlook),
        min_take=power.floats("min_take"),
        below_full_service=power.floats("availability") < FULL_SERVICE,
    )


def _while_served(builder: CandidateBuilder, paths: Ints) -> Ints:
    """Paths of phases, (phases,), in the hours in which their curtailable part has power."""
    return np.array([served_path(builder, phase, path) for phase, path in enumerate(paths.tolist())], dtype=np.int64)


def served_path(builder: CandidateBuilder, phase: int, path: int) -> int:
    """Another path in the hours in which the curtailable part of a phase has power; itself where all of it is firm."""
    if not curtailed_share(builder.outlook)[phase]:
        return path
    whole, served = builder.paths.recipe(path), share_served(builder.outlook, phase)
    return builder.paths.number(("served", phase, path), lambda outlook: whole(outlook) * served)


def power_paths(outlook: Outlook) -> Columns:
    """All paths: columns site, head, then (phases; NO_PHASE), energised and end months of both, co2_kg_per_mwh, and
    interruptible: 1 where the part of its power that may be curtailed feeds it, a path of its own beside the firm
    one."""
    power = outlook.tables["power"]
    number, site, co2 = np.arange(len(power)), power.rows_of("site_id"), power.floats("co2_kg_per_mwh")
    heads = Columns(site=site, head=number, from_head=outlook.energised, end_head=outlook.power_end, co2_kg_per_mwh=co2)
    thens = Columns(site=site, then=number, from_then=outlook.energised, end_then=outlook.power_end)
    heads, thens = (each.take(~backups(outlook)) for each in (heads, thens))
    single = heads.having(then=np.full(len(heads), NO_PHASE), from_then=0, end_then=0)
    bridges = heads.joined(thens, "site")
    bridges = bridges.take(
        (bridges["from_then"] > bridges["from_head"]) & (bridges["end_head"] >= bridges["from_then"])
    )
    bridges = bridges.having(co2_kg_per_mwh=np.maximum(bridges["co2_kg_per_mwh"], co2[bridges["then"]]))
    return with_interruptible(outlook, stacked([single, bridges]))


def single_paths(paths: Columns) -> Columns:
    """Paths of one phase alone."""
    return paths.take(paths["then"] == NO_PHASE)


def firm_paths(paths: Columns) -> Columns:
    """Paths on the firm part of their power."""
    return paths.take(paths["interruptible"] == 0)


def powered(pairs: Columns) -> npt.NDArray[np.bool_]:
    """Whether each row's path has power over its whole window [from_month, to_month)."""
    start, end = pairs["from_month"], pairs["to_month"]
    head = (pairs["from_head"] <= start) & (start < end)
    single = pairs["then"] == NO_PHASE
    alone = single & (pairs["end_head"] >= end)
    bridged = ~single & (pairs["from_then"] > start) & (pairs["from_then"] < end) & (pairs["end_then"] >= end)
    found: npt.NDArray[np.bool_] = head & (alone | bridged)
    return found
