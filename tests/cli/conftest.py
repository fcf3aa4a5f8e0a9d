"""The command line, run in this process."""

from __future__ import annotations

import sys

import pytest
from command_line import Ended, Run

from planner.cli.main import main


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> Run:
    """Runs the command line on a page wide enough for every table."""

    def run_main(*arguments: object, columns: int = 220) -> Ended:
        if arguments and arguments[0] == "report":
            request.getfixturevalue("kept_script")
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "argv", ["planner", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Ended(end.value.code if isinstance(end.value.code, int) else 0, captured.out, captured.err)

    return run_main
