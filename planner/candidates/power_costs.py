"""Paths of what power costs: escalated fees, and the energy of a MW drawn or not drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.outlook import Outlook
from planner.candidates.phases import fee_start


def fee_paths(builder: CandidateBuilder) -> Ints:
    """Path of the escalated fee of each phase, (phases,)."""
    rates = builder.outlook.tables["power"].floats("fee_escalator").tolist()
    return np.array(
        [
            builder.escalated(rate, month)
            for rate, month in zip(rates, fee_start(builder.outlook).tolist(), strict=True)
        ],
        dtype=np.int64,
    )


def energy_path(builder: CandidateBuilder, phase: int, *, tenant_pays_fuel: bool) -> int:
    """Path of the cost of one MW drawn without pause from a phase: hours x availability x $/MWh."""
    row: dict[str, Any] = builder.outlook.tables["power"].records[phase]
    fuel_out = tenant_pays_fuel and row["fuel_passed_to_tenant"]

    def recipe(outlook: Outlook) -> Floats:
        price = outlook.by_month(row, "energy_usd_per_mwh", "energy_curve")
        cost: Floats = (np.zeros(outlook.months) if price is None else price) + row["variable_om_usd_per_mwh"]
        heat_rate = row["heat_rate_mmbtu_per_mwh"]
        if heat_rate > 0.0 and not fuel_out:
            gas = outlook.by_month(row, "gas_usd_per_mmbtu", "gas_curve")
            assert gas is not None, "the reader refuses a heat rate without a gas price"
            cost = cost + heat_rate * (gas + row["fuel_adder_usd_per_mmbtu"])
        return cost * outlook.hours * row["availability"]

    return builder.paths.number(("energy", phase, fuel_out), recipe)


def unused_energy_path(builder: CandidateBuilder, phase: int) -> int:
    """Path of the cost of one MW of minimum take that is not drawn: its energy where that costs something."""
    energy = builder.paths.recipe(energy_path(builder, phase, tenant_pays_fuel=False))
    return builder.paths.number(("energy not used", phase), lambda outlook: np.maximum(energy(outlook), 0.0))
