"""One change of one column of a case, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from planner.case.edit_grammar import parse_edit


class Moves(Enum):
    """What a change does to the optimum of the case, or to what is said of the case before any plan."""

    UP = "the NPV rises"
    DOWN = "the NPV falls"
    REFUSED = "the case is refused"
    NOTED = "the case is noted as unusual"


@dataclass(frozen=True)
class Change:
    """An edit of one column, what it moves, and the economics that say so.

    `given` are edits that set the scene in both plans, with and without `edit`; `stress` a stress of
    the case under which both are made. `said` is a part of what a refusal or a note says.
    """

    case: str
    edit: str
    moves: Moves
    why: str
    given: tuple[str, ...] = ()
    stress: str | None = None
    said: str = ""

    @property
    def column(self) -> str:
        """The column that is changed, as table.column; the table of settings is `case`."""
        parsed = parse_edit(self.edit)
        return f"{parsed.table}.{parsed.column}"
