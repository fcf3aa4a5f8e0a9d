"""Progress where standard error is no terminal: a line every ten seconds at most, and nothing on standard output."""

from __future__ import annotations

import sys

import pytest

from planner.cli import progress
from planner.cli.progress import pricing, saying, solving


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that progress sees."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_every_ten_seconds_at_most(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with saying("sweeping", quiet=False) as say:
        assert say is not None
        for step in range(35):
            clock[0] = 100.0 + step
            say(f"{step} done")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "sweeping: 10 done (10 s)\nsweeping: 20 done (20 s)\nsweeping: 30 done (30 s)\n"


def test_a_short_job_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with solving("tiny", quiet=False, mip=True) as shown:
        assert shown is not None
        clock[0] += 9.0
        shown(9.0, 1.0, 2.0, 0.5)
    assert capsys.readouterr() == ("", "")


def test_a_solve_says_value_bound_and_gap(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with solving("tiny", quiet=False, mip=True) as shown:
        assert shown is not None
        clock[0] += 12.0
        shown(12.0, 1_000.0, 2_000.0, 0.5)
    assert capsys.readouterr().err == "planning tiny: best $1,000M, no plan can beat $2,000M, gap 50.00% (12 s)\n"


def test_prices_say_what_and_how_many(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with pricing("tiny", quiet=False) as answered:
        assert answered is not None
        clock[0] += 60.0
        answered("leases", 1234)
    assert capsys.readouterr().err == "pricing tiny: leases, 1,234 answers (60 s)\n"


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with saying("sweeping", quiet=True) as say, solving(
        "tiny", quiet=True, mip=True
    ) as shown, pricing("tiny", quiet=True) as answered:
        assert say is None
        assert shown is None
        assert answered is None
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_names_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with saying("[/red] name", quiet=False) as say:
        assert say is not None
        say("[bold]what")
