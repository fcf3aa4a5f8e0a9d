"""Options of the whole suite, and how its tests share the cores."""

from __future__ import annotations

import gc
import os
import sys

import pytest
from slow_tier import is_slow

# Before NumPy is loaded, here and in the workers: tests run on all cores, where a second BLAS thread of each would only
# spin.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Compiled once, and not by each worker and each child process anew, also where the environment says otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-gpu", action="store_true", help="also run the tests that need an NVIDIA GPU and CuPy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tier is marked, and the longest test comes first, so that no core waits for it at the end."""
    for item in items:
        if is_slow(item.nodeid.removeprefix("tests/")):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: "test_commands_print_what_the_readme_shows" not in item.nodeid)


def pytest_collection_finish() -> None:
    """Modules and tests live to the end: the garbage collector need not go through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
