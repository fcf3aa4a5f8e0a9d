"""What a sweep has done so far, kept beside its folder until it is whole, so that it can be gone on with."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from planner.errors import PlannerError
from planner.plans.footprint import Footprint
from planner.sweeping.axes import Point
from planner.sweeping.base_plan import BasePlan
from planner.sweeping.held import Broken, Held
from planner.sweeping.point import Outcome
from planner.sweeping.workers import Job, Refused

_QUESTION, _BASE = "question.json", "base.npz"
_DIGEST = hashlib.sha256().digest_size
"""A point and the base plan end with the SHA-256 of what stands before."""


def question(job: Job, points: Iterable[Point]) -> str:
    """A text that is equal for sweeps that ask the same: case, options, points and version."""
    options, solver = job.options, job.options.solver
    asked = {
        "case": job.case.source_hash, "cold": job.cold, "version": _version(),
        "points": [asdict(point) for point in points],
        "options": [options.base, options.tail, options.equity, list(options.fixes), list(options.excludes)],
        "solver": [solver.solver, solver.gap, solver.time_limit_s, solver.seed, solver.relax],
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class Journal:
    """A folder `.NAME.unfinished` beside the folder of a sweep: the base plan and every point that is done."""

    def __init__(self, target: Path, asked: str) -> None:
        self.folder = unfinished(target)
        self.asked = asked

    def begin(self, *, resume: bool, force: bool) -> None:
        """Open the journal; raises PlannerError where one is there that is neither gone on with nor given up."""
        if self.folder.exists():
            if resume:
                self._same_question()
                return
            if not force:
                raise PlannerError(
                    f"an interrupted sweep is kept in {self.folder}; go on with it by --resume, or give it up with "
                    "--force"
                )
            shutil.rmtree(self.folder)
        elif resume:
            raise PlannerError(
                f"there is no interrupted sweep to go on with ({self.folder} does not exist); leave --resume out"
            )
        self.folder.mkdir(parents=True)
        self._write(_QUESTION, json.dumps({"asked": self.asked}).encode())

    def _same_question(self) -> None:
        try:
            kept = json.loads((self.folder / _QUESTION).read_text(encoding="utf-8"))["asked"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise PlannerError(f"{self.folder} is not an interrupted sweep; choose another --out") from None
        if kept != self.asked:
            raise PlannerError(
                f"{self.folder} holds another sweep (its case, options or points differ); repeat its own command with "
                "--resume, or give it up with --force"
            )

    def keep_base(self, base: BasePlan) -> None:
        """Keep the base plan."""
        levels = {} if base.levels is None else {"levels": base.levels}
        self._write(_BASE, _packed({**asdict(base), "levels": None}, levels))

    def keep(self, outcome: Outcome | Refused) -> None:
        """Keep a point."""
        name = f"point-{outcome.number:04d}.npz"
        if isinstance(outcome, Refused):
            self._write(name, _packed(asdict(outcome), {}))
        else:
            arrays = {"levels": outcome.levels, "unit_npv": outcome.unit_npv}
            self._write(name, _packed({**asdict(outcome), **dict.fromkeys(arrays)}, arrays))

    def base(self) -> BasePlan | None:
        """The base plan, None if it is not there yet, or not as it was written."""
        kept = _unpacked(self.folder / _BASE)
        if kept is None:
            return None
        record, arrays = kept
        return BasePlan(**{**record, "footprint": Footprint(**record["footprint"]), "levels": arrays.get("levels")})

    def done(self) -> Iterator[Outcome | Refused]:
        """The points that are kept as they were written; others are done again."""
        for path in sorted(self.folder.glob("point-*.npz")):
            kept = _unpacked(path)
            if kept is None:
                continue
            record, arrays = kept
            if "why" in record:
                yield Refused(**record)
                continue
            held = record["held"]
            broken = tuple(Broken(**entry) for entry in held["broken"])
            parts = {
                "held": Held(
                    held["npv_usd"], held["why_not"], broken, tuple(held["lost"]),
                    tuple((str(name), float(months)) for name, months in held["cut"]),
                ),
                "footprint": Footprint(**record["footprint"]), "ids": tuple(record["ids"]),
            }
            yield Outcome(**{**record, **parts, **arrays})

    def end(self) -> None:
        """Remove the journal: the sweep is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, data: bytes) -> None:
        """A file that is there whole or not at all, whenever the process is killed."""
        scratch: Any = self.folder / f".{name}.new"
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.folder / name)


def _packed(record: dict[str, Any], arrays: dict[str, Any]) -> bytes:
    """A record of plain values with its arrays; JSON keeps every digit of a float."""
    text = np.frombuffer(json.dumps(record).encode(), dtype=np.uint8)
    stream = io.BytesIO()
    np.savez(stream, record=text, **arrays)
    data = stream.getvalue()
    return data + hashlib.sha256(data).digest()


def _unpacked(path: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """A record with its arrays; None where the file is not there, or not as it was written."""
    try:
        written = path.read_bytes()
    except OSError:
        return None
    data, digest = written[:-_DIGEST], written[-_DIGEST:]
    if hashlib.sha256(data).digest() != digest:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    return json.loads(arrays.pop("record").tobytes()), arrays


def unfinished(target: Path) -> Path:
    """Where a sweep that is not finished is kept."""
    whole = target.resolve()
    return whole.parent / f".{whole.name}.unfinished"


def _version() -> str:
    try:
        return version("neocloud-planner")
    except PackageNotFoundError:
        return "unknown"
