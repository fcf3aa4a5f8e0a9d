"""What the command line does around every verb: versions, completion, pipes that are read no further, --debug."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Run

from planner.cli.versions import versions

ROOT = Path(__file__).parents[2]
TINY = ROOT / "fixtures" / "tiny"


def typed(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "planner", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment, capture_output=True, text=True, timeout=120
    )


def test_version_names_planner_python_and_the_solver(run: Run) -> None:
    ended = run("--version")
    assert (ended.code, ended.out, ended.err) == (0, versions() + "\n", "")
    for words in ("planner ", f"Python {platform.python_version()}", "HiGHS 1."):
        assert words in ended.out


def test_a_version_that_is_not_installed_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.cli.versions.PACKAGE", "no-such-package-here")
    assert versions().startswith("planner not installed (")


def test_help_documents_debug_versions_and_completion(run: Run) -> None:
    said = run("--help").out
    for option in ("--debug", "--version", "--install-completion", "--show-completion", "traceback"):
        assert option in said, option


def test_verbs_and_options_are_completed() -> None:
    verbs = typed(_PLANNER_COMPLETE="complete_bash", COMP_WORDS="planner pl", COMP_CWORD="1")
    assert verbs.stdout.split() == ["plan"]
    options = typed(_PLANNER_COMPLETE="complete_bash", COMP_WORDS="planner plan --ris", COMP_CWORD="2")
    assert options.stdout.split() == ["--risk-weight"]
    assert options.stderr == ""


@pytest.mark.parametrize(
    "arguments", [("plan", TINY), ("plan", TINY, "--json"), ("breakeven", TINY), ("--help",), ("--version",)]
)
def test_a_reader_that_has_gone_is_no_error(arguments: tuple[object, ...]) -> None:
    """As in `planner ... | head -1`, at its worst: nobody reads anything."""
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "planner", *map(str, arguments)], env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=write, stderr=subprocess.PIPE, text=True, timeout=120
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments", [("plan", TINY), ("check", TINY), ("sweep", TINY, "--stresses"), ("breakeven", TINY)]
)
def test_debug_is_the_same_in_every_verb(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr("planner.case.read.read_case", broken)
    plain, shown = run(*arguments), run(*arguments, "--debug")
    assert (plain.code, shown.code) == (1, 1)
    assert "Traceback" not in plain.err
    assert "run again with --debug" in plain.err
    assert "Traceback" in shown.err
    assert "report what is printed above" in shown.err
