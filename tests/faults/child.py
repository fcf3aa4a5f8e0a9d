"""Reads spoilt files in a process of its own, so that whatever becomes of it is seen from outside."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

from faults.mutations import mutated
from faults.readers import READERS, Reader
from faults.seeds import World, make_world

from planner.errors import PlannerError

HANGS_AFTER = 5
"""Seconds of processor time; more is a hang."""
MOST_BYTES = 4 << 30
"""Address space of the process; what asks for more fails."""


def run(folder: Path, numbers: range, answers: int) -> None:
    """Read the spoilt files of these numbers, and write a line of JSON on each, before and after."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process also while it is in C
    warnings.simplefilter("ignore")
    world = make_world(folder / "seeds")
    for number in numbers:
        reader = READERS[number % len(READERS)]
        way, path = spoil(folder, reader, number)
        _tell(answers, {"number": number, "reader": reader.name, "way": way})
        before = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, HANGS_AFTER)
        outcome, said = outcome_of(reader, path, world)
        signal.setitimer(signal.ITIMER_PROF, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        _tell(
            answers,
            {"number": number, "outcome": outcome, "said": said, "seconds": time.process_time() - before, "peak": peak},
        )


def spoil(folder: Path, reader: Reader, number: int) -> tuple[str, Path]:
    """The way in which file `number` is spoilt, and where it stands."""
    seed, place = folder / "seeds" / reader.seed, folder / "spoilt" / reader.seed
    shutil.rmtree(folder / "spoilt", ignore_errors=True)
    place.parent.mkdir()
    shutil.copytree(seed, place) if seed.is_dir() else shutil.copy(seed, place)
    way, data = mutated(number, seed / reader.mutated)
    (place / reader.mutated).write_bytes(data)
    return way, place


def outcome_of(reader: Reader, path: Path, world: World) -> tuple[str, str]:
    """What became of a file: read, refused, misread, or a traceback; and what was said."""
    try:
        wrong = reader.read(path, world)
    except PlannerError as refusal:
        said = str(refusal)
        said.encode()  # what cannot be printed is no message
        return ("refused", said[:300]) if len(said) > 20 else ("no message", said)
    except MemoryError:
        return "out of memory", ""
    except Exception:
        return "traceback", traceback.format_exc()[-1500:]
    return ("misread", wrong) if wrong else ("read right", "")


def _tell(answers: int, record: dict[str, object]) -> None:
    os.write(answers, json.dumps(record).encode() + b"\n")


if __name__ == "__main__":
    run(Path(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[3])), int(sys.argv[4]))
