"""How the cash of a unit is described: a few terms, each a path over a window or a schedule from a month on.

A block of N units of one kind shares its list of terms; every array of a term has one entry per unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kernels.lines import Line

Array = Any
"""An array of any namespace: NumPy, CuPy, or the strict one of the tests."""


@dataclass(frozen=True)
class WindowTerm:
    """amount x path[month] in every month from event `start` to before event `end`.

    amount: (N,) dollars per unit of the path. path: (N,) rows of the path table (P, S, M).
    start, end: (N,) rows of the event table (E, S). An end before its start counts as no window.
    """

    line: Line
    amount: Array
    path: Array
    start: Array
    end: Array


@dataclass(frozen=True)
class ScheduleTerm:
    """amount x profile[age], age 0 in the month of event `start`: depreciation, debt service.

    amount: (N,) dollars. profile: (N,) rows of the profile table (Q, A). start: (N,) rows of the event table (E, S).
    """

    line: Line
    amount: Array
    profile: Array
    start: Array


Term = WindowTerm | ScheduleTerm
Blocks = Sequence[Sequence[Term]]
"""Blocks of units, each with its list of terms."""
