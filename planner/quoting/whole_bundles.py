"""Bundles that stand alone: one way to work, or to let a hall, with all that it needs bought for it and given up after
it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.packages import Bundle, Package, gpu_bundle, hosting_bundle


def bundle_alone(candidates: CandidateSet, number: int) -> Bundle | None:
    """The bundle of one `serve` (one GPU) or `host` (one MW) candidate; None where its site has no hall, or no GPU, in
    time."""
    return (
        _hosted(candidates, number) if candidates.table["kind"].iat[number] == Kind.HOST
        else _bought(candidates, number)
    )


def _bought(candidates: CandidateSet, number: int) -> Bundle | None:
    """The last delivery before the work that lasts, its hall, and both given up after it."""
    table = candidates.table
    way = table.loc[number]
    site_id, start, end = str(way["site_id"]), int(way["from_month"]), int(way["to_month"])
    owned = table[(table["kind"] == Kind.OWN) & (table["site_id"] == site_id) & (table["gpu_id"] == way["gpu_id"])]
    owned = owned[(owned["from_month"] <= start) & (owned["to_month"] >= end)]
    if owned.empty:
        return None
    own = owned.loc[owned["from_month"].idxmax()]
    hall = _cheapest_hall(candidates, site_id, int(own["from_month"]), end)
    if not hall:
        return None
    sold = table[(table["kind"] == Kind.RETIRE) & (table["parent"] == own.name) & (table["from_month"] >= end)]
    retire = None if sold.empty else str(sold.loc[sold["from_month"].idxmin(), "candidate_id"])
    made = gpu_bundle(
        candidates, str(own["candidate_id"]), [str(way["candidate_id"])], shell=str(table["candidate_id"].iat[hall[0]]),
        retire=retire,
    )
    return _closed(made, hall)


def _hosted(candidates: CandidateSet, number: int) -> Bundle | None:
    """The lease of a MW with its hall, given up after it."""
    table = candidates.table
    way = table.loc[number]
    hall = _cheapest_hall(candidates, str(way["site_id"]), int(way["from_month"]), int(way["to_month"]))
    if not hall:
        return None
    return _closed(
        hosting_bundle(candidates, str(way["candidate_id"]), shell=str(table["candidate_id"].iat[hall[0]])), hall
    )


def _closed(made: Bundle, hall: list[int]) -> Bundle:
    """The bundle with its hall closed where that can be done."""
    if len(hall) == 1:
        return made
    package = made.package
    level = float(package.levels[package.numbers == hall[0]][0])
    numbers, levels = np.append(package.numbers, hall[1]), np.append(package.levels, level)
    order = np.argsort(numbers)
    return Bundle(made.site_id, made.gpu_id, made.stretches, Package(package.name, numbers[order], levels[order]))


def _cheapest_hall(candidates: CandidateSet, site_id: str, start: int, end: int) -> list[int]:
    """The hall of greatest NPV among those in service by a month, with its closing once the work ends; none where there
    is none."""
    table = candidates.table
    halls = table[(table["kind"] == Kind.SHELL) & (table["site_id"] == site_id) & (table["from_month"] <= start)]
    closings = table[(table["kind"] == Kind.CLOSE) & (table["from_month"] >= end)]
    found: list[list[int]] = []
    for number in halls.index:
        mine = closings[closings["parent"] == number]
        found.append([int(number)] if mine.empty else [int(number), int(_first(mine))])
    return max(found, key=lambda pair: (float(candidates.npv_usd[pair].sum()), -pair[0]), default=[])


def _first(rows: pd.DataFrame) -> int:
    return int(rows["from_month"].idxmin())
