"""Thousands of spoilt files, each read right or refused with a message; runs stopped half-way; faults played: the
command, and its tables."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faults import played
from faults.child import HANGS_AFTER, MOST_BYTES
from faults.readers import READERS
from faults.seeds import write_seeds

GOOD = ("read right", "refused")
BAD = ("misread", "no message", "traceback", "out of memory", "hang", "process died")
_SILENT = 120.0
"""Seconds without a word after which a child waits for something that does not come."""


def main() -> None:
    """`python -m tests.faults`: exit code 1 if any file was neither read right nor refused."""
    asked = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    asked.add_argument("--files", type=int, default=3000, help="how many files")
    asked.add_argument("--seconds", type=float, default=600.0, help="time after which no more are tried")
    asked.add_argument(
        "--seed", type=int, default=1, help="first number of the files; the same number is the same file"
    )
    asked.add_argument(
        "--files-only", action="store_true",
        help="spoilt files alone, without interruptions and the faults that tests play",
    )
    given = asked.parse_args()
    found = list(fuzz(given.files, given.seconds, given.seed))
    print(table(found), flush=True)
    for record in found:
        if record["outcome"] in BAD:
            print(
                f"\nfile {record['number']}, {record['reader']}, {record['way']}: {record['outcome']}\n{record['said']}"
            )
    bad = any(record["outcome"] in BAD for record in found)
    if not given.files_only:
        bad |= played.stops() | played.faults()
    raise SystemExit(bad)


def fuzz(files: int, seconds: float, seed: int) -> Iterator[dict[str, Any]]:
    """What became of each file, in their order."""
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "seeds").mkdir()
        write_seeds(folder / "seeds")
        number, last = seed, seed + files
        while number < last and time.monotonic() < until:
            for record in _by_child(folder, number, last, until):
                number = record["number"] + 1
                yield record


def _by_child(folder: Path, first: int, last: int, until: float) -> Iterator[dict[str, Any]]:
    """Files from one child, until it is through, dies or time is up; the file on which it died is told as such."""
    read, write = os.pipe()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1]), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, "-m", "faults.child", str(folder), str(first), str(last), str(write)], pass_fds=[write],
        env=environment, stderr=subprocess.PIPE,
    )
    os.close(write)
    begun: dict[str, Any] | None = None
    silent = False
    try:
        with os.fdopen(read, "rb") as answers:
            while time.monotonic() < until and not (silent := not _ready(answers)) and (line := answers.readline()):
                said = json.loads(line)
                if "outcome" in said and begun is not None:
                    yield {**begun, **said}
                    begun = None
                else:
                    begun = said
            else:
                if time.monotonic() >= until:
                    return
    finally:
        child.kill()
        _, errors = child.communicate()
    if begun is not None:
        hung = silent or child.returncode == -signal.SIGPROF
        yield {
            **begun, "outcome": "hang" if hung else "process died", "said": errors.decode(errors="replace")[-500:],
            "seconds": float(HANGS_AFTER), "peak": 0,
        }
    elif child.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(errors.decode(errors="replace"))


def _ready(answers: Any) -> bool:
    import select

    return (
        bool(answers.peek(1) if select.select([answers], [], [], _SILENT)[0] else b"")
        or bool(select.select([answers], [], [], 0.0)[0])
    )


def table(found: list[dict[str, Any]]) -> str:
    """What was tried, how often, what happened."""
    by_reader: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in found:
        by_reader[record["reader"]].append(record)
    shown = [*GOOD, *(outcome for outcome in BAD if any(record["outcome"] == outcome for record in found))]
    wide = max(len(reader.name) for reader in READERS) + 1
    lines = [f"{'reader':<{wide}}{'files':>7}" + "".join(f"{outcome:>15}" for outcome in shown) + f"{'slowest':>10}"]
    for name in (reader.name for reader in READERS if reader.name in by_reader):
        records = by_reader[name]
        count = Counter(record["outcome"] for record in records)
        slowest = max(record["seconds"] for record in records)
        lines.append(
            f"{name:<{wide}}{len(records):>7,}" + "".join(f"{count[outcome]:>15,}" for outcome in shown)
            + f"{slowest:>8.1f} s"
        )
    count = Counter(record["outcome"] for record in found)
    lines.append(f"{'all':<{wide}}{len(found):>7,}" + "".join(f"{count[outcome]:>15,}" for outcome in shown))
    peak = max((record["peak"] for record in found), default=0)
    neither = sum(count[outcome] for outcome in BAD)
    lines.append(
        f"neither read right nor refused: {neither:,}; most memory {peak / 2**20:,.0f} MB of {MOST_BYTES / 2**20:,.0f} "
        f"MB; a hang is {HANGS_AFTER} s of processor time"
    )
    return "\n".join(lines)
