"""What `planner --version` prints; nothing is imported to find it out."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGE, SOLVER = "neocloud-planner", "highspy"


def versions() -> str:
    """Name and version of the planner, of Python and of the solver, on one line."""
    return f"planner {_version(PACKAGE)} ({PACKAGE}), Python {platform.python_version()}, HiGHS {_version(SOLVER)}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
