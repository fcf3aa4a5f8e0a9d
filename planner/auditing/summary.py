"""An agreement in few rows, as a signer reads it: lines of cash by total, families of limits by what is tightest, laws
by count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from planner.auditing.agreement import Agreement, Cell
from planner.auditing.conservation import Law
from planner.auditing.limits import Check
from planner.auditing.lines import LINES


@dataclass(frozen=True)
class LineTotal:
    """A line of cash over the whole plan, and the cell in which the two sets of books differ most."""

    line: str
    published_usd: float
    books_usd: float
    cells: int
    apart: int
    furthest: Cell


@dataclass(frozen=True)
class FamilyTotal:
    """A family of limits: how many were checked, how many are broken, and the tightest."""

    family: str
    checked: int
    broken: int
    tightest: Check


@dataclass(frozen=True)
class LawTotal:
    """A law of conservation: at how many places it was checked and broken, and where it is furthest from holding."""

    law: str
    checked: int
    broken: int
    furthest: Law


def line_totals(agreement: Agreement) -> list[LineTotal]:
    """One row a line of cash, in the order of the statement."""
    found = []
    for line in (*LINES, *sorted({cell.line for cell in agreement.cells} - set(LINES))):
        cells = [cell for cell in agreement.cells if cell.line == line]
        if cells:
            furthest = max(cells, key=lambda cell: abs(cell.difference_usd))
            apart = sum(not cell.agrees for cell in cells)
            found.append(
                LineTotal(
                    line, sum(cell.published_usd for cell in cells), sum(cell.books_usd for cell in cells), len(cells),
                    apart, furthest,
                )
            )
    return found


def family_totals(agreement: Agreement) -> list[FamilyTotal]:
    """One row a family of limits, in the order in which they were checked."""
    return [
        FamilyTotal(family, len(checks), sum(check.broken for check in checks), min(checks, key=_tightness))
        for family, checks in _grouped(agreement.checks, "family")
    ]


def law_totals(agreement: Agreement) -> list[LawTotal]:
    """One row a law of conservation."""
    return [
        LawTotal(
            name, len(each), sum(not law.holds for law in each),
            max(each, key=lambda law: (not law.holds, abs(law.found - law.due))),
        )
        for name, each in _grouped(agreement.laws, "name")
    ]


def record_of(agreement: Agreement) -> dict[str, Any]:
    """The same for machines."""
    written = agreement.run.months.written
    return {
        "agrees": agreement.agrees,
        "disagreements": list(agreement.disagreements),
        "worths": [
            {
                "name": worth.name, "published_usd": worth.published_usd, "books_usd": worth.books_usd,
                "agrees": worth.agrees,
            }
            for worth in agreement.worths
        ],
        "lines": [
            {
                "line": total.line, "published_usd": total.published_usd, "books_usd": total.books_usd,
                "cells": total.cells, "apart": total.apart,
                "furthest": {
                    "site_id": total.furthest.site, "month": written(total.furthest.month),
                    "published_usd": total.furthest.published_usd, "books_usd": total.furthest.books_usd,
                },
            }
            for total in line_totals(agreement)
        ],
        "limits": [
            {
                "family": total.family, "checked": total.checked, "broken": total.broken,
                "tightest": {
                    "name": total.tightest.name,
                    "month": None if total.tightest.month is None else written(total.tightest.month),
                    "use": total.tightest.use, "limit": total.tightest.limit, "least": total.tightest.least,
                },
            }
            for total in family_totals(agreement)
        ],
        "laws": [
            {
                "law": total.law, "checked": total.checked, "broken": total.broken,
                "furthest": {"place": total.furthest.place, "found": total.furthest.found, "due": total.furthest.due},
            }
            for total in law_totals(agreement)
        ],
    }


def _tightness(check: Check) -> tuple[bool, float]:
    """Broken ones first, then those with the least room for their size."""
    return (not check.broken, check.room / check.scale if check.scale else 0.0)


def _grouped(items: Sequence[Any], key: str) -> Iterable[tuple[str, list[Any]]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(getattr(item, key), []).append(item)
    return found.items()
