"""What is unusual about power: a phase curtailed for no hours, or of which nothing can be curtailed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from planner.case.case import Case
from planner.case.edits import file_of
from planner.case.reading.frames import FIRST_ROW
from planner.case.unusual.oddity import Oddity


def curtailed_in_name_alone(case: Case) -> Iterator[Oddity]:
    """Phases curtailed for no hours, with nothing to curtail, or until a month before their first power."""
    power = case.arrays["power"]
    firm, hours = power.floats("firm_share"), power.floats("curtailed_hours_per_year")
    until, energised = power.texts("curtailed_until"), power.texts("energised")
    past = np.array(
        [month != "" and month <= max(begins, case.settings.start)
         for month, begins in zip(until, energised, strict=True)],
        dtype=bool,
    )
    for found, what, to_do in (
        ((firm < 1.0) & (hours == 0.0), "is not firm as a whole, and curtailed for no hours",
         "give curtailed_hours_per_year, or leave firm_share blank"),
        ((firm == 1.0) & (hours > 0.0), "is curtailed, and firm as a whole",
         "give firm_share: 0 where all of it may be curtailed"),
        ((firm < 1.0) & (hours > 0.0) & past, "is curtailed until a month before it is there", "check curtailed_until"),
    ):
        for row in np.flatnonzero(found).tolist():
            name = f"{power.texts('source_id')[row]}:{power.texts('phase')[row]}"
            yield Oddity(file_of(case, "power"), row + FIRST_ROW, f"{name} {what}", "nothing of it is curtailed", to_do)


def discounts_for_nothing(case: Case) -> Iterator[Oddity]:
    """Leases with a discount for curtailment that accept no hours of it."""
    leases = case.arrays["leases"]
    unasked = (leases.floats("curtailment_discount") > 0.0) & (leases.floats("curtailable_hours_per_year") == 0.0)
    for row in np.flatnonzero(unasked).tolist():
        yield Oddity(
            file_of(case, "leases"), row + FIRST_ROW,
            f"lease {leases.texts('lease_id')[row]} has a discount for curtailment and accepts no hours",
            "it stands on firm power alone, at its full rate",
            "give curtailable_hours_per_year, or take the discount out",
        )


POWER_CHECKS: tuple[Callable[[Case], Iterable[Oddity]], ...] = (curtailed_in_name_alone, discounts_for_nothing)
