"""The README's commands work, and print what the README says."""

from __future__ import annotations

import pytest
from readme_blocks import README, blocks, printed, without_seconds


@pytest.mark.slow
def test_commands_print_what_the_readme_shows() -> None:
    shown = blocks(README.read_text(encoding="utf-8"))
    assert shown
    for command, output in shown:
        assert without_seconds(printed(command)) == without_seconds(output), command


def test_the_two_commands_of_the_start_are_single_lines() -> None:
    text = README.read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    python3 -m venv .venv && ")]
    assert len(lines) == 2
    assert any("planner plan fixtures/neocloud" in line for line in lines)
    assert any("-m pytest" in line for line in lines)
