"""Whether a case is within reach of the memory that may be used, asked before any of it is made."""

from __future__ import annotations

import math

from planner.candidates.outlook import Outlook
from planner.candidates.reach.remedies import remedies
from planner.candidates.reach.size import (
    ALL_LINES,
    BYTES_OF_A_CANDIDATE,
    BYTES_OF_A_CASE,
    BYTES_OF_A_NONZERO,
    NUMBERS_OF_A_MONTH,
    Size,
    bytes_of_months,
    estimate,
)
from planner.errors import PlannerError
from planner.runtime.memory import VARIABLE, free_memory, written_size


class BeyondReach(PlannerError):
    """A case whose model would not fit into memory; `size` is about what it would be."""

    def __init__(self, message: str, size: Size) -> None:
        super().__init__(message)
        self.size = size


def refuse_beyond_reach(outlook: Outlook, memory_bytes: int | None = None) -> None:
    """Raise BeyondReach where the model of a case would take more memory than may be used: memory_bytes, None for all
    that is free.

    It says how large the model would be, and what would make it fit. Takes some hundredths of a second, where a case is
    refused about one.
    """
    most = free_memory() if memory_bytes is None else memory_bytes
    _refuse_endless(outlook, most)
    if _at_most(outlook) <= most:
        return
    size = estimate(outlook)
    if size.bytes <= most:
        return
    allowed = f"{math.ceil(1.1 * size.bytes / (1 << 30))}G"
    offered = [
        f"  {remedy.what}: {written_size(remedy.bytes)}{'' if remedy.bytes <= most else ', not enough alone'}"
        for remedy in remedies(outlook, size, most)
    ]
    raise BeyondReach(
        "\n".join(
            [
                f"{outlook.case.settings.name!r} is too large for the {written_size(most)} of memory that may be "
                f"used: {written(size)}. It would take",
                *offered,
                f"make it smaller; or try it all the same with {VARIABLE}={allowed} in the environment, for plan and "
                f"sweep also --memory {allowed}",
            ]
        ),
        size,
    )


def _refuse_endless(outlook: Outlook, most: float) -> None:
    """Raise BeyondReach where a single series by month would fill the memory: then counting takes too long as well."""
    least = 8.0 * NUMBERS_OF_A_MONTH * outlook.months
    if least > most:
        raise BeyondReach(
            f"{outlook.case.settings.name!r} is too large for the {written_size(most)} of memory that may be used: it "
            f"reaches over {outlook.months:,} months, "
            "to the end of its last contract; give a shorter term_months, or --tail none",
            Size(0.0, 0.0, 0.0, 0.0, least),
        )


def written(size: Size) -> str:
    """A size in words."""
    return (
        f"about {_round(size.candidates)} candidates, a model of {_round(size.rows)} rows, {_round(size.columns)} "
        "columns and "
        f"{_round(size.nonzeros)} non-zeros, {written_size(size.bytes)} at the peak"
    )


def _round(number: float) -> str:
    """Two digits of a number, as an estimate has no more."""
    return f"{float(f'{number:.2g}'):,.0f}"


def _at_most(outlook: Outlook) -> float:
    """Bytes that the model surely does not exceed, from lengths alone: most cases are so small that nothing need be
    counted."""
    tables = outlook.case.tables
    rows = {name: float(len(table)) for name, table in tables.items()}
    steps, endings = float(len(outlook.windows)), float(len(outlook.endings))
    phases = float(tables["power"]["site_id"].value_counts().max()) if rows["power"] else 0.0
    rates = float(tables["lease_rates"]["lease_id"].value_counts().max()) if rows["lease_rates"] else 1.0
    places = rows["sites"] * rows["gpus"]
    held = (
        places + 2.0 * rows["sites"]
    ) * steps * (endings + 1.0) + rows["fleet"] * endings + rows["power"] * (endings + steps + 3.0)
    sells = places * steps * phases * (rows["market"] / max(rows["gpus"], 1.0)) + rows["sites"] * steps * phases
    served = 2.0 * rows["leases"] * rows["sites"] * max(rates, 1.0) * phases * (phases + 1.0) * steps
    candidates = held + sells + served + rows["leases"] * (2.0 * rows["sites"] + 1.0)
    cash = 8.0 * ALL_LINES * outlook.months
    return BYTES_OF_A_CASE + bytes_of_months(outlook) + candidates * (
        BYTES_OF_A_CANDIDATE + cash + 12.0 * BYTES_OF_A_NONZERO
    ) + 2.0 * served * steps * BYTES_OF_A_NONZERO
