"""What a sweep has done so far, as pieces of a journal: its base plan, and every point that is done."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from planner.plans.footprint import Footprint
from planner.storage.addresses import joined, read
from planner.storage.folders import versions
from planner.storage.journal import Journal
from planner.sweeping.axes import Point
from planner.sweeping.base_plan import BasePlan
from planner.sweeping.held import Broken, Held
from planner.sweeping.point import Outcome
from planner.sweeping.points import Job, Refused

_BASE, _POINT = "base", "point-"


def asked_of(job: Job, points: Iterable[Point]) -> dict[str, Any]:
    """What sweeps share that ask the same, as plain values: case, options, points and versions."""
    options, solver = job.options, job.options.solver
    return {
        "case_hash": job.case.source_hash, "cold": job.cold, "versions": versions(),
        "points": [asdict(point) for point in points],
        "options": [options.base, options.tail, options.equity, list(options.fixes), list(options.excludes)],
        "solver": [solver.solver, solver.gap, solver.time_limit_s, solver.seed, solver.relax],
    }


def hash_of(asked: Mapping[str, Any]) -> str:
    """A text that is equal for sweeps that ask the same."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def keep_base(journal: Journal, base: BasePlan) -> None:
    """Keep the base plan."""
    _keep(journal, _BASE, {**asdict(base), "levels": None}, {} if base.levels is None else {"levels": base.levels})


def keep_outcome(journal: Journal, outcome: Outcome | Refused) -> None:
    """Keep a point."""
    arrays = {name: getattr(outcome, name) for name in ("levels", "unit_npv") if isinstance(outcome, Outcome)}
    _keep(journal, f"{_POINT}{outcome.number:04d}", {**asdict(outcome), **dict.fromkeys(arrays)}, arrays)


def kept_base(journal: Journal) -> BasePlan | None:
    """The base plan, None if it is not there yet, or not as it was written."""
    record = _kept(journal, _BASE)
    return None if record is None else BasePlan(**{**record, "footprint": Footprint(**record["footprint"])})


def kept_outcomes(journal: Journal) -> Iterator[Outcome | Refused]:
    """The points that are kept as they were written; others are done again."""
    for name in journal.names():
        record = _kept(journal, name) if name.startswith(_POINT) else None
        if record is None:
            continue
        if "why" in record:
            yield Refused(**record)
            continue
        held = record["held"]
        parts = {
            "held": Held(
                held["npv_usd"], held["why_not"], tuple(Broken(**entry) for entry in held["broken"]),
                tuple(held["lost"]), tuple((str(name), float(months)) for name, months in held["cut"]),
            ),
            "footprint": Footprint(**record["footprint"]), "ids": tuple(record["ids"]),
        }
        yield Outcome(**{**record, **parts})


def _keep(journal: Journal, name: str, record: dict[str, Any], arrays: dict[str, Any]) -> None:
    """Plain values in the record of the piece (JSON keeps every digit of a float), arrays in a file beside it."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    journal.keep(name, {f"{name}.npz": stream.getvalue()}, record)


def _kept(journal: Journal, name: str) -> dict[str, Any] | None:
    record = journal.kept(name)
    if record is None:
        return None
    with np.load(io.BytesIO(read(joined(journal.folder, f"{name}.npz"))), allow_pickle=False) as arrays:
        return {**record, **{name: arrays[name] for name in arrays.files}}
