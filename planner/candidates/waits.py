"""What a unit waits for beside its power: the hall that it stands in and the delivery of its GPU, where a factor makes
them late.

A wait is a planned month and what slips: in a scenario the unit starts no earlier than that month and the slip. Nothing
is waited for where the case has no such factor, so a case without them has the events that it always had.
"""

from __future__ import annotations

import numpy as np

from planner.arrays import Ints, Texts
from planner.candidates.builder import CandidateBuilder
from planner.candidates.cash_tables import NO_WAIT
from planner.candidates.columns import Columns, codes_of, least_by, stacked
from planner.candidates.hall_cohorts import EXISTING
from planner.candidates.kinds import Kind
from planner.case.table_arrays import NO_ROW

NEVER = 1 << 40
"""A month that does not come."""


def provider_waits(builder: CandidateBuilder, word: str, named: Ints, names: Texts, month: Ints) -> Ints:
    """The waits of what is itself late: a hall for its construction, a GPU for its delivery; each from its own month.

    named: row of the site or SKU in `names`, (N,); NO_ROW for what is not late.
    """
    waits = np.full(len(month), NO_WAIT)
    late = [row for row in np.unique(named).tolist() if row != NO_ROW and builder.outlook.slips(word, names[row])]
    for at in np.flatnonzero(np.isin(named, late)).tolist():
        waits[at] = builder.events.wait(word, names[named[at]], int(month[at]))
    return waits


def work_waits(builder: CandidateBuilder, rows: Columns, *, for_contract: bool) -> tuple[Ints, Ints]:
    """The hall and the delivery that units at work wait for, from rows with site, gpu (NO_ROW for a hosted MW),
    from_month, from_head.

    A unit of a contract waits for a hall and for GPUs that are due when it begins. One on demand begins anew at every
    step and
    waits only for the first: that of its site and SKU, or that for the phase at the head of its path if that comes
    later. A unit that begins before anything new can be there, or on power of the start where halls (or its SKU) stand
    already, waits for neither.
    """
    sites, gpus = builder.names.sites, builder.names.gpus
    site, place = rows["site"], rows["site"] * len(gpus) + rows["gpu"]
    halls, bought = builder.halls, [block.columns for block in builder.of_kind(Kind.OWN)]
    new, standing = halls.take(halls["way"] != EXISTING), halls.take(halls["way"] == EXISTING)
    first_hall = least_by(new["site"], new["month"], len(sites), NEVER)
    hall = _waits(
        builder, rows, "construction", site, sites, first_hall[site], np.isin(site, standing["site"]), for_contract
    )
    first_gpu = np.full(len(sites) * len(gpus), NEVER)
    if bought:
        own = stacked(bought)
        first_gpu = least_by(own["site"] * len(gpus) + own["gpu"], own["from_month"], len(first_gpu), NEVER)
    owned = [block.columns["site"] * len(gpus) + block.columns["gpu"] for block in builder.of_kind(Kind.BASE)]
    there = np.isin(place, np.concatenate([np.zeros(0, dtype=np.int64), *owned]))
    delivery = _waits(builder, rows, "delivery", rows["gpu"], gpus, first_gpu[place], there, for_contract)
    return hall, delivery


def _waits(
    builder: CandidateBuilder, rows: Columns, word: str, named: Ints, names: Texts, first: Ints, standing: np.ndarray,
    for_contract: bool
) -> Ints:
    """The wait of each row for what comes first in the month `first`, where `standing` says whether some of it stands
    already."""
    waits = np.full(len(rows), NO_WAIT)
    late = [row for row in np.unique(named).tolist() if builder.outlook.slips(word, names[row])]
    start, head = rows["from_month"], rows["from_head"]
    due = start if for_contract else np.maximum(head, first)
    waiting = np.flatnonzero(np.isin(named, late) & (first <= start) & (due <= start) & ~(standing & (head <= 0)))
    codes, one = codes_of([named[waiting], due[waiting]])
    known = [
        builder.events.wait(word, names[what], month)
        for what, month in zip(named[waiting[one]].tolist(), due[waiting[one]].tolist(), strict=True)
    ]
    waits[waiting] = np.array(known, dtype=np.int64)[codes]
    return waits
