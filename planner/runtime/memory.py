"""How much memory work may use."""

from __future__ import annotations

import os
import re
from pathlib import Path

from planner.errors import PlannerError

_UNITS = {"": 1 << 30, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30}
LEAST = 64 << 20
FALLBACK = 2 << 30
"""Where the system does not say what is free."""
_GROUP = Path("/sys/fs/cgroup")


VARIABLE = "PLANNER_MEMORY"
"""Environment variable that says what may be used, such as 4G, where no --memory is given."""


def free_memory() -> int:
    """Memory that may be used, in bytes: what PLANNER_MEMORY says, else what is free now, of the machine or of the
    container."""
    given = os.environ.get(VARIABLE)
    if given:
        return memory_bytes(given, said_by=VARIABLE)
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
        free = int(found[1]) * 1024 if found else os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        free = 2 * FALLBACK
    return max(min(free, _left_in_group(_GROUP, free)), LEAST)


def allow_memory(written: str | None) -> None:
    """Let this process, and those that it starts, use so much (such as 4G) in place of what is free; None changes
    nothing."""
    if written is not None:
        memory_bytes(written)
        os.environ[VARIABLE] = written


def _left_in_group(group: Path, free: int) -> int:
    """What the limit of a container leaves; `free` where there is none. Pages of files count as free, they can be given
    back."""
    try:
        most, used = int((group / "memory.max").read_text()), int((group / "memory.current").read_text())
        files = re.search(r"^inactive_file (\d+)", (group / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return free
    return most - used + (int(files[1]) if files else 0)


def usable_memory() -> int:
    """Half of the memory that may be used, in bytes."""
    return max(free_memory() // 2, LEAST)


def memory_bytes(written: str, *, said_by: str = "--memory") -> int:
    """A size such as 4, 4G or 500M (GiB where no unit is written); raises PlannerError for anything else or under 64
    MB."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", written)
    unit = _UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None:
        raise PlannerError(f"{said_by} {written!r} is not a size; write 4G or 500M")
    size = int(float(match[1]) * unit)
    if size < LEAST:
        raise PlannerError(f"{said_by} {written!r} is less than {written_size(LEAST)}; give at least that")
    return size


def written_size(size: float) -> str:
    """Bytes in the unit that a person would choose."""
    return f"{size / (1 << 30):,.1f} GB" if size >= 1 << 30 else f"{size / (1 << 20):.0f} MB"
