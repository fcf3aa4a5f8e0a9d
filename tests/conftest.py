"""Options of the whole suite, and how its tests share the cores."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from slow_tier import is_slow

# Before NumPy is loaded, here and in the workers: tests run on all cores, where a second BLAS thread of each would only
# spin.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Compiled once, and not by each worker and each child process anew, also where the environment says otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


ARITHMETIC = frozenset(
    {
        "candidates", "columns", "explaining", "kernels", "near_optimal", "oracle", "pricing", "risk", "rules",
        "scenarios", "scoring", "solver",
    }
)
"""Folders of tests that hold what is planned and priced."""


LONGEST = (
    "test_readme.py", "risk/test_neocloud_after_risk.py", "pricing/test_price_invariants.py",
    "fixtures/test_neocloud.py", "faults/test_memory_budget.py", "reporting/test_report_in_a_browser.py",
    "cli/test_odd_cases.py", "parallel/test_dask_workers.py", "faults/test_stopping.py", "test_every_verb.py",
    "columns/test_every_column.py", "candidates/test_refusals.py", "case/test_read_workbook.py",
    "cli/test_plan_command.py", "cli/test_quote_command.py",
    "sweeping/test_sweep.py", "cli/test_score_command.py", "cli/test_risk_command.py", "cli/test_report_command.py",
    "near_optimal/test_alternatives.py", "explaining/test_conflict.py", "scoring/test_score.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-gpu", action="store_true", help="also run the tests that need an NVIDIA GPU and CuPy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tier is marked, and the longest files come first, so that no core waits for one of them at the end."""
    for item in items:
        if is_slow(item.nodeid.removeprefix("tests/")):
            item.add_marker(pytest.mark.slow)
    places = {file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.removeprefix("tests/").partition("::")[0], len(LONGEST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file of tests is run by one worker, as its tests share what takes long to make, unless asked otherwise."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture(scope="session")
def bundled_script(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The script of the charts as vl-convert puts it together, once in a worker: it takes seconds."""
    from planner.reporting.page.script import begin_script

    begun = begin_script()
    written, complaint = begun.process.communicate()
    assert begun.process.returncode == 0, complaint
    return written


@pytest.fixture(scope="session")
def made_script(bundled_script: bytes, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What makes, in place of vl-convert, the script that was put together before."""
    path = tmp_path_factory.getbasetemp() / "bundled.js"
    path.write_bytes(bundled_script)
    return f"import pathlib, sys; sys.stdout.buffer.write(pathlib.Path({str(path)!r}).read_bytes())"


@pytest.fixture
def kept_script(made_script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports of a test take the script that was put together before."""
    monkeypatch.setattr("planner.reporting.page.script._MAKE", made_script)


@cache
def _storage() -> str:
    """How pandas holds text where it is not told otherwise."""
    import pandas as pd

    return str(pd.get_option("mode.string_storage"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Text is held in Python where a test is about arithmetic: on tables of a few rows that takes a third less time
    than Arrow, which users have, and which tests of what is read, written, printed and reported go through."""
    import pandas as pd

    _storage()  # before the first change
    room = item.nodeid.removeprefix("tests/").partition("/")[0]
    pd.set_option("mode.string_storage", "python" if room in ARITHMETIC else _storage())


@pytest.fixture(scope="session", autouse=True)
def commands_once() -> Iterator[None]:
    """The command line is put together from its declarations once in a worker, not by each test that runs it."""
    import typer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


def pytest_collection_finish() -> None:
    """Modules and tests live to the end: the garbage collector need not go through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
