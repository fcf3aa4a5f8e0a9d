"""Measure several ways to the same answer: outputs compared first, then the median of interleaved runs."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from kernels.backend import Array, to_host

Outputs: TypeAlias = Mapping[str, Array]
"""Results by name, each with one row per item."""


@dataclass(frozen=True)
class Figure:
    """One measured rate, and how it compares with others of the same run."""

    job: str
    what: str
    value: float
    unit: str
    ratios: Mapping[str, float] = field(default_factory=dict)
    """This figure divided by another, by the name of the other."""
    note: str = ""

    @property
    def beside(self) -> str:
        """Ratios and note as a line."""
        return "; ".join(
            [*(f"{ratio:.3g} x {name}" for name, ratio in self.ratios.items()), *filter(None, [self.note])]
        )


@dataclass(frozen=True)
class Way:
    """One way to do a job."""

    name: str
    work: Callable[[], Outputs]
    amount: float
    """What it does per call, in the unit of the job. Slow ways do the first items alone."""
    note: str = ""


def host_seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def contest(
    job: str,
    unit: str,
    ways: Sequence[Way],
    *,
    against: Sequence[str],
    tolerance: float,
    repeats: int = 5,
    seconds: Callable[[Callable[[], object]], float] = host_seconds,
    limit: tuple[str, float] | None = None,
) -> list[Figure]:
    """Rates of all ways per second, as ratios to those named in `against`, and to `limit` (name, rate) if given.

    Every way runs once before it is timed; its outputs must equal those of the first to `tolerance` of the scale of
    each output. Then the ways take turns, so that what else the machine does strikes all. Raises ValueError where
    outputs differ.
    """
    expected = ways[0].work()
    for way in ways[1:]:
        require_equal(expected, way.work(), tolerance=tolerance, names=(ways[0].name, way.name))
    taken: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(repeats):
        for way in ways:
            taken[way.name].append(seconds(way.work))
    rates = {way.name: way.amount / max(statistics.median(taken[way.name]), 1e-12) for way in ways}
    bounds = {} if limit is None else {limit[0]: limit[1]}

    def ratios(name: str) -> dict[str, float]:
        compared = {other: rates[name] / rates[other] for other in against if other in rates and other != name}
        return compared | {bound: rates[name] / rate for bound, rate in bounds.items()}

    return [Figure(job, way.name, rates[way.name], unit, ratios(way.name), way.note) for way in ways]


def require_equal(expected: Outputs, found: Outputs, *, tolerance: float, names: tuple[str, str]) -> None:
    """Raise ValueError unless what both hold agrees; the shorter of two results is compared with the first rows."""
    if set(expected) != set(found):
        raise ValueError(f"{names[0]} gives {sorted(expected)}, {names[1]} gives {sorted(found)}")
    for output, left in expected.items():
        rows = min(len(left), len(found[output]))
        one, other = (to_host(values[:rows]).astype(np.float64) for values in (left, found[output]))
        finite = np.isfinite(one)
        scale = float(np.max(np.abs(one[finite]), initial=0.0))
        same = np.where(
            finite & np.isfinite(other),
            np.abs(np.where(finite, one, 0.0) - np.where(np.isfinite(other), other, 0.0)) <= tolerance * scale,
            one == other,
        )
        if not same.all():
            row = tuple(int(place[0]) for place in np.nonzero(~same))
            raise ValueError(
                f"{names[0]} and {names[1]} differ in {output} at {row}: {float(one[row])!r} and {float(other[row])!r}"
            )


def table(figures: Sequence[Figure]) -> str:
    """Figures as lines of text, one block per job."""
    widths = {
        "what": max((len(figure.what) for figure in figures), default=0),
        "unit": max((len(figure.unit) for figure in figures), default=0),
    }
    lines: list[str] = []
    for number, figure in enumerate(figures):
        if number == 0 or figures[number - 1].job != figure.job:
            lines += ["", figure.job]
        lines.append(
            f"  {figure.what:<{widths['what']}}  {_short(figure.value):>9} {figure.unit:<{widths['unit']}}  "
            f"{figure.beside}".rstrip()
        )
    return "\n".join(lines).lstrip("\n")


def _short(value: float) -> str:
    return f"{value:.3g}" if value == 0.0 or not 0.01 <= math.fabs(value) < 1e5 else f"{value:,.4g}"
