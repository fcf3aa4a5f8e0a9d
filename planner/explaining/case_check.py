"""`planner.check`: all that is wrong with a case, or else what is unusual about it and how large its model becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planner.candidates.outlook import make_outlook
from planner.candidates.reach.size import Size, estimate
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.case.read import as_case
from planner.case.unusual.oddity import Oddity
from planner.errors import CaseError, Fault
from planner.explaining.unusual import unusual


@dataclass(frozen=True, repr=False)
class CaseCheck:
    """What a check found. faults: all that is wrong; where there is none, `case` is the case and `size` that of its
    model.

    oddities: what is unusual though not wrong.
    """

    faults: tuple[Fault, ...]
    oddities: tuple[Oddity, ...] = ()
    case: Case | None = None
    size: Size | None = None

    def __repr__(self) -> str:
        what = f"{self.case!r}, {len(self.oddities)} unusual" if self.case is not None else f"{len(self.faults)} faults"
        return f"<CaseCheck: {what}>"

    @property
    def sound(self) -> bool:
        """Whether the case can be planned."""
        return not self.faults


def check(case: Case | str | Path, edits: Sequence[str] = ()) -> CaseCheck:
    """Check a case, or the case at a path, with edits applied; what is wrong comes back and is not raised.

    >>> import planner
    >>> planner.check("fixtures/tiny").sound
    True
    """
    try:
        given = as_case(case)
        found = apply_edits(given, edits) if edits else given
    except CaseError as error:
        return CaseCheck(error.faults)
    return CaseCheck((), tuple(unusual(found)), found, estimate(make_outlook(found)))
