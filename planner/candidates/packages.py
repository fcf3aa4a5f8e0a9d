"""Packages: fixed mixes of candidates, which are candidates themselves because levels combine linearly.

A *bundle* is the whole path of one GPU, or of one hosted MW, with all that it needs: the GPU from delivery to
retirement, its leases and market windows in order with idle stretches explicit, its critical IT of hall, and its
contracted MW of power for the phase's whole term. A *site package* is all that a portfolio puts on one site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_table, unit_mw
from planner.errors import PlannerError

COMPANY = "(company)"
"""The package of what belongs to no site: leases accepted, links, capital raised."""

WORK = ("serve", "renew", "sell")


@dataclass(frozen=True)
class Package:
    """A mix of candidates: their numbers and their levels for one unit of the package."""

    name: str
    numbers: Ints
    levels: Floats

    def npv_usd(self, candidates: CandidateSet) -> float:
        """Base-case NPV of one unit."""
        return float(candidates.npv_usd[self.numbers] @ self.levels)

    def spread(self, count: int) -> Floats:
        """Levels over all candidates, shape (count,)."""
        full = np.zeros(count)
        np.add.at(full, self.numbers, self.levels)
        return full


@dataclass(frozen=True)
class Stretch:
    """A stretch of a bundle's time: at work for a candidate, or idle (number None), over [from_month, to_month)."""

    what: str
    number: int | None
    from_month: int
    to_month: int


@dataclass(frozen=True)
class Bundle:
    """The path of one GPU or one hosted MW, and the package that it is."""

    site_id: str
    gpu_id: str
    stretches: tuple[Stretch, ...]
    package: Package


def site_packages(candidates: CandidateSet, levels: Floats) -> list[Package]:
    """What a portfolio puts on each site, in the order of the table of sites, and on none: together the portfolio."""
    site = candidates.table["site_id"].to_numpy()
    names = [*candidates.outlook.case.tables["sites"]["site_id"], ""]
    packages = []
    for name in names:
        held = np.flatnonzero((site == name) & (levels != 0.0))
        if len(held):
            packages.append(Package(name or COMPANY, held, levels[held]))
    return packages


def gpu_bundle(
    candidates: CandidateSet, own: str, work: Sequence[str], *, shell: str, retire: str | None = None
) -> Bundle:
    """The bundle of one GPU bought: what it works at in order, by candidate ids, and the hall that it stands in.

    One GPU works as (1 - spare fraction) of one. Raises PlannerError when a part is unknown, stands elsewhere, overlaps
    another or lies outside the life of the GPU.
    """
    table = candidates.table
    bought = _number(candidates, own, ("own",))
    site_id, gpu_id = str(table["site_id"].iat[bought]), str(table["gpu_id"].iat[bought])
    gpu = candidates.outlook.case.tables["gpus"].set_index("gpu_id").loc[gpu_id]
    start, end = int(table["from_month"].iat[bought]), int(table["to_month"].iat[bought])
    numbers, levels = [bought], [1.0]
    if retire is not None:
        sold = _number(candidates, retire, ("retire",))
        if int(table["parent"].iat[sold]) != bought:
            raise PlannerError(f"{retire} does not retire {own}; name a retirement of that delivery")
        numbers.append(sold)
        levels.append(1.0)
        end = int(table["from_month"].iat[sold])
    working = 1.0 - float(gpu["spare_fraction"])
    parts = [_number(candidates, name, WORK) for name in work]
    for part, name in zip(parts, work, strict=True):
        if str(table["site_id"].iat[part]) != site_id or str(table["gpu_id"].iat[part]) != gpu_id:
            raise PlannerError(f"{name} is not work for {gpu_id} at {site_id}; a GPU stays where it was delivered")
    numbers += parts
    levels += [working] * len(parts)
    it_mw = float(gpu["it_kw"]) / 1000.0
    _add_hall(candidates, shell, site_id, start, it_mw, numbers, levels)
    _add_power(candidates, parts, it_mw * working, numbers, levels)
    stretches = _stretches(candidates, parts, start, end)
    return Bundle(site_id, gpu_id, stretches, _merged(own, numbers, levels))


def hosting_bundle(candidates: CandidateSet, host: str, *, shell: str) -> Bundle:
    """The bundle of one hosted MW: its lease, its hall and its contracted power."""
    table = candidates.table
    part = _number(candidates, host, ("host",))
    site_id = str(table["site_id"].iat[part])
    numbers, levels = [part], [1.0]
    _add_hall(candidates, shell, site_id, int(table["from_month"].iat[part]), 1.0, numbers, levels)
    _add_power(candidates, [part], 1.0, numbers, levels)
    window = int(table["from_month"].iat[part]), int(table["to_month"].iat[part])
    stretches = (Stretch(host, part, *window),)
    return Bundle(site_id, "", stretches, _merged(host, numbers, levels))


def _number(candidates: CandidateSet, name: str, kinds: Sequence[str]) -> int:
    found = np.flatnonzero((candidates.table["candidate_id"] == name).to_numpy())
    if len(found) != 1 or candidates.table["kind"].iat[found[0]] not in kinds:
        raise PlannerError(f"{name!r} is no candidate of kind {' or '.join(kinds)}; candidates.parquet lists them all")
    return int(found[0])


def _add_hall(
    candidates: CandidateSet, shell: str, site_id: str, start: int, it_mw: float, numbers: list[int],
    levels: list[float]
) -> None:
    hall = _number(candidates, shell, ("shell",))
    table = candidates.table
    if str(table["site_id"].iat[hall]) != site_id or int(table["from_month"].iat[hall]) > start:
        raise PlannerError(f"{shell} is not in service at {site_id} by {candidates.outlook.calendar.written(start)}")
    numbers.append(hall)
    levels.append(it_mw)


def _add_power(
    candidates: CandidateSet, parts: Sequence[int], it_mw: float, numbers: list[int], levels: list[float]
) -> None:
    """Contracted MW of every phase that the path touches, for its whole term."""
    table = candidates.table
    touched = {str(table[column].iat[part]) for part in parts for column in ("phase", "then_phase")} - {""}
    power = phase_table(candidates.outlook)
    size = dict(
        zip(power["phase_name"], power["mw_per_it_mw"].to_numpy(np.float64) / unit_mw(candidates.outlook), strict=True)
    )
    contracts = table[(table["kind"] == Kind.POWER) & table["phase"].isin(touched)]
    for number, phase in zip(contracts.index, contracts["phase"], strict=True):
        numbers.append(int(number))
        levels.append(it_mw * float(size[phase]))


def _stretches(candidates: CandidateSet, parts: Sequence[int], start: int, end: int) -> tuple[Stretch, ...]:
    """The parts in order with the idle stretches between them."""
    table = candidates.table
    found: list[Stretch] = []
    at = start
    for part in sorted(parts, key=lambda number: int(table["from_month"].iat[number])):
        name, begins, ends = str(
            table["candidate_id"].iat[part]
        ), int(table["from_month"].iat[part]), int(table["to_month"].iat[part])
        if begins < at or ends > end:
            written = candidates.outlook.calendar.written
            raise PlannerError(
                f"{name} works from {written(begins)} to {written(ends - 1)}, when the GPU is not free or not there"
            )
        if begins > at:
            found.append(Stretch("idle", None, at, begins))
        found.append(Stretch(name, part, begins, ends))
        at = ends
    if at < end:
        found.append(Stretch("idle", None, at, end))
    return tuple(found)


def _merged(name: str, numbers: Sequence[int], levels: Sequence[float]) -> Package:
    unique, place = np.unique(np.asarray(numbers, dtype=np.int64), return_inverse=True)
    summed = np.zeros(len(unique))
    np.add.at(summed, place, np.asarray(levels))
    return Package(name, unique, summed)
