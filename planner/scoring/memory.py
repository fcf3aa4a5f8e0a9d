"""How much memory scoring may use."""

from __future__ import annotations

import os
import re

from planner.case.faults import PlannerError

_UNITS = {"": 1 << 30, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30}
LEAST = 64 << 20
FALLBACK = 2 << 30
"""Where the system does not say what is free."""


def usable_memory() -> int:
    """Half of the memory that is free now, in bytes."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            found = re.search(r"MemAvailable:\s+(\d+) kB", file.read())
        free = int(found[1]) * 1024 if found else os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        free = 2 * FALLBACK
    return max(free // 2, LEAST)


def memory_bytes(written: str) -> int:
    """A size such as 4, 4G or 500M (GiB where no unit is written); raises PlannerError for anything else or under 64 MB."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", written)
    unit = _UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None:
        raise PlannerError(f"--memory {written!r} is not a size; write 4G or 500M")
    size = int(float(match[1]) * unit)
    if size < LEAST:
        raise PlannerError(f"--memory {written!r} is less than {written_size(LEAST)}; give at least that")
    return size


def written_size(size: int) -> str:
    """Bytes in the unit that a person would choose."""
    return f"{size / (1 << 30):.1f} GB" if size >= 1 << 30 else f"{size / (1 << 20):.0f} MB"
