"""Faults in what a user brings, collected and reported once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST = 200
"""Characters of a value that a fault shows."""


class PlannerError(Exception):
    """An error whose message tells a planner what is wrong and what to do; `exit_code` is for the command line."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input: where it stands, its value, why it is wrong and what to do."""

    file: str
    row: int | None
    column: str | None
    value: str
    why: str
    remedy: str

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        shown = f" {_short(self.value)!r}:" if self.value else ""
        return _printable(f"{place}:{shown} {self.why}; {self.remedy}")


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."


def _printable(text: str) -> str:
    """Text that any terminal and file takes: file names may hold bytes that are no characters."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class CaseError(PlannerError):
    """The case cannot be used; `faults` holds every fault that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        title = "1 fault in the case" if count == 1 else f"{count} faults in the case"
        super().__init__("\n".join([f"{title}:", *(f"  {fault}" for fault in self.faults)]))
