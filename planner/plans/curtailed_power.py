"""What of a plan stands on power that may be curtailed."""

from __future__ import annotations

import numpy as np

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.firmness import curtailed_share, firm_from
from planner.candidates.resources import Family


def curtailed_by_phase(candidates: CandidateSet, levels: Floats) -> dict[str, Floats]:
    """`peak_curtailable_use_mw`, most MW ever in use by what is interruptible, and `curtailed_mwh`, those MW times the
    hours in which they are curtailed; each of shape (phases,)."""
    outlook, book = candidates.outlook, candidates.book
    count = len(outlook.tables["power"])
    used = np.zeros((count, outlook.months + 1))
    held = np.flatnonzero((candidates.columns["interruptible"] == 1) & (levels > 0.0))
    if not len(held):
        return {"peak_curtailable_use_mw": np.zeros(count), "curtailed_mwh": np.zeros(count)}
    uses = book.uses.columns()
    phased = np.array([family is Family.PHASE for family in book.family], dtype=bool)[uses["resource"]]
    uses = uses.take(phased & np.isin(uses["candidate"], held))
    number = {book.find(Family.PHASE, name): at for at, name in enumerate(candidates.blocks[0].names.phases[:-1])}
    phase = np.array([number[resource] for resource in uses["resource"].tolist()], dtype=np.int64)
    mw, until = uses["coefficient"] * levels[uses["candidate"]], firm_from(outlook)[phase]
    start, end = np.minimum(uses["start"], until), np.minimum(uses["end"], until)
    np.add.at(used, (phase, start), mw)
    np.add.at(used, (phase, end), -mw)
    by_month = np.cumsum(used, axis=1)[:, :-1]
    lost = by_month @ outlook.hours * curtailed_share(outlook)
    return {"peak_curtailable_use_mw": by_month.max(axis=1, initial=0.0), "curtailed_mwh": lost}
