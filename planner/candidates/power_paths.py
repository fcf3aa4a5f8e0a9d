"""Power paths: one phase, or one phase until another is energised (a bridge)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from planner.candidates.books import NO_PHASE
from planner.candidates.power import energy_path, fee_paths, fee_usd_per_mw_month, phase_table
from planner.candidates.workshop import Workshop

FULL_SERVICE = 0.99
"""Availability under which a lease's service credit is due."""


UNTIL = " until "
"""Between the two phases of a bridge, as a path is written for people."""


def legs_of(written: str, phases: Collection[str]) -> tuple[str, str]:
    """The phases of a path written SOURCE:PHASE, or `A:1 until B:1` for a bridge; the second is "" where there is one alone.

    A name may hold the word between them: the path is cut where both sides are phases, and is left whole where there are none.
    """
    words = written.split(UNTIL)
    cuts = [(UNTIL.join(words[:at]).strip(), UNTIL.join(words[at:]).strip()) for at in range(1, len(words))]
    found = [cut for cut in cuts if cut[0] in phases and cut[1] in phases]
    return found[0] if found and written not in phases else (written, "")


def live_phases(shop: Workshop) -> pd.DataFrame:
    """Phases with what a MW of contracted power in use costs: one row per phase of the case.

    Columns: site_id, phase_number, phase_name, energised_month, end_month, mw_per_it_mw, co2_kg_per_mwh,
    fee_usd_per_mw_month (the share not due anyway), fee_path, demand_usd_per_mw_month, energy_path (all of it),
    tenant_energy_path (without fuel that customers pay), min_take, below_full_service.
    """
    power = phase_table(shop.outlook)
    rows = [row for _, row in power.iterrows()]
    return pd.DataFrame(
        {
            "site_id": power["site_id"],
            "phase_number": power["phase_number"],
            "phase_name": power["phase_name"],
            "energised_month": power["energised_month"],
            "end_month": power["end_month"],
            "mw_per_it_mw": power["mw_per_it_mw"],
            "co2_kg_per_mwh": power["co2_kg_per_mwh"],
            "fee_usd_per_mw_month": fee_usd_per_mw_month(power) * (1.0 - power["take_or_pay"]),
            "fee_path": fee_paths(shop, power),
            "demand_usd_per_mw_month": power["demand_charge_usd_per_kw_month"] * 1000.0,
            "energy_path": np.array([energy_path(shop, row, tenant_pays_fuel=False) for row in rows], dtype=np.int64),
            "tenant_energy_path": np.array([energy_path(shop, row, tenant_pays_fuel=True) for row in rows], dtype=np.int64),
            "min_take": power["min_take"],
            "below_full_service": power["availability"] < FULL_SERVICE,
        }
    )


def power_paths(phases: pd.DataFrame) -> pd.DataFrame:
    """All paths: columns site_id, head, then (numbers; NO_PHASE), energised and end months of both, co2_kg_per_mwh."""
    columns = ["site_id", "phase_number", "phase_name", "energised_month", "end_month", "co2_kg_per_mwh"]
    heads = phases[columns].rename(
        columns={"phase_number": "head", "phase_name": "phase", "energised_month": "from_head", "end_month": "end_head"}
    )
    thens = phases[columns].rename(
        columns={
            "phase_number": "then", "phase_name": "then_phase", "energised_month": "from_then",
            "end_month": "end_then", "co2_kg_per_mwh": "then_co2",
        }
    )
    single = heads.assign(then=NO_PHASE, then_phase="", from_then=0, end_then=0)
    bridges = heads.merge(thens, on="site_id")
    bridges = bridges[(bridges["from_then"] > bridges["from_head"]) & (bridges["end_head"] >= bridges["from_then"])]
    bridges = bridges.assign(co2_kg_per_mwh=bridges[["co2_kg_per_mwh", "then_co2"]].max(axis=1)).drop(columns=["then_co2"])
    return pd.concat([single, bridges], ignore_index=True)


def powered(pairs: pd.DataFrame, start: str, end: str) -> pd.Series:
    """Whether each row's path has power over its whole window [start, end)."""
    single = pairs["then"] == NO_PHASE
    head = (pairs["from_head"] <= pairs[start]) & (pairs[start] < pairs[end])
    alone = single & (pairs["end_head"] >= pairs[end])
    bridged = (pairs["from_then"] > pairs[start]) & (pairs["from_then"] < pairs[end]) & (pairs["end_then"] >= pairs[end])
    return head & (alone | (~single & bridged))
