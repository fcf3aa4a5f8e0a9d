"""How a change to a case is written: `table.column[id]=value`, `*=` to multiply, `+=` to add."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from planner.errors import CaseError, Fault

_TARGET = r"\s*(?P<table>\w+)\s*\.\s*(?P<column>\w+(?:\.\w+)*)\s*(?:\[(?P<select>[^\]]*)\])?\s*"
_EDIT = re.compile(_TARGET + r"(?P<operation>\*=|\+=|=)(?P<value>.*)", re.DOTALL)
_ONLY_TARGET = re.compile(_TARGET)
FORMS = "write table.column[id]=value, table.column[column=value]*=factor, table.column+=number or case.setting=value"


class Operation(Enum):
    """What an edit does to a cell; the values are the words of the table `stresses`."""

    SET = "set"
    MULTIPLY = "multiply"
    ADD = "add"


_SIGNS = {"=": Operation.SET, "*=": Operation.MULTIPLY, "+=": Operation.ADD}


@dataclass(frozen=True)
class Edit:
    """One change: the cells of a column, or a setting (table `case`), and what is done to them.

    `select` is what stands in the brackets, None for all rows. `file`, `row` and `written` say where
    the change comes from, for faults.
    """

    table: str
    column: str
    select: str | None
    operation: Operation
    value: str
    written: str
    file: str = "edit"
    row: int | None = None

    def fault(self, why: str, remedy: str) -> Fault:
        """A fault of this edit."""
        return Fault(self.file, self.row, None, self.written, why, remedy)


def parse_edit(written: str) -> Edit:
    """The edit that is written; raises CaseError when it is not one."""
    match = _EDIT.fullmatch(written)
    if match is None:
        raise CaseError([Fault("edit", None, None, written, "not an edit", FORMS)])
    return Edit(
        match["table"], match["column"], _selected(match), _SIGNS[match["operation"]], match["value"].strip(), written
    )


def parse_change(target: str, operation: Operation, value: str, *, file: str, row: int) -> Edit:
    """The edit that a row of `stresses` stands for; raises CaseError when its target is not one."""
    match = _ONLY_TARGET.fullmatch(target)
    if match is None:
        raise CaseError(
            [
                Fault(
                    file, row, "target", target, "not a target",
                    "write table.column, table.column[id] or table.column[column=value]",
                )
            ]
        )
    written = f"{target} {operation.value} {value}"
    return Edit(match["table"], match["column"], _selected(match), operation, value, written, file, row)


def _selected(match: re.Match[str]) -> str | None:
    return None if match["select"] is None else match["select"].strip()
